import Traceflow

extension SchedulerState {
    /// Decides what follows from the state now, and takes the decisions in.
    ///
    /// `position` is where the first decision will stand in the log; the others follow it.
    public mutating func decide(_ context: DecisionContext, position: Int64) -> [Decision] {
        var pass = Pass(context: context, position: position)
        for executor in context.executors {
            pass.crew.append((executors.number(of: executor.id), executor.inFlightMax))
        }
        endMembersOfCancelledSweeps(&pass)
        endTouched(&pass)
        endOverdue(&pass)
        takeOver(&pass)
        wake(context.now)
        allocate(&pass)
        return pass.decisions
    }

    struct Pass {
        let context: DecisionContext
        var position: Int64
        var decisions: [Decision] = []
        /// The executors at hand: their numbers, and how many attempts they take.
        var crew: [(number: Int, inFlightMax: Int)] = []
        /// Whether something was left for the next pass.
        var isClosed = false

        init(context: DecisionContext, position: Int64) {
            self.context = context
            self.position = position
        }

        var isFull: Bool { isClosed || decisions.count >= context.decisionsMax }

        /// Two decisions that belong together may be more than a pass of one was to hold.
        func hasRoom(for count: Int) -> Bool {
            !isFull && (decisions.count + count <= context.decisionsMax || decisions.isEmpty)
        }
    }

    mutating func record(_ id: TraceID, _ event: TraceEvent, _ pass: inout Pass) {
        evolve(id, event, position: pass.position, at: pass.context.now)
        pass.decisions.append(Decision(trace: id, event: event))
        pass.position += 1
    }

    private mutating func endTouched(_ pass: inout Pass) {
        while let first = touched.first {
            guard end(first.trace, &pass) else { return }
            // Whatever is touched can be ended, and has left the state by now.
            if touched.first == first { touched.removeFirst() }
        }
    }

    private mutating func endOverdue(_ pass: inout Pass) {
        let overdueAt = pass.context.overdueAt.microseconds
        guard !pass.isFull, let first = deadlines.first, first.key < overdueAt else { return }
        var overdue: [TraceID] = []
        while let first = deadlines.first, first.key < overdueAt {
            deadlines.removeFirst()
            if book.isCurrent(first, .deadline) { overdue.append(first.trace) }
        }
        overdue.sort()
        for id in overdue {
            // What does not fit stays on the agenda; the first entry there is current again.
            if !end(id, &pass), let deadline = allocation(of: id)?.deadline.microseconds {
                deadlines.insert(
                    Agenda.Entry(key: deadline, trace: id), currentMax: runningCount, book)
            }
        }
        while let first = deadlines.first, !book.isCurrent(first, .deadline) {
            deadlines.removeFirst()
        }
    }

    /// Ends the attempt, and starts the retry that follows; returns false if there is no room.
    private mutating func end(_ id: TraceID, _ pass: inout Pass) -> Bool {
        guard let slot = book.slot(of: id),
            let event = book.slots[slot].life.ending(overdueAt: pass.context.overdueAt)
        else { return true }
        let retry =
            isOfCancelledSweep(book.slots[slot].life.facts)
            ? nil : book.slots[slot].life.automaticRetry(after: event, at: pass.context.now)
        guard pass.hasRoom(for: retry == nil ? 1 : 2) else {
            pass.isClosed = true
            return false
        }
        record(id, event, &pass)
        if let retry { record(id, retry, &pass) }
        return true
    }

    /// Attempts whose executor is gone start anew, as the next attempt, with the tag they hold.
    private mutating func takeOver(_ pass: inout Pass) {
        let gone = executors.loads.indices.filter { number in
            executors.loads[number] > 0 && !pass.crew.contains { $0.number == number }
        }
        guard !gone.isEmpty, !pass.isFull, freest(pass) != nil else { return }
        let strays = book.slots.lazy
            .filter { $0.isUsed && $0.life.phase == .running && gone.contains($0.executor) }
            .map(\.id).sorted()
        for id in strays {
            guard !pass.isFull, let executor = freest(pass) else { return }
            guard let life = life(of: id), let held = life.allocation else { continue }
            let deadline = deadline(of: life.facts, from: pass.context.now)
            let allocation = TagAllocation(
                attempt: life.attempt + 1, tag: held.tag, scope: held.scope,
                executor: executors.names[executor], deadline: deadline)
            record(id, .tagAllocated(allocation), &pass)
        }
    }

    /// The executor with the most room, the first of equals; nil when none has room.
    func freest(_ pass: Pass) -> Int? {
        var best: (number: Int, room: Int)?
        for (number, inFlightMax) in pass.crew {
            let room = inFlightMax - executors.loads[number]
            if room > (best?.room ?? 0) { best = (number, room) }
        }
        return best?.number
    }
}
