import Traceflow

extension SchedulerState {
    /// Puts a Pending trace that has a slot into its lane, at its own position.
    mutating func line(_ slot: Int) {
        let lane = lines.lane(of: book.slots[slot].life.facts, &nodes)
        book.slots[slot].wait = .lined(lane: lane)
        let entry = Agenda.Entry(key: book.slots[slot].position, trace: book.slots[slot].id)
        lines.lanes[lane].singles.insert(entry, currentMax: book.slotCount, book)
        lines.markDirty(lane)
    }

    /// Lets a retried trace rest until its backoff is over.
    mutating func rest(_ slot: Int, until moment: Moment) {
        book.slots[slot].wait = .resting
        restingCount += 1
        resting.insert(
            Agenda.Entry(key: moment.microseconds, trace: book.slots[slot].id),
            currentMax: restingCount, book)
    }

    /// Lets those whose backoff is over join their lanes.
    mutating func wake(_ now: Moment) {
        while let first = resting.first, first.key <= now.microseconds {
            guard let slot = book.slot(of: first.trace) else { return resting.removeFirst() }
            leaveWaiting(slot)
            line(slot)
        }
    }

    mutating func leavePending(_ slot: Int) {
        leaveWaiting(slot)
        pendingCount -= 1
    }

    /// Gives up the trace's place in a lane or among those that rest.
    mutating func leaveWaiting(_ slot: Int) {
        let wait = book.slots[slot].wait
        book.slots[slot].wait = .none
        switch wait {
        case .none: break
        case .resting:
            restingCount -= 1
            while let first = resting.first, !book.isCurrent(first, .resting) {
                resting.removeFirst()
            }
        case .lined(let lane): trim(lane)
        }
    }

    /// Drops from the front of the lane what no longer waits there.
    private mutating func trim(_ lane: Int) {
        while let head = lines.lanes[lane].head, !isLive(head, lane) {
            lines.lanes[lane].dropHead(isSingle: head.isSingle)
            lines.markDirty(lane)
        }
    }

    func isLive(_ head: Lane.Head, _ lane: Int) -> Bool {
        if head.isSingle {
            return book.isCurrent(
                Agenda.Entry(key: head.position, trace: head.trace), .retried)
        }
        return lines.lanes[lane].staleCount == 0
            || book.place(of: head.trace) == .waiting(lane: lane)
    }
}
