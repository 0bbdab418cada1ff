import Scheduler
import Traceflow

/// Where a trace begins or ends.
public struct Endpoint: Hashable, Sendable {
    public enum Kind: Int64, Hashable, Sendable {
        case pod = 1
        case service = 2
        case address = 3
        /// Anybody: a live trace may leave one end open.
        case any = 4
    }

    public var kind: Kind
    /// Empty for addresses.
    public var namespace: String
    public var name: String

    /// As `namespace/name`; an address as it is.
    public var text: String {
        switch kind {
        case .pod, .service: "\(namespace)/\(name)"
        case .address: name
        case .any: "any"
        }
    }
}

/// An attempt that ended, as history keeps it after its events were put away.
public struct TraceRecord: Sendable {
    /// Where the event that ended it stands in the log.
    public var position: Int64
    public var endedAt: Moment
    public var requestedAt: Moment
    public var id: TraceID
    public var attempt: Int
    public var name: String
    public var naming: TraceName
    public var source: Endpoint
    public var destination: Endpoint
    /// The packet and how it was traced; the ends are `source` and `destination`.
    public var spec: TraceflowSpec
    /// In whose vocabulary it was asked and answered.
    public var apiVersion: APIVersion
    public var phase: Phase
    /// What was seen until it ended, also of one that somebody stopped (`tellsOfTheNetwork`).
    public var verdict: Verdict?
    /// Why it failed; empty when it did not.
    public var reason: String
    /// What the schedule that began it expected; nil where nothing was.
    public var expected: Verdict?
    /// Whether it was a probe's, under way in a time of maintenance.
    public var isExcused: Bool
    public var labels: [String: String]
    /// Digest of the cluster it was made against; nil for none.
    public var clusterDigest: [UInt8]?
    /// What the nodes saw, in the order of their reports; timestamps are not kept.
    public var results: [NodeResult]

    /// Whether it ended by what was seen, or by time; else somebody stopped it.
    public var tellsOfTheNetwork: Bool { phase == .succeeded || reason == Trace.timeoutReason }

    /// Equal for equal paths: what components did with the packet, wherever, and whichever Pod
    /// of a Service it went to.
    public var path: PathDigest {
        PathDigest(of: results.lazy.flatMap(\.observations))
    }

    /// The last policy that a component named, with its rule.
    public var decidingPolicy: (policy: String, rule: String?)? {
        for result in results.reversed() {
            for step in result.observations.reversed() {
                if let policy = step.networkPolicy { return (policy, step.networkPolicyRule) }
            }
        }
        return nil
    }
}

/// A moment at which something else was found between two ends than before.
public struct PairFlip: Sendable {
    public enum Kind: Int64, Hashable, Sendable {
        case verdict = 0
        /// The verdict is the same, and the packet comes to it in another way.
        case path = 1
    }

    public var kind: Kind
    public var before: TraceRecord
    public var after: TraceRecord

    public init(kind: Kind, before: TraceRecord, after: TraceRecord) {
        self.kind = kind
        self.before = before
        self.after = after
    }
}
