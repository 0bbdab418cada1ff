import JobLog
import SimulatedDisk
import Worker

/// How processes of workers come to their end, and what follows.
extension Simulation {
    func drain(_ body: Body) {
        guard !body.isDraining, body.opensAt == .max else { return }
        body.isDraining = true
        body.drainsUntil = time.now + body.options.drainMicroseconds
        body.decidesAt = min(body.decidesAt, time.now)
        body.executesAt = min(body.executesAt, time.now)
        narrator.say("\(body.name) is told to stop")
    }

    func leave(_ host: Host, _ body: Body) throws {
        body.execution?.abandon()
        if var deciding = body.deciding.take() { try deciding.handOver() }
        dismiss(host, body)
        if phase != .leaving { startLater(host) }
    }

    /// A worker that fails gives back what it can, and its process ends or works on anew.
    func fail(_ host: Host, _ body: Body, _ error: any Error, _ wasFull: Bool) throws {
        guard !body.process.isDead else { return }
        narrator.say("\(body.name) fails: \(error)")
        let isFull = wasFull || weather.bad.contains(.diskFull)
        guard weather.hasStruck || isFull && (error as? JobLogError)?.code == .diskFull else {
            throw Violation("\(body.name) failed without a cause: \(error)")
        }
        body.isBusy = true
        body.execution?.abandon()
        if var deciding = body.deciding.take() { try? deciding.leases.release() }
        body.isBusy = false
        guard !body.process.isDead else { return }
        if let log = body.log, fate.happens(500) {
            begin(host, in: body.process, log: log, at: time.now + fate.within(0...2_000_000))
        } else {
            dismiss(host, body)
            startLater(host)
        }
    }

    /// The process ends in order: its connections are closed.
    private func dismiss(_ host: Host, _ body: Body) {
        mayOvertake = false
        host.body = nil
        (body.deciding, body.execution, body.coding) = (nil, nil, nil)
        body.log = nil
        mayOvertake = true
        body.process.kill()
        narrator.say("\(body.name) is gone")
    }

    func bury(_ host: Host, _ body: Body) {
        narrator.say("\(body.name) is dead")
        host.body = nil
        startLater(host)
    }

    private func startLater(_ host: Host) {
        let longest = phase == .ending || fate.happens(500) ? 1_000_000 : 2 * plan.leaseMicroseconds
        queue.put(.start(host: host.number), at: time.now + fate.within(0...longest))
    }
}
