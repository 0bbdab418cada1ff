import Traceflow

/// A fact about one sweep.
public enum SweepEvent: Hashable, Sendable {
    indirect case requested(SweepRequest)
    /// The requests of these members follow at once, in their order, within the same transaction.
    case expanded(first: Int64, count: Int)
    /// Every member has ended.
    case finished(SweepTally)
    /// No more members are asked for, and those that have not ended are ended. The reason is empty
    /// when people wanted it.
    case cancelled(reason: String)
}

/// How many members of a sweep ended how.
public struct SweepTally: Hashable, Sendable {
    public var delivered = 0
    public var dropped = 0
    public var rejected = 0
    public var forwardedOut = 0
    /// Failed traces: those whose packet nobody saw again, those nobody saw at all, and the others.
    public var lost = 0
    public var unknown = 0
    public var failed = 0

    public init() {}

    public var succeeded: Int { delivered + dropped + rejected + forwardedOut }
    public var notSucceeded: Int { lost + unknown + failed }
    public var ended: Int { succeeded + notSucceeded }

    /// Counts an attempt that nothing follows.
    public mutating func add(_ end: TraceEvent) { add(1, end) }

    /// Takes back an attempt that is followed by another after all.
    public mutating func remove(_ end: TraceEvent) { add(-1, end) }

    private mutating func add(_ count: Int, _ end: TraceEvent) {
        switch end {
        case .succeeded(_, let verdict), .timedOut(_, let verdict):
            switch verdict {
            case .delivered: delivered += count
            case .dropped: dropped += count
            case .rejected: rejected += count
            case .forwardedOutOfNetwork: forwardedOut += count
            case .lost: lost += count
            case .unknown: unknown += count
            }
        case .failed: failed += count
        case .requested, .tagAllocated, .begun, .nodeReported, .nodeFailed, .packetCaptured,
            .captureArchived, .retryRequested, .cancelRequested, .deleted, .metadataChanged:
            break
        }
    }
}

/// A decision about a sweep.
public struct SweepDecision: Hashable, Sendable {
    public var sweep: SweepID
    public var event: SweepEvent

    public init(sweep: SweepID, event: SweepEvent) {
        self.sweep = sweep
        self.event = event
    }

    /// How many members the decision asks for.
    public var memberCount: Int {
        if case .expanded(_, let count) = event { count } else { 0 }
    }
}

/// A sweep's place in the log: the number of its stream, by which it can always be called.
public struct SweepID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let rawValue: Int64

    public init(_ rawValue: Int64) { self.rawValue = rawValue }

    public static func < (a: SweepID, b: SweepID) -> Bool { a.rawValue < b.rawValue }

    public var description: String { String(rawValue) }
}
