import Scheduler
import Traceflow

/// The rules of scheduling as simply as they can be said, however slowly: every pass goes through
/// everything. `SchedulerState` must decide the same.
struct ReferenceScheduler {
    var profile = TagProfile.perNode
    private(set) var traces: [TraceID: Trace] = [:]
    private var queuedAt: [TraceID: Int64] = [:]
    private var resting: Set<TraceID> = []
    private let nodes: [String]

    /// `nodes` are all there are.
    init(nodes: [String]) { self.nodes = nodes }

    mutating func evolve(_ id: TraceID, _ event: TraceEvent, position: Int64, at moment: Moment) {
        if traces[id] == nil {
            guard let trace = Trace(event, at: moment) else { return }
            traces[id] = trace
            queuedAt[id] = position
            if trace.notBefore > moment { resting.insert(id) }
        } else {
            traces[id]?.evolve(event, at: moment)
            if traces[id]?.phase.isTerminal == true { traces[id] = nil }
        }
    }

    mutating func decide(_ context: DecisionContext, position: Int64) -> [Decision] {
        var pass = Pass(context: context, position: position)
        let ids = traces.keys.sorted()
        end(ids.filter { (traces[$0]?.outcome != nil) || isCancelled($0) }, &pass)
        end(ids, &pass)
        for id in ids where !pass.isFull { takeOver(id, &pass) }
        resting = resting.filter { traces[$0]?.notBefore ?? context.now > context.now }
        allocate(&pass)
        return pass.decisions
    }

    private struct Pass {
        let context: DecisionContext
        var position: Int64
        var decisions: [Decision] = []
        var isClosed = false
        var isFull: Bool { isClosed || decisions.count >= context.decisionsMax }
    }

    private func isCancelled(_ id: TraceID) -> Bool { traces[id]?.isCancelRequested == true }

    private mutating func record(_ id: TraceID, _ event: TraceEvent, _ pass: inout Pass) {
        evolve(id, event, position: pass.position, at: pass.context.now)
        pass.decisions.append(Decision(trace: id, event: event))
        pass.position += 1
    }

    private mutating func end(_ ids: [TraceID], _ pass: inout Pass) {
        for id in ids where !pass.isFull {
            guard var trace = traces[id],
                let event = trace.ending(overdueAt: pass.context.overdueAt)
            else { continue }
            trace.evolve(event, at: pass.context.now)
            let retry = trace.automaticRetry(at: pass.context.now)
            let count = pass.decisions.count + (retry == nil ? 1 : 2)
            if count > pass.context.decisionsMax, !pass.decisions.isEmpty {
                pass.isClosed = true
                return
            }
            record(id, event, &pass)
            if let retry { record(id, retry, &pass) }
        }
    }

    private mutating func takeOver(_ id: TraceID, _ pass: inout Pass) {
        guard let trace = traces[id], let held = trace.allocation,
            !pass.context.executors.contains(where: { $0.id == held.executor }),
            let executor = freest(pass.context.executors)
        else { return }
        let deadline = deadline(of: trace, pass)
        record(
            id,
            .tagAllocated(
                TagAllocation(
                    attempt: trace.attempt + 1, tag: held.tag, scope: held.scope,
                    executor: executor, deadline: deadline)), &pass)
    }

    /// Whoever allots tags himself may take five minutes before he begins.
    private func deadline(of trace: Trace, _ pass: Pass) -> Moment {
        var seconds = trace.facts.timeoutSeconds
        if case .external = profile { seconds += 300 }
        return pass.context.now.advanced(bySeconds: seconds)
    }

    /// Every waiting trace, in order; who gets no tag, or meets a blocked node, blocks its nodes.
    private mutating func allocate(_ pass: inout Pass) {
        let order = traces.filter { $0.value.phase == .pending && !resting.contains($0.key) }
            .filter { !$0.value.isCancelRequested }.map(\.key)
            .sorted {
                let (a, b) = (traces[$0]?.facts.priority ?? 0, traces[$1]?.facts.priority ?? 0)
                return a != b ? a > b : (queuedAt[$0] ?? 0) < (queuedAt[$1] ?? 0)
            }
        var blocked: Set<String> = []
        for id in order {
            guard let trace = traces[id] else { continue }
            let scope = profile == .perNode ? trace.facts.scope : .allNodes
            let wanted = names(scope)
            let tag = blocked.isDisjoint(with: wanted) ? freeTag(scope) : nil
            guard let tag else {
                blocked.formUnion(wanted)
                continue
            }
            guard !pass.isFull, let executor = freest(pass.context.executors) else { return }
            let deadline = deadline(of: trace, pass)
            record(
                id,
                .tagAllocated(
                    TagAllocation(
                        attempt: trace.attempt, tag: tag, scope: scope, executor: executor,
                        deadline: deadline)), &pass)
        }
    }

    private func names(_ scope: TagScope) -> [String] {
        switch scope {
        case .allNodes: nodes
        case .nodes(let names): names
        }
    }

    private func freeTag(_ scope: TagScope) -> Int? {
        let held = traces.values.compactMap(\.allocation)
        if case .external(let reserve, let foreign) = profile {
            return held.count < TagPool.tags.count - reserve - foreign ? 0 : nil
        }
        let wanted = Set(names(scope))
        let rivals = held.filter {
            profile == .antrea || scope == .allNodes || !wanted.isDisjoint(with: names($0.scope))
        }
        let used = Set(rivals.map(\.tag))
        return TagPool.tags.first { !used.contains($0) }
    }

    private func freest(_ executors: [Executor]) -> String? {
        var best: (id: String, room: Int)?
        for executor in executors {
            let load = traces.values.count { $0.allocation?.executor == executor.id }
            let room = executor.inFlightMax - load
            if room > (best?.room ?? 0) { best = (executor.id, room) }
        }
        return best?.id
    }
}
