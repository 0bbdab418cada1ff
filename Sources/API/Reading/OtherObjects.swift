import JobLog
import Scheduler
import Synchronization
import TraceLog
import Traceflow
import Worker

/// Schedules and sweeps as objects; every look costs a replay from the last checkpoint.
final class OtherObjects: Sendable {
    private let log: JobLog
    /// As of the last look, to tell what changed.
    private let known = Mutex<[Int64: APIObject]>([:])

    init(log: JobLog) { self.log = log }

    /// All of a kind that are selected, by name.
    func all(_ kind: ResourceKind, _ selector: Selector = .all) throws -> [APIObject] {
        try objects(kind).filter(selector.selects).sorted { $0.name < $1.name }
    }

    func object(_ kind: ResourceKind, named name: String) throws -> APIObject? {
        try objects(kind).first { $0.name == name }
    }

    private func objects(_ kind: ResourceKind) throws -> [APIObject] {
        switch kind {
        case .traceSchedule:
            try ScheduleBook(log: log).all().map { try object(.schedule($0), $0.id.rawValue) }
        case .traceSweep:
            try SweepBook(log: log).all().filter { !$0.isHidden }
                .map { try object(.sweep($0), $0.id.rawValue) }
        case .traceflow, .packetCapture: []
        }
    }

    private func object(_ content: APIObject.Content, _ stream: Int64) throws -> APIObject {
        let events = try log.read(stream: stream)
        return APIObject(
            content, stream: stream, position: events.last?.position ?? 0, logID: log.logID,
            createdAt: events.first.map { Moment(microseconds: $0.recordedAt) })
    }

    /// What became of the streams by now, of which some are new.
    func changes(
        _ streams: Set<Int64>
    ) throws -> [ObjectChange] {
        let now = try (objects(.traceSchedule) + objects(.traceSweep))
            .reduce(into: [Int64: APIObject]()) { $0[$1.stream] = $1 }
        let before = known.withLock { known in
            defer { known = now }
            return known
        }
        var changes: [ObjectChange] = []
        for stream in streams.sorted() {
            if let object = now[stream] {
                let isNew = before[stream] == nil
                changes.append(
                    ObjectChange(
                        kind: isNew ? .added : .modified, object: object, before: before[stream]))
            } else if let gone = try gone(stream, before[stream]) {
                changes.append(ObjectChange(kind: .deleted, object: gone, before: before[stream]))
            }
        }
        return changes
    }

    /// What is left of one that was deleted.
    private func gone(_ stream: Int64, _ before: APIObject?) throws -> APIObject? {
        guard let last = try log.read(stream: stream).last else { return nil }
        if let before {
            return APIObject(
                before.content, stream: stream, position: last.position, logID: log.logID)
        }
        let coding = TraceCoding(log: log)
        for event in try log.read(stream: stream).reversed() {
            switch try coding.event(event) {
            case .schedule(.changed(let spec)):
                return APIObject(
                    .gone(.traceSchedule, name: spec.name), stream: stream,
                    position: last.position, logID: log.logID)
            case .sweep(.requested(let request)):
                return APIObject(
                    .gone(.traceSweep, name: request.name ?? String(stream)), stream: stream,
                    position: last.position, logID: log.logID)
            case _: continue
            }
        }
        return nil
    }

    /// Remembers what is there, so that later changes can be told from it.
    func look() throws { _ = try changes([]) }
}

extension SweepBook.Entry {
    /// Why a sweep ended that was deleted through the API.
    static let deletedReason = "Deleted"

    /// Deleted through the API: its history stays, and `tracectl sweep list` shows it.
    var isHidden: Bool { phase == .cancelled && reason == Self.deletedReason }
}
