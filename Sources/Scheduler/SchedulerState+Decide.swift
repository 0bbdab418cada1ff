import Traceflow

/// A decision: an event and the trace it is about.
public struct Decision: Hashable, Sendable {
    public var trace: TraceID
    public var event: TraceEvent

    public init(trace: TraceID, event: TraceEvent) {
        self.trace = trace
        self.event = event
    }
}

/// What a decision is made with besides the state: the time and who can work.
public struct DecisionContext: Sendable {
    public var now: Moment
    /// The moment deadlines are held against; earlier than `now` while a jump of the clock is
    /// being waited out.
    public var overdueAt: Moment
    public var executors: [Executor]
    /// Decisions at most; more follow in the next transaction.
    public var decisionsMax: Int

    public init(
        now: Moment, overdueAt: Moment? = nil, executors: [Executor], decisionsMax: Int = 10_000
    ) {
        self.now = now
        self.overdueAt = overdueAt ?? now
        self.executors = executors
        self.decisionsMax = decisionsMax
    }
}

extension SchedulerState {
    /// Decides what follows from the state now, and takes the decisions in.
    ///
    /// `position` is where the first decision will stand in the log; the others follow it.
    public mutating func decide(_ context: DecisionContext, position: Int64) -> [Decision] {
        var pass = Pass(context: context, position: position)
        end(touched.sorted(), &pass)
        end(running.sorted().filter { isOver($0, context.overdueAt) }, &pass)
        takeOver(&pass)
        wake(context.now)
        allocate(&pass)
        return pass.decisions
    }

    /// The next moment at which time alone changes something; nil when nothing waits for time.
    public var nextMoment: Moment? {
        let deadlines = running.lazy.compactMap { traces[$0]?.allocation?.deadline }
            .map { $0.advanced(byMicroseconds: 1) }
        let rests = resting.keys.lazy.compactMap { traces[$0]?.notBefore }
        return [deadlines.min(), rests.min()].compactMap { $0 }.min()
    }

    private struct Pass {
        let context: DecisionContext
        var position: Int64
        var decisions: [Decision] = []

        var isFull: Bool { decisions.count >= context.decisionsMax }
    }

    private mutating func record(_ id: TraceID, _ event: TraceEvent, _ pass: inout Pass) {
        evolve(id, event, position: pass.position, at: pass.context.now)
        pass.decisions.append(Decision(trace: id, event: event))
        pass.position += 1
    }

    private func isOver(_ id: TraceID, _ moment: Moment) -> Bool {
        guard let deadline = traces[id]?.allocation?.deadline else { return false }
        return moment > deadline
    }

    private mutating func end(_ ids: [TraceID], _ pass: inout Pass) {
        for id in ids {
            if pass.isFull { return }
            guard var trace = traces[id],
                let event = trace.ending(overdueAt: pass.context.overdueAt)
            else {
                touched.remove(id)
                continue
            }
            trace.evolve(event, at: pass.context.now)
            record(id, event, &pass)
            if let retry = trace.automaticRetry(at: pass.context.now) { record(id, retry, &pass) }
        }
    }

    /// Attempts whose executor is gone start anew, as the next attempt, with the tag they hold.
    private mutating func takeOver(_ pass: inout Pass) {
        let known = Set(pass.context.executors.map(\.id))
        guard runningOnExecutor.keys.contains(where: { !known.contains($0) }) else { return }
        for id in running.sorted() {
            if pass.isFull { return }
            guard let trace = traces[id], let held = trace.allocation,
                !known.contains(held.executor), let executor = freest(pass.context.executors)
            else { continue }
            let deadline = pass.context.now.advanced(bySeconds: trace.facts.timeoutSeconds)
            record(
                id,
                .tagAllocated(
                    TagAllocation(
                        attempt: trace.attempt + 1, tag: held.tag, scope: held.scope,
                        executor: executor, deadline: deadline)), &pass)
        }
    }

    private mutating func wake(_ now: Moment) {
        for (id, position) in resting {
            guard let trace = traces[id], trace.notBefore <= now else { continue }
            resting[id] = nil
            line(id, trace, position)
        }
    }

    private mutating func allocate(_ pass: inout Pass) {
        guard pendingCount > resting.count, !tags.isExhausted else { return }
        let room = pass.context.decisionsMax - pass.decisions.count
        for (id, allocation) in allocations(pass.context, room) {
            record(id, .tagAllocated(allocation), &pass)
        }
    }

    /// Which waiting traces may start now; they are taken from the queue.
    private mutating func allocations(
        _ context: DecisionContext, _ room: Int
    ) -> [(TraceID, TagAllocation)] {
        let traces = self.traces
        var tags = self.tags
        var load = runningOnExecutor
        var chosen: [(TraceID, TagAllocation)] = []
        queue.offer(
            isStale: { entry in
                guard let trace = traces[entry.trace] else { return true }
                return trace.phase != .pending || trace.attempt != entry.attempt
            },
            { entry, scope in
                guard chosen.count < room, let trace = traces[entry.trace],
                    let executor = Self.freest(context.executors, load)
                else { return .stop }
                guard let tag = tags.freeTag(for: scope) else { return .kept }
                tags.hold(tag, scope: scope, for: entry.trace)
                load[executor, default: 0] += 1
                let deadline = context.now.advanced(bySeconds: trace.facts.timeoutSeconds)
                let allocation = TagAllocation(
                    attempt: trace.attempt, tag: tag, scope: scope, executor: executor,
                    deadline: deadline)
                chosen.append((entry.trace, allocation))
                return .taken
            })
        return chosen
    }

    private func freest(_ executors: [Executor]) -> String? {
        Self.freest(executors, runningOnExecutor)
    }

    /// The executor with the most room, the first of equals; nil when none has room.
    private static func freest(_ executors: [Executor], _ load: [String: Int]) -> String? {
        var best: (id: String, room: Int)?
        for executor in executors {
            let room = executor.inFlightMax - (load[executor.id] ?? 0)
            if room > (best?.room ?? 0) { best = (executor.id, room) }
        }
        return best?.id
    }
}
