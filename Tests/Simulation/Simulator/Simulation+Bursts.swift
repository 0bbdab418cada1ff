import Scheduler
import SimulatedDisk

/// Bursts of requests, and the time between them that is skipped.
extension Simulation {
    func nextBurst() {
        if let at = bursts.popFirst() {
            queue.put(.burst, at: max(at, time.now))
        } else {
            becomeCalm()
        }
    }

    func beginBurst() {
        phase = .busy
        witnessRests = false
        quietSince = nil
        busySince = time.now
        let count = 3 + load.below(10)
        let spread = load.within(1_000_000...30_000_000)
        for _ in 0..<count {
            queue.put(
                .act(client: load.below(clients.count)), at: time.now + load.within(0...spread))
        }
        for host in hosts where host.body == nil {
            queue.put(.start(host: host.number), at: time.now + load.within(0...2_000_000))
        }
        narrator.say("burst of \(count)")
    }

    /// Whether all that was asked for is done and nobody is about to ask.
    private var isQuiet: Bool {
        guard witness.isOpen, witness.ledger.isQuiet else { return false }
        return queue.count {
            if case .act = $0 { true } else { false }
        } == 0
    }

    /// Goes on to the next burst when there is nothing left to do.
    func look() throws {
        switch phase {
        case .busy:
            guard isQuiet else {
                quietSince = nil
                guard time.now - busySince < Self.busyMax else {
                    throw Violation(
                        "after \(Self.busyMax / 60_000_000) minutes it is not done: "
                            + witness.ledger.openOnes)
                }
                return
            }
            let since = quietSince ?? time.now
            quietSince = since
            guard time.now - since > plan.lateness + 3_000_000 else { return }
            try rest()
        case .leaving:
            for host in hosts { if let body = host.body { drain(body) } }
            guard hosts.allSatisfy({ $0.body == nil }) else { return }
            skip(countsMonotonic: true)
        case .ending:
            if isQuiet {
                phase = .ended
            } else if time.now - busySince > Self.busyMax {
                throw Violation(
                    "in \(Self.busyMax / 60_000_000) minutes without faults it is not done: "
                        + witness.ledger.openOnes)
            }
        case .ended: break
        }
    }

    /// Longest time in which what was asked for has to come to its end, faults and all.
    private static let busyMax: Int64 = 1_800_000_000

    private func rest() throws {
        try witness.checkLives()
        try witness.checkNames()
        try witness.foldAfresh()
        if schedule.happens(300) { try witness.confirm() }
        if schedule.happens(300) {
            witness.close()
            witnessRests = true
        }
        switch schedule.below(3) {
        case 0:
            phase = .leaving
            for host in hosts { if let body = host.body { drain(body) } }
        case 1: skip(countsMonotonic: true)
        case _: skip(countsMonotonic: false)
        }
    }

    private func skip(countsMonotonic: Bool) {
        if let at = bursts.first, at > time.now {
            time.sleep(at - time.now, countsMonotonic: countsMonotonic)
        }
        narrator.say("time was skipped")
        quietSince = nil
        busySince = time.now
        phase = .busy
        nextBurst()
    }

    private func becomeCalm() {
        phase = .ending
        witnessRests = false
        busySince = time.now
        plane.becomeCalm()
        weather.clear(disk)
        rolls.deathIn = 0
        for host in hosts where host.body == nil {
            queue.put(.start(host: host.number), at: time.now)
        }
        narrator.say("no more faults")
    }
}
