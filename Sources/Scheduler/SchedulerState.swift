import Traceflow

/// Everything scheduling knows: a fold of the log, and nothing else.
///
/// Finished traces leave the state; a retry brings what is needed to schedule one again. Deciding
/// happens in `SchedulerState+Decide.swift`. Invariants, after every event:
/// - `tags` holds a tag for exactly the traces that are Running;
/// - every Pending trace has an entry in `queue`, or in `resting` until its backoff is over.
public struct SchedulerState: Sendable {
    public internal(set) var traces: [TraceID: Trace] = [:]
    public internal(set) var tags = TagPool()
    var queue = WaitingQueue()
    /// Traces that wait for the end of their backoff.
    var resting: [TraceID: Int64] = [:]
    var running: Set<TraceID> = []
    var runningOnExecutor: [String: Int] = [:]
    /// Traces that something happened to that may end their attempt.
    var touched: Set<TraceID> = []
    public private(set) var pendingCount = 0

    public init() {}

    public var runningCount: Int { running.count }

    /// Takes in a trace's event, which stands at `position` in the log.
    public mutating func evolve(
        _ id: TraceID, _ event: TraceEvent, position: Int64, at moment: Moment
    ) {
        guard var trace = traces.removeValue(forKey: id) else {
            guard let trace = Trace(event, at: moment) else { return }
            traces[id] = trace
            enqueue(id, trace, position)
            return
        }
        let before = (phase: trace.phase, executor: trace.allocation?.executor)
        trace.evolve(event, at: moment)
        move(id, from: before, to: trace, position)
        if trace.outcome != nil || trace.isCancelRequested { touched.insert(id) }
        if trace.phase.isTerminal {
            touched.remove(id)
        } else {
            traces[id] = trace
        }
    }

    /// Takes in a change of who allots tags.
    public mutating func evolve(_ profile: TagProfile) { tags.profile = profile }

    private mutating func enqueue(_ id: TraceID, _ trace: Trace, _ position: Int64) {
        pendingCount += 1
        if trace.notBefore > trace.queuedAt {
            resting[id] = position
        } else {
            line(id, trace, position)
        }
    }

    mutating func line(_ id: TraceID, _ trace: Trace, _ position: Int64) {
        queue.insert(
            .init(position: position, trace: id, attempt: trace.attempt),
            in: .init(priority: trace.facts.priority, scope: scope(of: trace)))
    }

    /// Under one pool for the whole cluster every trace wants the same thing.
    private func scope(of trace: Trace) -> TagScope {
        switch tags.profile {
        case .perNode: trace.facts.scope
        case .antrea, .external: .allNodes
        }
    }

    private mutating func move(
        _ id: TraceID, from before: (phase: Phase, executor: String?), to trace: Trace,
        _ position: Int64
    ) {
        if before.phase == .pending, trace.phase != .pending {
            pendingCount -= 1
            resting[id] = nil
        }
        if before.phase == .running {
            if let executor = before.executor { count(executor, -1) }
            running.remove(id)
        }
        if trace.phase == .running, let allocation = trace.allocation {
            running.insert(id)
            count(allocation.executor, 1)
            tags.hold(allocation.tag, scope: allocation.scope, for: id)
        } else if before.phase == .running {
            tags.release(id)
        }
    }

    private mutating func count(_ executor: String, _ change: Int) {
        let total = (runningOnExecutor[executor] ?? 0) + change
        runningOnExecutor[executor] = total > 0 ? total : nil
    }
}
