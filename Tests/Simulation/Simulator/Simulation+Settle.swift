import SimulatedDisk
import Worker

/// What is looked at after each step.
extension Simulation {
    /// Looks at what the step left: who died, what was committed, who hears of it.
    func settle() throws {
        countDiskFaults()
        try settleWitness()
        // A step may have looked already: what counts is what was told.
        let hasNews = witness.ledger.last != told
        told = witness.ledger.last
        for host in hosts {
            guard let body = host.body, !body.isBusy else { continue }
            if body.process.isDead {
                if hasNews, actor?.name == body.name {
                    tally.count(.diedAfterCommit)
                }
                bury(host, body)
            } else {
                try checkReports(body)
            }
        }
        for client in clients where !client.isBusy && client.process?.isDead == true {
            client.leave()
        }
        if hasNews || !witness.isOpen { tellNews() }
        actor = nil
        if let violation { throw violation }
    }

    func settleWitness() throws {
        if !witness.isOpen, !witnessRests, hosts.contains(where: isOpen) {
            try witness.open { lookingProcess = $0 }
            try witness.catchUp(by: nil)
        }
        try witness.catchUp(by: actor)
    }

    private func isOpen(_ host: Host) -> Bool {
        host.body.map { $0.log != nil && !$0.process.isDead } ?? false
    }

    private func tellNews() {
        for host in hosts {
            guard let body = host.body, body.opensAt == .max else { continue }
            let soon = time.now + schedule.within(0...3000)
            body.executesAt = min(body.executesAt, soon)
            if body.isDecider { body.decidesAt = min(body.decidesAt, soon) }
        }
    }

    /// Reports that a worker appended without an error are in the log.
    private func checkReports(_ body: Body) throws {
        guard body.checkable > 0, witness.isOpen else { return }
        for key in body.handed.prefix(body.checkable) where !witness.ledger.reports.contains(key) {
            throw Violation("\(body.name) appended \(key), which is not in the log")
        }
        body.handed.removeFirst(body.checkable)
        body.checkable = 0
    }
}
