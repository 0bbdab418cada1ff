import Traceflow

/// One trace as it is shown: its life, and what the events told beside it.
///
/// `TraceLife` has the rules and their invariants; here is kept what only people want to know.
public struct Trace: Hashable, Sendable {
    /// Nil when the fold began at a retry, which carries the facts alone.
    public private(set) var request: TraceRequest?
    public private(set) var life: TraceLife
    /// When the trace last became Pending.
    public private(set) var queuedAt: Moment
    public private(set) var startedAt: Moment?
    public private(set) var finishedAt: Moment?
    public private(set) var reason: String?
    public private(set) var verdict: Verdict?
    public private(set) var results: [NodeResult] = []
    public private(set) var capturedPacket: CapturedPacket?
    /// Packets of the attempt that lie in the archive.
    public private(set) var captures: [CaptureArchived] = []

    public typealias Outcome = TraceLife.Outcome

    public static let timeoutReason = TraceLife.timeoutReason
    public static let cancelledReason = TraceLife.cancelledReason

    /// The first event of a stream makes the trace; nil for events that cannot be first.
    public init?(_ event: TraceEvent, at moment: Moment) {
        switch event {
        case .requested(let request):
            self.request = request
            life = TraceLife(facts: request.facts)
        case .retryRequested(let retry): life = TraceLife(retry)
        case .tagAllocated, .begun, .nodeReported, .nodeFailed, .packetCaptured, .captureArchived,
            .succeeded, .timedOut, .failed, .cancelRequested, .deleted, .metadataChanged:
            return nil
        }
        queuedAt = moment
    }

    public var facts: SchedulingFacts { life.facts }
    public var phase: Phase { life.phase }
    public var attempt: Int { life.attempt }
    /// The moment before which the trace must not start.
    public var notBefore: Moment { life.notBefore ?? queuedAt }
    public var allocation: TagAllocation? { life.allocation }
    /// Automatic retries so far.
    public var retriesUsed: Int { life.retriesUsed }
    public var isCancelRequested: Bool { life.isCancelRequested }
    public var isDeleted: Bool { life.isDeleted }
    /// What the reports of the running attempt already decide; the decider records it.
    public var outcome: Outcome? { life.outcome }

    /// Takes in the next event of the trace's stream.
    public mutating func evolve(_ event: TraceEvent, at moment: Moment) {
        if case .metadataChanged(let labels, let annotations) = event {
            request?.labels = labels
            request?.annotations = annotations
        }
        switch life.evolve(event) {
        case .nothing, .cancelRequested: break
        case .started:
            startedAt = moment
            forgetReports()
        case .begun(let moment): startedAt = moment
        case .reported: if case .nodeReported(_, let result) = event { results.append(result) }
        case .captured:
            if case .packetCaptured(_, let packet) = event, capturedPacket == nil {
                capturedPacket = packet
            }
            if case .captureArchived(let archived) = event { captures.append(archived) }
        case .ended(let reason, let verdict):
            self.reason = reason
            self.verdict = verdict
            finishedAt = moment
        case .requeued:
            queuedAt = moment
            startedAt = nil
            finishedAt = nil
            reason = nil
            verdict = nil
            forgetReports()
        }
    }

    /// Returns the event that ends the attempt now, if something does.
    public func ending(overdueAt: Moment) -> TraceEvent? { life.ending(overdueAt: overdueAt) }

    /// Returns the retry that follows a failed attempt of its own accord, if one does.
    public func automaticRetry(at now: Moment) -> TraceEvent? { life.automaticRetry(at: now) }

    private mutating func forgetReports() {
        results = []
        capturedPacket = nil
        captures = []
    }
}
