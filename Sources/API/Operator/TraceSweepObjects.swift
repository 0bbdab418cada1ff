import Cluster
import Kubernetes
import Scheduler
import Traceflow
import Worker

/// TraceSweeps of a cluster and the sweeps of the log that they stand for. As with a Job, what one
/// asks for does not change once it was begun.
struct TraceSweepObjects {
    static let plural = "tracesweeps"

    private let owner: Operator
    private let book: SweepBook

    init(_ owner: Operator) {
        self.owner = owner
        book = SweepBook(log: owner.log)
    }

    func reconcile(_ objects: [String: JSONValue]) throws {
        let entries = try book.all().filter {
            $0.request.labels[TraceScheduleObjects.uidLabel] != nil
        }
        let uids = Set(objects.values.compactMap { $0["metadata"]["uid"].text })
        for entry in entries where entry.phase == .running {
            let uid = entry.request.labels[TraceScheduleObjects.uidLabel] ?? ""
            // Its object is gone: nobody waits for the rest.
            if !uids.contains(uid) {
                _ = try book.cancel(entry.id, reason: "its TraceSweep was deleted")
            }
        }
        let byUID = Dictionary(
            entries.map { ($0.request.labels[TraceScheduleObjects.uidLabel] ?? "", $0) },
            uniquingKeysWith: { first, _ in first })
        for (name, object) in objects.sorted(by: { $0.key < $1.key }) {
            let uid = object["metadata"]["uid"].text ?? ""
            if let entry = byUID[uid] {
                try tell(object, entry)
            } else if object["status"]["number"].isNull {
                try begin(object, name, uid)
            }
            // Else it was run, and is in a segment that was put away: its status says how it went.
        }
    }

    private func begin(_ object: JSONValue, _ name: String, _ uid: String) throws {
        do {
            let resource = try Resource(ManifestValue(object), file: name)
            // The log's names outlive objects: the number of its object makes it this one's.
            var request = SweepRequest(
                try SweepManifest(resource), name: "\(name)-\(uid.prefix(8))",
                // Tags are scarce on a real cluster.
                coverage: .classes)
            request.labels[TraceScheduleObjects.uidLabel] = uid
            guard let (digest, cluster) = try owner.clusters.latest() else {
                return try refuse(object, "NoCluster", "the cluster was not observed yet")
            }
            request.clusterDigest = digest
            let pairs = try SweepPlan.pairs(request.pairs, PathFinder(cluster: cluster))
            guard pairs.memberCount > 0 else {
                return try refuse(object, "NoPairs", "no pair of Pods to trace")
            }
            request.total = pairs.memberCount
            request.cells = pairs.cellCount * Int64(request.pairs.ports.count)
            let id = try book.record(request)
            try tell(object, book.entry(named: id.description))
        } catch let error as ManifestError {
            try refuse(object, "Invalid", error.message)
        } catch let error as Refusal {
            try refuse(object, "Invalid", error.description)
        } catch let error as PairError {
            try refuse(object, "Invalid", "\(error)")
        }
    }

    private func refuse(_ object: JSONValue, _ reason: String, _ message: String) throws {
        let condition = Condition(type: "Ready", holds: false, reason: reason, message: message)
        try write([condition], [:], object)
    }

    private func tell(_ object: JSONValue, _ entry: SweepBook.Entry) throws {
        let isOver = entry.phase != .running
        let failed = entry.tally.notSucceeded
        let conditions = [
            Condition(
                type: "Ready", holds: true, reason: "Recorded", message: "the sweep is in the log"),
            Condition(
                type: "Complete", holds: isOver, reason: entry.phase.rawValue,
                message: "\(entry.tally.ended) of \(entry.request.total) traces ended"
                    + (failed > 0 ? ", \(failed) of them Failed" : "")
                    + (entry.reason.isEmpty ? "" : ": \(entry.reason)")),
        ]
        try write(conditions, JSONValue(entry.resource)["status"], object)
    }

    private func write(
        _ conditions: [Condition], _ status: JSONValue, _ object: JSONValue
    ) throws {
        var status = status
        status["observedGeneration"] = object["metadata"]["generation"]
        status["conditions"] = Condition.json(conditions, of: object, at: owner.clock.now())
        try owner.write(status, of: object, Self.plural)
    }
}
