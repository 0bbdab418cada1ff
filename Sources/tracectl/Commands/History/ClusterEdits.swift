import History
import JobLog
import Scheduler
import TraceLog
import Traceflow
import Worker

/// What was edited in the cluster between two traces: what their paths name comes first.
enum ClusterEdits {
    static func between(
        _ before: TraceRecord, _ after: TraceRecord, _ past: ClusterPast
    ) throws -> [ClusterChange] {
        guard let old = before.clusterDigest, let new = after.clusterDigest else { return [] }
        let changes = try past.changes(
            from: (old, before.position), to: (new, after.position))
        let named = named(before, after)
        func rank(_ change: ClusterChange) -> Int {
            let reference = change.reference
            let isPolicy = reference.kind.hasSuffix("NetworkPolicy")
            let name =
                reference.namespace.isEmpty
                ? reference.name : "\(reference.namespace)/\(reference.name)"
            if isPolicy, named.contains(where: { $0.hasSuffix(":" + name) }) { return 0 }
            if named.contains("\(reference.kind) \(name)") { return 1 }
            return isPolicy ? 2 : 3
        }
        return changes.enumerated().sorted {
            (rank($0.element), $0.offset) < (rank($1.element), $1.offset)
        }.map(\.element)
    }

    /// The policies that the paths show, and the ends of the traces.
    private static func named(_ before: TraceRecord, _ after: TraceRecord) -> Set<String> {
        var named: Set<String> = []
        for record in [before, after] {
            for result in record.results {
                for step in result.observations {
                    if let policy = step.networkPolicy { named.insert(policy) }
                }
            }
            for end in [record.source, record.destination] {
                switch end.kind {
                case .pod: named.insert("Pod \(end.text)")
                case .service: named.insert("Service \(end.text)")
                case .address, .any: break
                }
            }
        }
        return named
    }

    /// `ClusterNetworkPolicy lock appeared`.
    static func line(_ change: ClusterChange) -> String {
        let space = change.reference.namespace.isEmpty ? "" : change.reference.namespace + "/"
        return "\(change.reference.kind) \(space)\(change.reference.name)"
            + " \(change.kind.rawValue)\(change.byline)"
    }
}

extension ClusterChange {
    /// Who did it; nil of what vanished, whose last change is not what made it vanish.
    var author: ResourceReference.Change? { kind == .vanished ? nil : reference.change }

    /// `, by kubectl-edit at 2026-11-23T02:47:00Z`; empty where nobody tells.
    var byline: String { author.map { ", by \(printable($0.manager)) at \($0.at.text)" } ?? "" }
}
