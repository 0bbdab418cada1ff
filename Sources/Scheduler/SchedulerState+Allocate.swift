import Traceflow

extension SchedulerState {
    /// Gives tags to those that wait, in the order that `LineUp` explains.
    mutating func allocate(_ pass: inout Pass) {
        guard pendingCount > restingCount else { return }
        lines.settle()
        while !pass.isFull, let executor = freest(pass), let first = lines.firstReadyCapture() {
            let lane = Int(first.lane)
            if captures.isFree(on: lines.lanes[lane].nodes) {
                start(lane, TagAllocation.noTag, executor, &pass)
            } else {
                lines.setStuck(lane)
            }
        }
        while !pass.isFull, let executor = freest(pass) {
            let ready = lines.firstReady()
            let everywhere = lines.firstEverywhere
            if let ready, everywhere.map({ ready < $0 }) ?? true {
                let lane = Int(ready.lane)
                if let tag = tags.freeTag(on: lines.lanes[lane].nodes) {
                    start(lane, tag, executor, &pass)
                } else {
                    lines.setStuck(lane)
                }
            } else if let everywhere {
                // Who is stuck before it blocks it; but then all tags are in use on the nodes of
                // that one, and none is free for everywhere. It blocks all that come later.
                guard let tag = tags.freeTag(on: []) else { return }
                start(Int(everywhere.lane), tag, executor, &pass)
            } else {
                return
            }
        }
    }

    /// When an attempt that starts now is to be over.
    func deadline(of facts: SchedulingFacts, from now: Moment) -> Moment {
        now.advanced(bySeconds: facts.timeoutSeconds + tags.profile.startSecondsMax)
    }

    /// Starts the first trace of the lane.
    private mutating func start(_ lane: Int, _ tag: Int, _ executor: Int, _ pass: inout Pass) {
        guard let head = lines.lanes[lane].head else { return }
        let facts = lines.lanes[lane].facts
        let attempt = book.slot(of: head.trace).map { book.slots[$0].life.attempt } ?? 1
        let allocation = TagAllocation(
            attempt: attempt, tag: tag,
            scope: lines.isPerNode || facts.isCapture ? facts.scope : .allNodes,
            executor: executors.names[executor],
            deadline: deadline(of: facts, from: pass.context.now))
        record(head.trace, .tagAllocated(allocation), &pass)
        lines.settle()
    }
}
