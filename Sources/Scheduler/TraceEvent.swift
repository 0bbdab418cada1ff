import Traceflow

/// A fact about one trace. Facts are in the past tense and never change once recorded.
public enum TraceEvent: Hashable, Sendable {
    /// Indirect, as the packet below: the large ones must not make every decision large.
    indirect case requested(TraceRequest)
    case tagAllocated(TagAllocation)
    /// The data plane, which allots the tags, has begun the attempt.
    case begun(attempt: Int, at: Moment)
    case nodeReported(ReportID, NodeResult)
    case nodeFailed(ReportID, error: String)
    /// A live trace's packet, as `node` saw it.
    indirect case packetCaptured(ReportID, CapturedPacket)
    /// Packets that the trace keeps are in the archive, synced.
    indirect case captureArchived(CaptureArchived)
    case succeeded(attempt: Int, verdict: Verdict)
    case timedOut(attempt: Int, verdict: Verdict)
    case failed(attempt: Int, reason: String)
    case retryRequested(Retry)
    case cancelRequested
    case deleted
    /// Labels and annotations as they are from now on, all of them.
    case metadataChanged(labels: [String: String], annotations: [String: String])
}

/// The start of an attempt: from here to its terminal event the attempt holds its tag.
public struct TagAllocation: Hashable, Sendable {
    public var attempt: Int
    /// The data-plane tag; `noTag` where somebody else allots tags (profile `external`), or none
    /// is needed.
    public var tag: Int
    /// The nodes on which nobody else may use the tag meanwhile.
    public var scope: TagScope
    /// The worker incarnation that is to run the attempt.
    public var executor: String
    /// Where somebody else allots tags, until they have begun: with the time that this may take.
    public var deadline: Moment

    public static let noTag = 0

    public init(attempt: Int, tag: Int, scope: TagScope, executor: String, deadline: Moment) {
        self.attempt = attempt
        self.tag = tag
        self.scope = scope
        self.executor = executor
        self.deadline = deadline
    }
}

/// What makes a report that one report: a second one with the same identity changes nothing.
public struct ReportID: Hashable, Sendable {
    public var attempt: Int
    public var node: String
    public var sequence: Int

    public init(attempt: Int, node: String, sequence: Int) {
        self.attempt = attempt
        self.node = node
        self.sequence = sequence
    }
}

/// A new attempt, by hand or by the request's `retries`.
public struct Retry: Hashable, Sendable {
    /// The number of the attempt that is to come.
    public var attempt: Int
    /// The moment before which it must not start (backoff).
    public var notBefore: Moment
    /// Which retry in a row this is that nobody asked for, from 1; 0 for one by hand.
    public var automaticNumber: Int
    public var facts: SchedulingFacts

    public init(attempt: Int, notBefore: Moment, automaticNumber: Int, facts: SchedulingFacts) {
        self.attempt = attempt
        self.notBefore = notBefore
        self.automaticNumber = automaticNumber
        self.facts = facts
    }
}
