import Traceflow

extension SchedulerState {
    /// What is wrong with the state, in words; nothing, or there is a mistake in this module.
    /// Looks at every trace: for tests, and for a log that is being verified.
    public func invariantFaults() -> [String] {
        agendaFaults() + runningFaults() + waitingFaults() + lines.faults() + sweepFaults()
    }

    private func sweepFaults() -> [String] {
        guard !sweeps.isEmpty else { return [] }
        var counts: [SweepID: Int] = [:]
        let state = snapshot
        for lane in state.lanes {
            guard let sweep = lane.facts.sweep else { continue }
            counts[sweep, default: 0] += lane.ranges.reduce(0) { $0 + $1.count }
        }
        for life in state.lives {
            if let sweep = life.life.facts.sweep { counts[sweep, default: 0] += 1 }
        }
        return sweeps.compactMap { id, life in
            let count = (counts[id] ?? 0) + life.retriesDue
            if life.open != count { return "sweep \(id): \(life.open) open, counted \(count)" }
            return life.tally.ended + life.open == Int(life.expanded)
                ? nil : "sweep \(id): \(life.expanded) members asked for, not as many are known"
        }
    }

    private func agendaFaults() -> [String] {
        [touched, resting, deadlines].compactMap { agenda in
            guard let first = agenda.first, !book.isCurrent(first, agenda.kind) else { return nil }
            return "the first entry of \(agenda.kind) is \(first.trace), which moved on"
        }
    }

    private func runningFaults() -> [String] {
        var faults: [String] = []
        var held: [Int: [Int32: TraceID]] = [:]
        var load = [Int](repeating: 0, count: executors.loads.count)
        let used = book.slots.filter(\.isUsed)
        let everyNode = Set(used.flatMap(\.nodes)).sorted()
        let dated = Set(deadlines.entries.filter { book.isCurrent($0, .deadline) }.map(\.trace))
        let listed = Set(touched.entries.map(\.trace))
        for slot in used {
            let entry = slot.id.description
            if slot.isTouched != slot.life.isOver { faults.append("\(entry): touched or over") }
            if slot.isTouched, !listed.contains(slot.id) { faults.append("\(entry): not listed") }
            guard slot.life.phase == .running else { continue }
            load[slot.executor] += 1
            if !dated.contains(slot.id) { faults.append("\(entry): no deadline") }
            guard slot.tag > 0 else { continue }
            for node in slot.nodes.isEmpty ? everyNode + [-1] : slot.nodes {
                if let other = held[slot.tag, default: [:]].updateValue(slot.id, forKey: node) {
                    faults.append("tag \(slot.tag) is held by \(entry) and \(other)")
                }
            }
        }
        if load != executors.loads { faults.append("loads \(executors.loads), counted \(load)") }
        let running = load.reduce(0, +)
        if runningCount != running || tags.heldCount != running {
            faults.append("\(running) run, counted \(runningCount), tags \(tags.heldCount)")
        }
        if used.count(where: \.isTouched) != touchedCount { faults.append("touched miscounted") }
        return faults
    }

    /// Every Pending trace has one live entry, or is to be ended.
    private func waitingFaults() -> [String] {
        var faults: [String] = []
        var entries: [TraceID: Int] = [:]
        for (number, lane) in lines.lanes.enumerated() where !lane.isVacant {
            if let head = lane.head,
                !isLive(head, number)
                    || !head.isSingle && book.place(of: head.trace) != .waiting(lane: number)
            {
                faults.append("the head of lane \(number) is \(head.trace), which moved on")
            }
            var stale = 0
            lane.runs.forEach { range in
                for step in 0..<range.count {
                    let id = TraceID(range.stream + Int64(step) * range.stride)
                    if book.place(of: id) == .waiting(lane: number) {
                        entries[id, default: 0] += 1
                    } else {
                        stale += 1
                    }
                }
            }
            if stale != lane.staleCount { faults.append("lane \(number): \(stale) stale") }
            for entry in lane.singles.entries where book.isCurrent(entry, .retried) {
                entries[entry.trace, default: 0] += 1
            }
        }
        for entry in resting.entries where book.isCurrent(entry, .resting) {
            entries[entry.trace, default: 0] += 1
        }
        for slot in book.slots where slot.isUsed && slot.life.phase == .pending {
            if entries[slot.id] != (slot.life.isOver ? nil : 1) {
                faults.append("\(slot.id): \(entries[slot.id] ?? 0) entries")
            }
            if slot.life.isOver { entries[slot.id] = 1 }
        }
        if entries.values.contains(where: { $0 != 1 }) { faults.append("more than one entry") }
        if entries.count != pendingCount {
            faults.append("\(entries.count) wait, counted \(pendingCount)")
        }
        return faults
    }
}

extension LineUp {
    /// What is wrong with the order of the lanes, once they are settled.
    func faults() -> [String] {
        guard lanes.allSatisfy({ !$0.isDirty }) else { return [] }
        var faults: [String] = []
        var first: [Int32: Standing] = [:]
        for (number, lane) in lanes.enumerated() where !lane.isVacant {
            if lane.lined != lane.standing(number) { faults.append("lane \(number): not settled") }
            guard let lined = lane.lined else { continue }
            for node in wanted(number) { first[node] = first[node].map { min($0, lined) } ?? lined }
        }
        for (number, lane) in lanes.enumerated() where !lane.isVacant {
            let nodes = wanted(number)
            guard !nodes.isEmpty else { continue }
            let fronts = nodes.count { front[Int($0)] == number }
            let firsts = lane.lined == nil ? 0 : nodes.count { first[$0] == lane.lined }
            let isFirst = firsts == nodes.count
            if fronts != lane.fronts || fronts != firsts || isFirst != (lane.stance != .behind) {
                faults.append("lane \(number): \(lane.stance), \(fronts) and \(firsts) in front")
            }
        }
        return faults
    }
}
