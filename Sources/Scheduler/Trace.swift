import Traceflow

/// One trace: a fold of its events.
///
///     absent ──requested──▶ Pending ──tagAllocated──▶ Running ──succeeded──▶ Succeeded
///                             ▲  │                      │ ▲                      │
///                             │  └──────failed──────┐   │ └─tagAllocated         │
///                             │                     ▼   ▼   (takeover, attempt+1)│
///                             └──retryRequested── Failed ◀──timedOut, failed     │
///                             └──────────────────────────────────────────────────┘
///                                        retryRequested (by hand only)
///
/// Invariants:
/// - an attempt ends with exactly one of succeeded, timedOut, failed; what names another attempt,
///   and what comes after the end, changes nothing;
/// - a tag is held exactly while the phase is Running;
/// - a report counts once by (attempt, node, sequence).
public struct Trace: Hashable, Sendable {
    /// Nil when the fold began at a retry, which carries the facts alone.
    public private(set) var request: TraceRequest?
    public private(set) var facts: SchedulingFacts
    public private(set) var phase = Phase.pending
    public private(set) var attempt = 1
    /// When the trace last became Pending.
    public private(set) var queuedAt: Moment
    /// The moment before which a retried trace must not start.
    public private(set) var notBefore: Moment
    public private(set) var allocation: TagAllocation?
    public private(set) var startedAt: Moment?
    public private(set) var finishedAt: Moment?
    public private(set) var reason: String?
    public private(set) var verdict: Verdict?
    public private(set) var results: [NodeResult] = []
    public private(set) var capturedPacket: CapturedPacket?
    /// Automatic retries so far.
    public private(set) var retriesUsed = 0
    public private(set) var isCancelRequested = false
    public private(set) var isDeleted = false
    /// What the reports of the running attempt already decide; the decider records it.
    public private(set) var outcome: Outcome?
    private var seen: Set<ReportID> = []

    /// An end that the reports have brought about but nobody has recorded yet.
    public enum Outcome: Hashable, Sendable {
        case complete(Verdict)
        case nodeFailed(reason: String)
    }

    /// Antrea's reason for a trace that ran out of time.
    public static let timeoutReason = "Traceflow timeout"
    /// The reason of a cancelled trace.
    public static let cancelledReason = "Cancelled"

    /// The first event of a stream makes the trace; nil for events that cannot be first.
    public init?(_ event: TraceEvent, at moment: Moment) {
        switch event {
        case .requested(let request):
            self.request = request
            facts = request.facts
            notBefore = moment
        case .retryRequested(let retry):
            facts = retry.facts
            attempt = retry.attempt
            notBefore = retry.notBefore
            retriesUsed = retry.automaticNumber
        case .tagAllocated, .nodeReported, .nodeFailed, .packetCaptured, .succeeded, .timedOut,
            .failed, .cancelRequested, .deleted:
            return nil
        }
        queuedAt = moment
    }

    /// Takes in the next event of the trace's stream.
    public mutating func evolve(_ event: TraceEvent, at moment: Moment) {
        switch event {
        case .requested: break
        case .tagAllocated(let allocation): start(allocation, at: moment)
        case .nodeReported(let id, let result): take(id) { $0.add(result) }
        case .nodeFailed(let id, let error):
            take(id) {
                if $0.outcome == nil {
                    $0.outcome = .nodeFailed(reason: "Node: \(id.node), error: \(error)")
                }
            }
        case .packetCaptured(let id, let packet):
            if isCurrent(id.attempt), capturedPacket == nil { capturedPacket = packet }
        case .succeeded(let attempt, let verdict):
            end(attempt, .succeeded, nil, verdict, at: moment)
        case .timedOut(let attempt, let verdict):
            end(attempt, .failed, Self.timeoutReason, verdict, at: moment)
        case .failed(let attempt, let reason):
            end(attempt, .failed, reason, Completion.verdictAtDeadline(of: results), at: moment)
        case .retryRequested(let retry): requeue(retry, at: moment)
        case .cancelRequested: if !phase.isTerminal { isCancelRequested = true }
        case .deleted:
            isDeleted = true
            if !phase.isTerminal { isCancelRequested = true }
        }
    }

    private func isCurrent(_ attempt: Int) -> Bool { phase == .running && attempt == self.attempt }

    private mutating func start(_ allocation: TagAllocation, at moment: Moment) {
        guard !phase.isTerminal, allocation.attempt >= attempt else { return }
        attempt = allocation.attempt
        phase = .running
        self.allocation = allocation
        startedAt = moment
        forgetReports()
    }

    private mutating func take(_ id: ReportID, _ effect: (inout Trace) -> Void) {
        guard isCurrent(id.attempt), seen.insert(id).inserted else { return }
        effect(&self)
    }

    private mutating func add(_ result: NodeResult) {
        results.append(result)
        guard outcome == nil,
            Completion.isComplete(
                results, droppedOnly: facts.droppedOnly, needsSender: facts.needsSender)
        else { return }
        outcome = .complete(Completion.verdict(of: results))
    }

    private mutating func end(
        _ attempt: Int, _ phase: Phase, _ reason: String?, _ verdict: Verdict, at moment: Moment
    ) {
        guard !self.phase.isTerminal, attempt == self.attempt else { return }
        self.phase = phase
        self.reason = reason
        self.verdict = verdict
        finishedAt = moment
        allocation = nil
        outcome = nil
        seen = []
    }

    private mutating func requeue(_ retry: Retry, at moment: Moment) {
        guard phase.isTerminal, !isDeleted, retry.attempt == attempt + 1 else { return }
        phase = .pending
        attempt = retry.attempt
        facts = retry.facts
        notBefore = retry.notBefore
        retriesUsed = retry.automaticNumber
        queuedAt = moment
        isCancelRequested = false
        startedAt = nil
        finishedAt = nil
        reason = nil
        verdict = nil
        forgetReports()
    }

    private mutating func forgetReports() {
        results = []
        capturedPacket = nil
        outcome = nil
        seen = []
    }
}
