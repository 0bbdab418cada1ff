import SimulatedDisk

extension Simulation {
    /// Puts the first fault of each kind of this run before us.
    func scheduleFaults() {
        for fault in Fault.allCases { scheduleNext(fault) }
    }

    private func scheduleNext(_ fault: Fault) {
        guard let span = plan.spans[fault] else { return }
        queue.put(.fault(fault), at: time.now + fate.within(0...2 * span))
    }

    func strike(_ fault: Fault) throws {
        guard phase != .ending else { return }
        scheduleNext(fault)
        let host = hosts[fate.below(hosts.count)]
        narrator.say("fault: \(fault)")
        switch fault {
        case .killed:
            guard let process = host.body?.process ?? clients[0].process else { return }
            process.kill()
            tally.count(.killed)
        case .diedInOperation:
            let client = clients[fate.below(clients.count)]
            let process = fate.happens(200) ? client.process : host.body?.process
            guard let process else { return }
            weather.deathsIn[process.number] = 1 + fate.below(4 << fate.below(7))
        case .stopped:
            guard let body = host.body, body.opensAt == .max else { return }
            drain(body)
            tally.count(.stopped)
        case .paused:
            guard host.body != nil else { return }
            let lease = plan.leaseMicroseconds
            host.pausedUntil = time.now + fate.within(lease...3 * lease)
            queue.put(.resume(host: host.number), at: host.pausedUntil)
            tally.count(.paused)
        case .overtaken: overtakeIn = 1 + fate.below(200)
        case .clockJumpedAhead, .clockSetBack:
            let span = fate.within(1...fate.pick([2000, 60_000, 3_600_000], otherwise: 1)) * 1000
            time.setTimeOfDay(by: fault == .clockSetBack ? -span : span)
            tally.count(fault)
        case .diskFull:
            disk.setCapacity(disk.used + fate.below(60_000))
            try last(fault, 30_000_000)
        case .writeError, .syncError, .lockBusy: try last(fault, 5_000_000)
        case .powerCut:
            if fate.happens(300) {
                disk.cutPower(seed: fate.number())
            } else {
                weather.cutIn = 1 + fate.below(400)
            }
        case .diedInRoll: rolls.deathIn = 1 + fate.below(4 << fate.below(8))
        case .diedAfterCommit, .clockSkewed, .nodeFailed, .nodeSilent, .reportLost,
            .reportDoubled, .reportReordered, .reportLate, .refused, .powerCutLost, .powerCutTore:
            break
        }
    }

    private func last(_ fault: Fault, _ longest: Int64) throws {
        weather.begin(fault)
        queue.put(.clears(fault), at: time.now + fate.within(1000...longest))
    }

    func clear(_ fault: Fault) {
        weather.end(fault)
        if fault == .diskFull { disk.setCapacity(nil) }
    }
}
