import Scheduler
import Traceflow

/// The rules of one trace, said a second time and more simply, to hold the product against.
struct Story {
    var facts: SchedulingFacts
    /// A bit for each node that its packet may be seen on; all bits for everywhere.
    var nodes: UInt64
    var name: String
    var phase = Phase.pending
    var attempt = 1
    /// Where the event stands that queued it.
    var queuedAt: Int64
    var notBefore: Int64 = 0
    var allocation: TagAllocation?
    var isCancelRequested = false
    var isDeleted = false
    var retriesUsed = 0
    /// Attempts that have ended, in order.
    var ended: [Int] = []
    /// Attempts that were taken over, and therefore have no end.
    var superseded: [Int] = []
    var outcome: Outcome?
    private var seen: [ReportID] = []
    private var hasReport = false
    private var hasSender = false
    private var lastVerdict: Verdict?
    /// The steps of the packet that were reported, in an order of their own; not those between
    /// nodes.
    private(set) var steps: [String] = []

    enum Outcome: Equatable {
        /// With what the reports said until they were complete.
        case complete(Verdict)
        case failed(reason: String)
    }

    init(_ request: TraceRequest, position: Int64) {
        facts = request.facts
        name = request.name
        nodes = Self.mask(of: request.facts.scope)
        queuedAt = position
    }

    /// Nodes are called n0, n1 and so on.
    static func mask(of scope: TagScope) -> UInt64 {
        switch scope {
        case .allNodes: .max
        case .nodes(let names):
            names.reduce(0) { $0 | 1 << (UInt64($1.dropFirst()) ?? 63) }
        }
    }

    var verdictAtDeadline: Verdict { lastVerdict ?? (hasSender ? .lost : .unknown) }

    mutating func start(_ new: TagAllocation) {
        if phase == .running { superseded.append(attempt) }
        phase = .running
        attempt = new.attempt
        allocation = new
        forgetReports()
    }

    mutating func take(_ id: ReportID, _ observations: [Observation]) {
        guard isNew(id) else { return }
        hasReport = true
        for observation in observations {
            if observation.component == .spoofGuard { hasSender = true }
            lastVerdict = Completion.verdict(of: observation.action) ?? lastVerdict
            let isBetweenNodes =
                observation.component == .forwarding
                && [.forwarded, .received].contains(observation.action)
            if isBetweenNodes { continue }
            steps.append(
                "\(observation.component) \(observation.action) \(observation.networkPolicy ?? "")")
        }
        steps.sort()
        let isComplete =
            facts.droppedOnly
            ? hasReport : (hasSender || !facts.needsSender) && lastVerdict != nil
        if outcome == nil, isComplete { outcome = .complete(lastVerdict ?? .unknown) }
    }

    mutating func take(_ id: ReportID, error: String) {
        guard isNew(id) else { return }
        if outcome == nil { outcome = .failed(reason: "Node: \(id.node), error: \(error)") }
    }

    private mutating func isNew(_ id: ReportID) -> Bool {
        guard phase == .running, id.attempt == attempt, !seen.contains(id) else { return false }
        seen.append(id)
        return true
    }

    mutating func end(_ phase: Phase) {
        self.phase = phase
        ended.append(attempt)
        allocation = nil
        forgetReports()
    }

    mutating func queueAgain(_ retry: Retry, position: Int64) {
        phase = .pending
        facts = retry.facts
        nodes = Self.mask(of: retry.facts.scope)
        attempt = retry.attempt
        notBefore = retry.notBefore.microseconds
        retriesUsed = retry.automaticNumber
        queuedAt = position
        isCancelRequested = false
        isDeleted = false
    }

    private mutating func forgetReports() {
        (seen, hasReport, hasSender, lastVerdict, outcome) = ([], false, false, nil, nil)
        steps = []
    }
}
