import Traceflow

extension SchedulerState {
    /// Takes in a trace's event, which stands at `position` in the log.
    public mutating func evolve(
        _ id: TraceID, _ event: TraceEvent, position: Int64, at moment: Moment
    ) {
        switch event {
        case .requested(let request): evolve(requested: id, request.facts, position: position)
        case .nodeReported(let report, let result):
            evolve(id, report: report, summary: ResultSummary(of: result.observations))
        case .begun, .nodeFailed, .packetCaptured, .captureArchived:
            // Only of a running attempt; a captured packet decides nothing.
            if let slot = book.slot(of: id) { apply(event, slot, at: moment) }
        case .tagAllocated, .succeeded, .timedOut, .failed, .cancelRequested, .deleted:
            switch book.place(of: id) {
            case .absent: break
            case .waiting(let lane): apply(event, id, waitingIn: lane, at: moment)
            case .known(let slot): apply(event, slot, at: moment)
            }
        case .metadataChanged:
            // What people call things decides nothing.
            break
        case .retryRequested(let retry):
            guard book.place(of: id) == .absent else { break }
            if let sweep = retry.facts.sweep { change(sweep) { $0.retriesDue -= 1 } }
            enqueue(id, TraceLife(retry), position: position, at: moment)
        }
    }

    /// Takes in a request of which only the facts are at hand.
    public mutating func evolve(
        requested id: TraceID, _ facts: SchedulingFacts, position: Int64
    ) {
        guard book.place(of: id) == .absent else { return }
        let lane = lines.lane(of: facts, &nodes)
        pendingCount += 1
        if let sweep = facts.sweep { change(sweep) { $0.open += 1 } }
        if let schedule = facts.schedule { schedules[schedule]?.begin(.trace(id)) }
        if lines.lanes[lane].runs.append(position: position, stream: id.rawValue) {
            book.setWaiting(id, lane: lane)
            if lines.lanes[lane].lined == nil { lines.markDirty(lane) }
        } else {
            // Out of the order that ranges need: it stands by itself.
            let slot = book.add(id, TraceLife(facts: facts), position: position)
            line(slot)
        }
    }

    /// Takes in a node's report of which only the summary is at hand: who stores equal lists of
    /// observations once works out the summary of each once (`ResultSummary`).
    public mutating func evolve(_ id: TraceID, report: ReportID, summary: ResultSummary) {
        guard let slot = book.slot(of: id) else { return }
        book.slots[slot].life.evolve(report: report, summary: summary)
        touchIfOver(slot)
    }

    /// Takes in a change of who allots tags. What waits wants from now on what the new profile
    /// makes of its scope; what runs keeps what it holds.
    public mutating func evolve(_ profile: TagProfile) {
        let wasPerNode = tags.isPerNode
        tags.profile = profile
        if tags.isPerNode != wasPerNode {
            lines.rebuild(isPerNode: tags.isPerNode)
        } else {
            lines.wake([])
        }
    }

    private mutating func enqueue(
        _ id: TraceID, _ life: TraceLife, position: Int64, at moment: Moment
    ) {
        pendingCount += 1
        let slot = book.add(id, life, position: position)
        if let notBefore = life.notBefore, notBefore > moment {
            rest(slot, until: notBefore)
        } else {
            line(slot)
        }
    }

    /// A first attempt that waits gets a slot for as long as more is known of it than that.
    private mutating func apply(
        _ event: TraceEvent, _ id: TraceID, waitingIn lane: Int, at moment: Moment
    ) {
        let slot = book.add(id, TraceLife(facts: lines.lanes[lane].facts), position: 0)
        book.slots[slot].wait = .lined(lane: lane)
        lines.lanes[lane].staleCount += 1
        apply(event, slot, at: moment)
        guard book.slot(of: id) == slot, book.slots[slot].wait == .lined(lane: lane) else { return }
        lines.lanes[lane].staleCount -= 1
        book.remove(slot: slot)
        book.setWaiting(id, lane: lane)
    }

