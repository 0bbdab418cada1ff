import Cluster
import Foundation
import Kubernetes
import Scheduler
import Traceflow
import Worker

/// TraceSchedules of a cluster and the schedules of the log that they stand for.
struct TraceScheduleObjects {
    static let plural = "traceschedules"
    /// On a schedule of the log: the object that asked for it.
    static let uidLabel = "tracectl.dev/uid"

    private let owner: Operator
    private let book: ScheduleBook

    init(_ owner: Operator) {
        self.owner = owner
        book = ScheduleBook(log: owner.log, clock: owner.clock)
    }

    func reconcile(_ objects: [String: JSONValue]) throws {
        var entries = try entries()
        for (name, entry) in entries {
            // Made by an object that is no more.
            guard entry.life.spec.labels[Self.uidLabel] != nil, objects[name] == nil else {
                continue
            }
            _ = try book.record(.deleted, of: entry)
            entries[name] = nil
        }
        var faults: [String: Condition] = [:]
        var isChanged = false
        for (name, object) in objects.sorted(by: { $0.key < $1.key }) {
            faults[name] = try save(object, name, entries[name]?.life, &isChanged)
        }
        if isChanged { entries = try self.entries() }
        for (name, object) in objects.sorted(by: { $0.key < $1.key }) {
            try tell(object, faults[name], entries[name])
        }
    }

    private func entries() throws -> [String: ScheduleBook.Entry] {
        Dictionary(try book.all().map { ($0.name, $0) }, uniquingKeysWith: { $1 })
    }

    /// Makes the schedule what the object asks for; returns why it cannot be.
    private func save(
        _ object: JSONValue, _ name: String, _ held: ScheduleLife?, _ isChanged: inout Bool
    ) throws -> Condition? {
        guard let uid = object["metadata"]["uid"].text else { return nil }
        func refused(_ reason: String, _ message: String) -> Condition {
            Condition(type: "Ready", holds: false, reason: reason, message: message)
        }
        var spec: ScheduleSpec
        // Where the manifest does not say, it is for people to pause and resume it.
        let isPaused = object["spec"]["suspend"].bool
        do {
            let resource = try Resource(ManifestValue(object), file: name)
            spec = try ScheduleSpec.read(ScheduleManifest(resource)).spec
        } catch let error as ManifestError {
            return refused("Invalid", error.message)
        } catch let error as Refusal {
            return refused("Invalid", error.description)
        }
        spec.labels[Self.uidLabel] = uid
        if let held, held.spec.labels[Self.uidLabel] == nil {
            return refused(
                "NameTaken",
                "the log has a schedule of this name that no TraceSchedule asked for; delete it"
                    + " with tracectl schedule delete, or choose another name")
        }
        if let held, held.spec == spec, isPaused == nil || held.isPaused == isPaused {
            return nil
        }
        do {
            _ = try book.save(spec, isPaused: isPaused)
            isChanged = true
            return nil
        } catch let error as Refusal {
            return refused("Invalid", error.description)
        }
    }

    /// Writes the status, and an event of each change of a probe.
    private func tell(
        _ object: JSONValue, _ fault: Condition?, _ entry: ScheduleBook.Entry?
    ) throws {
        let now = owner.clock.now()
        var conditions = [
            fault
                ?? Condition(
                    type: "Ready", holds: true, reason: "Recorded",
                    message: "the schedule is in the log")
        ]
        var status: JSONValue = [:]
        if let entry, fault?.reason != "NameTaken" {
            status = JSONValue(entry.resource)["status"]
            let changes = try changes(of: entry, told: object["status"]["changes"].int ?? 0)
            if entry.life.spec.expectation != nil {
                conditions.append(Self.health(of: entry, changes))
            }
            for change in changes.reversed() where change.isNew {
                try emit(change.change, change.number, entry, of: object)
            }
            status["changes"] = .int(Int64(entry.life.changesSaid))
        }
        status["observedGeneration"] = object["metadata"]["generation"]
        status["conditions"] = Condition.json(conditions, of: object, at: now)
        try owner.write(status, of: object, Self.plural)
    }

