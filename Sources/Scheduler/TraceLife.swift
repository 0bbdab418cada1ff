import Traceflow

/// What the rules know of one trace: all that scheduling needs, and nothing to show.
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
/// - there is an allocation exactly while the phase is Running;
/// - a report counts once by (attempt, node, sequence).
public struct TraceLife: Hashable, Sendable {
    public private(set) var facts: SchedulingFacts
    public private(set) var phase: Phase
    public private(set) var attempt: Int
    /// The moment before which a retried trace must not start; nil for a first attempt.
    public private(set) var notBefore: Moment?
    public private(set) var allocation: TagAllocation?
    /// Automatic retries so far.
    public private(set) var retriesUsed: Int
    public private(set) var isCancelRequested: Bool
    public private(set) var isDeleted: Bool
    /// What the reports of the running attempt already decide; the decider records it.
    public private(set) var outcome: Outcome?
    /// How far the reports of the running attempt have come.
    public private(set) var progress: Completion.Progress
    private var seen: ReportSet

    /// An end that the reports have brought about but nobody has recorded yet.
    public enum Outcome: Hashable, Sendable {
        case complete(Verdict)
        case nodeFailed(reason: String)
    }

    /// What an event did, for those who keep more of a trace than its life.
    public enum Effect: Hashable, Sendable {
        case nothing
        case started
        case reported
        case captured
        /// The deadline counts from this moment.
        case begun(Moment)
        case ended(reason: String?, verdict: Verdict)
        case requeued
        case cancelRequested
    }

    /// Antrea's reason for a trace that ran out of time.
    public static let timeoutReason = "Traceflow timeout"
    /// The reason of a cancelled trace.
    public static let cancelledReason = "Cancelled"

    /// A life as it was set down: Running if there is an allocation, else Pending.
    public init(
        facts: SchedulingFacts, attempt: Int = 1, notBefore: Moment? = nil,
        allocation: TagAllocation? = nil, retriesUsed: Int = 0, isCancelRequested: Bool = false,
        isDeleted: Bool = false, outcome: Outcome? = nil,
        progress: Completion.Progress = .init(), seenReports: [ReportID] = []
    ) {
        self.facts = facts
        phase = allocation == nil ? .pending : .running
        self.attempt = attempt
        self.notBefore = notBefore
        self.allocation = allocation
        self.retriesUsed = retriesUsed
        self.isCancelRequested = isCancelRequested
        self.isDeleted = isDeleted
        self.outcome = outcome
        self.progress = progress
        seen = ReportSet(seenReports)
    }

    /// A life that begins at a retry, which carries the facts.
    public init(_ retry: Retry) {
        self.init(
            facts: retry.facts, attempt: retry.attempt, notBefore: retry.notBefore,
            retriesUsed: retry.automaticNumber)
    }

    /// The reports of the running attempt that were taken in, in their order.
    public var seenReports: [ReportID] { seen.elements }

    /// Whether the attempt is to be ended whatever the time is.
    public var isOver: Bool { outcome != nil || isCancelRequested }

    /// Takes in the next event of the trace's stream.
    @discardableResult
    public mutating func evolve(_ event: TraceEvent) -> Effect {
        switch event {
        case .requested, .metadataChanged: return .nothing
        case .tagAllocated(let allocation): return start(allocation)
        case .begun(let attempt, let moment): return begin(attempt, moment)
        case .nodeReported(let id, let result):
            return evolve(report: id, summary: ResultSummary(of: result.observations))
        case .nodeFailed(let id, let error): return fail(id, error)
        case .packetCaptured(let id, _): return isCurrent(id.attempt) ? .captured : .nothing
        case .captureArchived(let archived):
            return isCurrent(archived.report.attempt) ? .captured : .nothing
        case .succeeded(let attempt, let verdict):
            return end(attempt, .succeeded, nil, verdict)
        case .timedOut(let attempt, let verdict):
            return end(attempt, .failed, Self.timeoutReason, verdict)
        case .failed(let attempt, let reason):
            return end(attempt, .failed, reason, progress.verdictAtDeadline)
        case .retryRequested(let retry): return requeue(retry)
        case .cancelRequested: return cancel()
        case .deleted:
            isDeleted = true
            return cancel()
        }
    }

    /// Takes in a node's report of which only the summary is at hand.
    @discardableResult
    public mutating func evolve(report id: ReportID, summary: ResultSummary) -> Effect {
        guard isCurrent(id.attempt), seen.insert(id) else { return .nothing }
        progress.add(summary)
        if outcome == nil,
            facts.isCapture
                || progress.isComplete(
                    droppedOnly: facts.droppedOnly, needsSender: facts.needsSender)
        {
            outcome = .complete(progress.verdict)
        }
        return .reported
    }

    private func isCurrent(_ attempt: Int) -> Bool { phase == .running && attempt == self.attempt }

    private mutating func start(_ allocation: TagAllocation) -> Effect {
        guard !phase.isTerminal, allocation.attempt >= attempt else { return .nothing }
        attempt = allocation.attempt
        phase = .running
        self.allocation = allocation
        forgetReports()
        return .started
    }

    /// A deadline only comes nearer, so that to be told twice changes nothing.
    private mutating func begin(_ attempt: Int, _ moment: Moment) -> Effect {
        let deadline = moment.advanced(bySeconds: facts.timeoutSeconds)
        guard isCurrent(attempt), let held = allocation?.deadline, deadline < held else {
            return .nothing
        }
        allocation?.deadline = deadline
        return .begun(moment)
    }

    private mutating func fail(_ id: ReportID, _ error: String) -> Effect {
        guard isCurrent(id.attempt), seen.insert(id) else { return .nothing }
        if outcome == nil {
            // Without a node it is the data plane's own word.
            outcome = .nodeFailed(
                reason: id.node.isEmpty ? error : "Node: \(id.node), error: \(error)")
        }
        return .reported
    }

    private mutating func end(
        _ attempt: Int, _ phase: Phase, _ reason: String?, _ verdict: Verdict
    ) -> Effect {
        guard !self.phase.isTerminal, attempt == self.attempt else { return .nothing }
        self.phase = phase
        allocation = nil
        forgetReports()
        return .ended(reason: reason, verdict: verdict)
    }

    private mutating func cancel() -> Effect {
        guard !phase.isTerminal else { return .nothing }
        isCancelRequested = true
        return .cancelRequested
    }

    private mutating func requeue(_ retry: Retry) -> Effect {
        guard phase.isTerminal, !isDeleted, retry.attempt == attempt + 1 else { return .nothing }
        self = TraceLife(retry)
        return .requeued
    }

    /// Leaves the reports as they are, without the path that they showed.
    mutating func forgetPath() {
        progress = Completion.Progress(
            hasReport: progress.hasReport, hasSender: progress.hasSender,
            lastVerdict: progress.lastVerdict)
    }

    private mutating func forgetReports() {
        outcome = nil
        progress = Completion.Progress()
        seen = ReportSet()
    }
}
