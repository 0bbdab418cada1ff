import Cluster
import History
import JobLog
import Scheduler
import TraceLog
import Traceflow

/// What became of one Kubernetes object between two observations of a cluster.
public struct ClusterChange: Sendable {
    public enum Kind: String, Sendable, CaseIterable {
        case appeared, changed, vanished
    }

    public var kind: Kind
    public var reference: ResourceReference
    /// When the log was told.
    public var observedAt: Moment
    /// The object before and after, as one line of JSON; nil where there was none, or where its
    /// content is in an archived segment.
    public var before: String?
    public var after: String?
}

/// The clusters of the past, as history keeps them after segments were put away.
public struct ClusterPast {
    private let log: JobLog
    private let history: History
    private let coding: TraceCoding

    public init(log: JobLog, history: History) {
        self.log = log
        self.history = history
        coding = TraceCoding(log: log)
    }

    /// The model of the cluster with the digest; throws when it was never observed.
    public func pathFinder(of digest: [UInt8]) throws -> PathFinder {
        let store = ClusterStore(log: log)
        guard let found = try store.resources(in: events(), until: digest) else {
            throw TraceLogError(.missingContent, position: 0, detail: "a cluster")
        }
        return PathFinder(
            cluster: try Cluster(ClusterStore.resources(of: found.references, bytes)))
    }

    /// The objects of the cluster as it was known at the moment; nil when none was.
    public func resources(at moment: Moment) throws -> [Resource]? {
        let known = try events().filter { $0.recordedAt <= moment.microseconds }
        return try ClusterStore(log: log).resources(in: known, until: nil).map {
            try ClusterStore.resources(of: $0.references, bytes)
        }
    }

    /// How the cluster that one request was made against differs from that of a later one; nothing
    /// for the same cluster. Positions are of the requests, or of what ended them.
    public func changes(
        from old: (digest: [UInt8], position: Int64), to new: (digest: [UInt8], position: Int64)
    ) throws -> [ClusterChange] {
        guard old.digest != new.digest else { return [] }
        var references: [String: ResourceReference] = [:]
        var before: [String: ResourceReference] = [:]
        var after: [String: ResourceReference] = [:]
        var touched: [String: Moment] = [:]
        var touchedThen: [String: Moment] = [:]
        for recorded in try events() where recorded.position < new.position {
            guard case .clusterObserved(let observed) = try coding.event(recorded) else { continue }
            if observed.isWhole { references = [:] }
            for reference in observed.vanished { references[reference.key] = nil }
            for reference in observed.appeared + observed.changed {
                references[reference.key] = reference
            }
            let moment = Moment(microseconds: recorded.recordedAt)
            if !observed.isWhole {
                for reference in observed.appeared + observed.changed + observed.vanished {
                    touched[reference.key] = moment
                }
            }
            // Either may have been there several times: the last before its own trace counts.
            if observed.digest == old.digest, recorded.position < old.position {
                (before, touched) = (references, [:])
            }
            if observed.digest == new.digest { (after, touchedThen) = (references, touched) }
        }
        return try Set(before.keys).union(after.keys).sorted().compactMap { key in
            try change(before[key], after[key], touchedThen[key])
        }
    }

    private func change(
        _ before: ResourceReference?, _ after: ResourceReference?, _ moment: Moment?
    ) throws -> ClusterChange? {
        guard before?.digest != after?.digest, let reference = after ?? before else { return nil }
        return ClusterChange(
            kind: before == nil ? .appeared : after == nil ? .vanished : .changed,
            reference: reference, observedAt: moment ?? Moment(microseconds: 0),
            before: try before.flatMap { try content($0) },
            after: try after.flatMap { try content($0) })
    }

    private func content(_ reference: ResourceReference) throws -> String? {
        try bytes(reference.digest).map { String(decoding: $0, as: UTF8.self) }
    }

    private func bytes(_ digest: [UInt8]) throws -> [UInt8]? {
        try history.content(digest) ?? log.content(digest)
    }

    private func events() throws -> [RecordedEvent] {
        try history.events(ofType: .clusterObserved)
    }
}