    private typealias Numbered = (change: ProbeChange, number: Int, isNew: Bool)

    /// The changes of a probe that are to be told, the latest first, and behind them those up to
    /// the one that broke it.
    private func changes(of entry: ScheduleBook.Entry, told: Int) throws -> [Numbered] {
        let life = entry.life
        guard life.changesSaid > told || life.isBroken else { return [] }
        var changes: [Numbered] = []
        var number = life.changesSaid
        for (_, event) in try book.events(of: entry.id, limit: Self.eventsMax) {
            switch event {
            case .probeBroken(let change), .probeHealthy(let change), .pathChanged(let change):
                changes.append((change, number, number > told))
                number -= 1
                if number <= told, !life.isBroken || change.kind == .broken { return changes }
            case .changed, .paused, .resumed, .deleted, .runRequested, .fired, .missed, .notified:
                break
            }
        }
        return changes
    }

    /// Of one schedule so much of the past is looked at.
    private static let eventsMax = 2000

    private static func health(
        of entry: ScheduleBook.Entry, _ changes: [Numbered]
    ) -> Condition {
        let life = entry.life
        if life.isBroken {
            guard let change = changes.first(where: { $0.change.kind == .broken })?.change else {
                return Condition(
                    type: "Healthy", holds: false, reason: life.brokenWord,
                    message: "\(life.mismatches) unexpected in a row")
            }
            return Condition(
                type: "Healthy", holds: false, reason: life.brokenWord,
                message: "\(change.verdict.rawValue) where \(change.expected.rawValue) was expected"
                    + ", \(change.mismatches) times in a row, since \(change.slot.text)")
        }
        guard life.lastSlot != nil else {
            return Condition(
                type: "Healthy", holds: nil, reason: "NotRunYet", message: "no slot was run yet")
        }
        return Condition(
            type: "Healthy", holds: true, reason: "AsExpected",
            message: life.mismatches == 0
                ? "the last result is what was expected"
                : "\(life.mismatches) unexpected in a row, \(life.spec.failureThreshold) make it"
                    + " broken")
    }

    /// A change of a probe as an event of the cluster. Its name has the change's number, so that it
    /// is there once however often it is made.
    private func emit(
        _ change: ProbeChange, _ number: Int, _ entry: ScheduleBook.Entry, of object: JSONValue
    ) throws {
        let (type, reason, message) =
            switch change.kind {
            case .broken:
                (
                    "Warning", "ProbeBroken",
                    "\(change.verdict.rawValue) where \(change.expected.rawValue) was expected,"
                        + " \(change.mismatches) times in a row"
                )
            case .healthy: ("Normal", "ProbeHealthy", "\(change.verdict.rawValue), as expected")
            case .pathChanged:
                ("Normal", "PathChanged", "\(change.verdict.rawValue) as before, by another path")
            }
        let time = RFC3339.text(change.slot)
        let metadata = object["metadata"]
        let uid = (metadata["uid"].text ?? "").prefix(8)
        let event: JSONValue = .of([
            "apiVersion": "v1", "kind": "Event",
            "metadata": .of([
                "name": .string("\(entry.name).\(uid)-\(number)"),
                "namespace": "default",
            ]),
            "involvedObject": .of([
                "apiVersion": .string("\(Operator.group)/\(Operator.version)"),
                "kind": "TraceSchedule", "name": .string(entry.name), "uid": metadata["uid"],
            ]), "type": .string(type), "reason": .string(reason),
            "message": .string("slot \(change.slot.text): \(message)"),
            "source": ["component": "tracectl"], "firstTimestamp": .string(time),
            "lastTimestamp": .string(time), "count": 1,
        ])
        do {
            try owner.client.call(
                APICall("POST", "/api/v1/namespaces/default/events", body: event))
        } catch let status as APIStatus where status.isOfOneObject {
            // Told before, or events are not for us to make: the status says the same.
            if status.code != 409 { owner.complain(ofObject: "event of \(entry.name): \(status)") }
        }
    }
}
