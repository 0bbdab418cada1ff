import Scheduler

extension Simulation {
    /// Everything that was asked for has come to its end, and is in the log for ever.
    func checkEnd() throws {
        try witness.checkLives()
        try witness.foldAfresh()
        for host in hosts { host.body = nil }
        for client in clients { client.leave() }
        witness.close()
        disk.cutPower(seed: plan.seed)
        try witness.open { lookingProcess = $0 }
        try witness.catchUp(by: nil)
        try witness.verify()
        try witness.checkNames()
        for (id, _) in known where witness.ledger.story(id) == nil {
            throw Violation("trace \(id) was acknowledged and is gone")
        }
        try witness.ledger.checkSweepsAreOver()
        for (number, story) in witness.ledger.stories.enumerated() {
            guard let story else { continue }
            if witness.ledger.isOfCancelledSweep(story), story.phase.isTerminal { continue }
            if let fault = Self.fault(of: story) { throw Violation("trace \(number): \(fault)") }
        }
        let tags = witness.ledger.tags
        guard tags.heldCount == 0, tags.waitingCount == 0, witness.follower.isIdle else {
            throw Violation("\(tags.heldCount) tags are held, \(tags.waitingCount) traces wait")
        }
    }

    private static func fault(of story: Story) -> String? {
        guard story.phase.isTerminal else { return "it is \(story.phase.rawValue)" }
        if story.phase == .failed, !story.isCancelRequested, !story.isDeleted,
            story.retriesUsed < story.facts.retries
        {
            return "it was retried \(story.retriesUsed) times, asked for \(story.facts.retries)"
        }
        let ends = (story.ended + story.superseded).sorted()
        guard ends == Array(1...story.attempt) else {
            return "attempts \(story.ended) ended and \(story.superseded) were taken over,"
                + " of \(story.attempt)"
        }
        return nil
    }
}
