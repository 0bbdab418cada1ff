import Traceflow

extension SchedulerState {
    /// What is wrong with the state, in words; nothing, or there is a mistake in this module.
    /// Looks at every trace: for tests, and for a log that is being verified.
    public func invariantFaults() -> [String] {
        agendaFaults() + runningFaults() + waitingFaults() + lines.faults()
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
        for slot in used {
            let entry = slot.id.description
            if slot.isTouched != slot.life.isOver { faults.append("\(entry): touched or over") }
            if slot.isTouched, !touched.entries.contains(where: { $0.trace == slot.id }) {
                faults.append("\(entry): touched without an entry")
            }
            guard slot.life.phase == .running else { continue }
            load[slot.executor] += 1
            if !deadlines.entries.contains(where: {
                $0.trace == slot.id && book.isCurrent($0, .deadline)
            }) {
                faults.append("\(entry): no deadline")
            }
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
            if let head = lane.head, !isLive(head, number) {
                faults.append("the head of lane \(number) is \(head.trace), which moved on")
            }
            lane.runs.forEach { range in
                for step in 0..<range.count {
                    let id = TraceID(range.stream + Int64(step) * range.stride)
                    if book.place(of: id) == .waiting(lane: number) { entries[id, default: 0] += 1 }
                }
            }
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
    /// What is wrong with the order of the lanes that are settled.
    func faults() -> [String] {
        guard lanes.allSatisfy({ !$0.isDirty }) else { return [] }
        var faults: [String] = []
        for (number, lane) in lanes.enumerated() where !lane.isVacant {
            if lane.lined != lane.standing(number) { faults.append("lane \(number): not settled") }
            let nodes = wanted(number)
            guard !nodes.isEmpty else { continue }
            let fronts = nodes.count { front[Int($0)] == number }
            if fronts != lane.fronts || (fronts == nodes.count) != (lane.stance != .behind) {
                faults.append("lane \(number) is \(lane.stance), in front on \(fronts) nodes")
            }
            let first = nodes.allSatisfy { node in
                lanes.allSatisfy { other in
                    guard let theirs = other.lined, let ours = lane.lined else { return true }
                    return !other.nodes.contains(node) || !(theirs < ours)
                }
            }
            if lane.lined != nil, first != (lane.stance != .behind) {
                faults.append("lane \(number) is \(lane.stance), but first: \(first)")
            }
        }
        return faults
    }
}
