import Traceflow

extension SchedulerState {
    /// Takes in a sweep's event.
    public mutating func evolve(_ id: SweepID, _ event: SweepEvent, at moment: Moment) {
        switch event {
        case .requested(let request):
            sweeps[id] = SweepLife(request: request)
            if let schedule = request.schedule { schedules[schedule]?.begin(.sweep(id)) }
        case .expanded(_, let count): change(id) { $0.expand(count, at: moment) }
        case .finished: forget(id, at: moment)
        case .cancelled:
            change(id) { $0.isCancelled = true }
            forgetIfCancelled(id, at: moment)
        }
    }

    /// The members that may be asked for now, at most `countMax`: who knows the pairs records
    /// them, and takes in what was recorded.
    public func expansions(at now: Moment, countMax: Int) -> [SweepDecision] {
        var left = countMax
        var decisions: [SweepDecision] = []
        for (id, life) in sweeps.sorted(by: { $0.key < $1.key }) where left > 0 {
            let count = min(left, life.room(at: now))
            guard count > 0 else { continue }
            decisions.append(
                SweepDecision(sweep: id, event: .expanded(first: life.expanded, count: count)))
            left -= count
        }
        return decisions
    }

    /// Decides which sweeps have finished, and takes the decisions in.
    public mutating func finishSweeps(at now: Moment) -> [SweepDecision] {
        let over = sweeps.filter { $0.value.isOver && !$0.value.isCancelled }
        return over.sorted { $0.key < $1.key }.map { id, life in
            let event = SweepEvent.finished(life.tally)
            evolve(id, event, at: now)
            return SweepDecision(sweep: id, event: event)
        }
    }

    /// Open members of the sweep, waiting ones and those that run.
    public func openMembers(of sweep: SweepID) -> (waiting: [TraceID], running: [TraceID]) {
        var waiting: [TraceID] = []
        for (number, lane) in lines.lanes.enumerated()
        where !lane.isVacant && lane.facts.sweep == sweep {
            lane.runs.forEach { range in
                var entry = range
                while entry.count > 0 {
                    let id = TraceID(entry.stream)
                    if book.place(of: id) == .waiting(lane: number) { waiting.append(id) }
                    entry.dropFirst()
                }
            }
        }
        let known = book.slots.filter { $0.isUsed && $0.life.facts.sweep == sweep }
        waiting += known.filter { $0.life.phase == .pending }.map(\.id)
        return (waiting.sorted(), known.filter { $0.life.phase == .running }.map(\.id).sorted())
    }

    func isOfCancelledSweep(_ facts: SchedulingFacts) -> Bool {
        facts.sweep.flatMap { sweeps[$0]?.isCancelled } ?? false
    }

    /// Counts the end of a member.
    mutating func tell(_ life: TraceLife, ended event: TraceEvent, at moment: Moment) {
        guard let id = life.facts.sweep else { return }
        change(id) { $0.end(event, isRetried: life.isRetried) }
        forgetIfCancelled(id, at: moment)
    }

    /// Changes the sweep where it lies, if it has not finished: it is too large to be moved out of
    /// the dictionary and back for each of its members.
    mutating func change(_ id: SweepID, _ body: (inout SweepLife) -> Void) {
        guard let place = sweeps.index(forKey: id) else { return }
        body(&sweeps.values[place])
    }

    private mutating func forgetIfCancelled(_ id: SweepID, at moment: Moment) {
        guard let place = sweeps.index(forKey: id), sweeps.values[place].isCancelled,
            sweeps.values[place].open <= 0
        else { return }
        forget(id, at: moment)
    }

    private mutating func forget(_ id: SweepID, at moment: Moment) {
        let life = sweeps.removeValue(forKey: id)
        if let schedule = life?.request.schedule {
            schedules[schedule]?.end(
                .sweep(id), nil, at: moment, clusterChangedAt: clusterChangedAt)
        }
    }

    mutating func endMembersOfCancelledSweeps(_ pass: inout Pass) {
        for id in sweeps.filter({ $0.value.isCancelled }).keys.sorted() {
            let open = openMembers(of: id)
            for trace in open.waiting + open.running {
                guard pass.hasRoom(for: 1) else {
                    pass.isClosed = true
                    return
                }
                guard let attempt = life(of: trace)?.attempt else { continue }
                let reason = TraceLife.cancelledReason
                record(trace, .failed(attempt: attempt, reason: reason), &pass)
            }
        }
    }
}