    private mutating func apply(_ event: TraceEvent, _ slot: Int, at moment: Moment) {
        let wasPending = book.slots[slot].life.phase == .pending
        let path = book.slots[slot].life.progress.path
        switch book.slots[slot].life.evolve(event) {
        case .nothing, .captured: break
        case .begun: moveDeadline(slot)
        // Traces that have ended left the state, so none can be queued here again.
        case .requeued: break
        case .reported: touchIfOver(slot)
        case .cancelRequested:
            if wasPending { leaveWaiting(slot) }
            touchIfOver(slot)
        case .started:
            let lane = book.slots[slot].wait
            if wasPending { leavePending(slot) } else { giveBack(slot) }
            hold(slot, from: lane)
            touchIfOver(slot)
        case .ended:
            if wasPending { leavePending(slot) } else { giveBack(slot) }
            untouch(slot)
            tell(book.slots[slot].life, ended: event, at: moment)
            tell(book.slots[slot].id, book.slots[slot].life, ended: event, by: path, at: moment)
            book.remove(slot: slot)
        }
    }

    // MARK: running

    mutating func hold(_ slot: Int, from wait: TraceBook.Wait) {
        guard let allocation = book.slots[slot].life.allocation else { return }
        let held: [Int32]
        if case .lined(let lane) = wait, lines.lanes[lane].facts.scope == allocation.scope {
            held = lines.lanes[lane].nodes
        } else {
            var facts = book.slots[slot].life.facts
            facts.scope = allocation.scope
            held = nodes.numbers(of: facts)
        }
        let executor = executors.number(of: allocation.executor)
        book.slots[slot].tag = allocation.tag
        book.slots[slot].nodes = held
        book.slots[slot].executor = executor
        if book.slots[slot].life.facts.isCapture {
            captures.hold(on: held)
        } else {
            tags.hold(allocation.tag, on: held)
        }
        executors.add(1, to: executor)
        runningCount += 1
        let entry = Agenda.Entry(
            key: allocation.deadline.microseconds, trace: book.slots[slot].id)
        deadlines.insert(entry, currentMax: runningCount, book)
    }

    private mutating func moveDeadline(_ slot: Int) {
        guard let deadline = book.slots[slot].life.allocation?.deadline else { return }
        deadlines.insert(
            Agenda.Entry(key: deadline.microseconds, trace: book.slots[slot].id),
            currentMax: runningCount, book)
        dropStaleDeadlines()
    }

    private mutating func dropStaleDeadlines() {
        while let first = deadlines.first, !book.isCurrent(first, .deadline) {
            deadlines.removeFirst()
        }
    }

    private mutating func giveBack(_ slot: Int) {
        runningCount -= 1
        executors.add(-1, to: book.slots[slot].executor)
        if book.slots[slot].life.facts.isCapture {
            captures.release(on: book.slots[slot].nodes)
        } else {
            tags.release(book.slots[slot].tag, on: book.slots[slot].nodes)
        }
        lines.wake(book.slots[slot].nodes)
        dropStaleDeadlines()
    }

    // MARK: to be ended

    mutating func touchIfOver(_ slot: Int) {
        guard book.slots[slot].life.isOver else { return untouch(slot) }
        guard !book.slots[slot].isTouched else { return }
        book.slots[slot].isTouched = true
        touchedCount += 1
        let id = book.slots[slot].id
        touched.insert(
            Agenda.Entry(key: id.rawValue, trace: id), currentMax: touchedCount, book)
    }

    private mutating func untouch(_ slot: Int) {
        guard book.slots[slot].isTouched else { return }
        book.slots[slot].isTouched = false
        touchedCount -= 1
        while let first = touched.first, !book.isCurrent(first, .touched) {
            touched.removeFirst()
        }
    }
}
