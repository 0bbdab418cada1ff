import JobLog
import SimulatedDisk
import TraceLog
import Traceflow
import Worker

extension Simulation {
    func start(_ host: Host) {
        guard host.body == nil, phase != .leaving else { return }
        begin(host, in: disk.startProcess(), log: nil, at: time.now)
    }

    /// A worker with a name of its own, in a new process or in one that has the log open.
    func begin(_ host: Host, in process: SimulatedProcess, log: JobLog?, at moment: Int64) {
        host.incarnation += 1
        let name =
            plan.sabotage == .doubleName ? "twin" : "worker\(host.number).\(host.incarnation)"
        var options = Worker.Options(
            id: name, inFlightMax: plan.inFlightMax[host.number],
            leaseMicroseconds: plan.leaseMicroseconds, profile: plan.profiles[host.number])
        options.checkpoints = plan.checkpoints
        let booted = schedule.within(0...1_000_000_000)
        let body = Body(
            process: process,
            clock: ProcessClocks(time, skew: host.skew, booted: booted).clock, options: options,
            plane: plane, opensAt: moment)
        body.log = log
        host.body = body
        witness.setRoom(options.inFlightMax, of: name)
        narrator.say("\(name) starts as process \(process.number)")
    }

    /// One step of one thread of the worker.
    func step(_ host: Host) throws {
        guard let body = host.body else { return }
        var due: [Thread] = []
        let until = time.now + 2000
        if body.opensAt <= until { due.append(.opening) }
        if body.decidesAt <= until { due.append(.deciding) }
        if body.executesAt <= until { due.append(.executing) }
        if body.choresAt <= until { due.append(.chores) }
        guard !due.isEmpty else { return }
        actor = Author(name: body.name)
        body.isBusy = true
        weather.hasStruck = false
        let wasFull = weather.bad.contains(.diskFull)
        let chosen = due[schedule.below(due.count)]
        if let sabotage = plan.sabotage { disturb(sabotage, body) }
        narrator.say("\(body.name) \(chosen)")
        do {
            switch chosen {
            case .opening: try open(host, body)
            case .deciding: try decide(body)
            case .executing: try execute(host, body)
            case .chores: doChore(body)
            }
            body.isBusy = false
        } catch {
            body.isBusy = false
            guard !(error is Violation) else { throw error }
            try fail(host, body, error, wasFull)
        }
    }

    private enum Thread { case opening, deciding, executing, chores }

    func storage(of process: SimulatedProcess) -> Storage {
        var storage = process.storage
        if !plan.seesDeaths { storage.mayLive = { _ in true } }
        return storage
    }

    func openLog(_ process: SimulatedProcess, _ clock: Clock) throws -> JobLog {
        let seed = plan.seed
        return try JobLog.openTraces(
            "/log", access: .create, durability: plan.sabotage == .unsyncedCommits ? .off : .full,
            clock: clock, storage: storage(of: process),
            limits: plan.segments,
            newLogID: { "log of seed \(seed)" })
    }

    private func open(_ host: Host, _ body: Body) throws {
        let log = try body.log ?? openLog(body.process, body.clock)
        let coding = TraceCoding(log: log)
        let position = try log.lastPosition()
        body.log = log
        body.coding = coding
        body.deciding = Deciding(
            log: log, coding: coding, clock: body.clock, options: body.options,
            inFlightMax: body.plane.abilities.inFlightMax, plans: SimulatedSweeps(plan.nodes),
            runs: SimulatedRuns(),
            beside: { [chores = body.chores] in chores.put($0) })
        body.execution = Execution(
            log: log, coding: coding, backend: body.plane, clock: body.clock,
            options: body.options, outbox: body.outbox, after: position)
        body.opensAt = .max
        body.decidesAt = time.now
        body.executesAt = time.now
    }

    // MARK: deciding

    private func decide(_ body: Body) throws {
        guard var deciding = body.deciding.take() else { return }
        defer { body.deciding = deciding }
        let held = deciding.leases.decider
        let worked = try deciding.step(isDraining: body.isDraining)
        if held != nil, deciding.leases.decider == nil { tally.count(.refused) }
        body.isDecider = deciding.leases.decider != nil
        if let state = deciding.decider.state {
            try settleWitness()
            try witness.check(
                state, at: deciding.decider.position, of: body.name,
                isThorough: schedule.happens(100))
        }
        let isBehind = body.isDecider && witness.ledger.last > deciding.decider.position
        body.decidesAt = worked || isBehind ? time.now : time.now + wait(body, deciding)
        if body.choresAt == .max, !body.chores.isEmpty {
            body.choresAt = time.now + schedule.within(0...1_000_000)
        }
    }

    /// What goes wrong there is nobody's concern: whoever decides next does it again.
    private func doChore(_ body: Body) {
        body.chores.takeFirst()?()
        body.choresAt = body.chores.isEmpty ? .max : time.now
    }

    /// How long the thread would wait for news, and how late it then is.
    private func wait(_ body: Body, _ deciding: Deciding) -> Int64 {
        var timeout = min(
            deciding.leases.nextLook - body.clock.monotonicMicroseconds(), 3_600_000_000)
        if let next = deciding.decider.nextMoment {
            timeout = min(timeout, next.microseconds - body.clock.now().microseconds)
        }
        if !body.isDecider { timeout = min(timeout, LeaseKeeper.standbyMicroseconds) }
        return max(0, timeout) + schedule.within(0...(body.isDecider ? 50_000 : plan.lateness))
    }

    // MARK: executing

    private func execute(_ host: Host, _ body: Body) throws {
        guard var execution = body.execution.take() else { return }
        let outbox = body.outbox
        let worked: Bool
        do {
            defer { body.execution = execution }
            worked = try execution.step(report: { outbox.put($0) }, observe: { _ in })
        }
        send(host, body)
        if worked, outbox.isEmpty { body.checkable = body.handed.count }
        if body.isDraining, execution.isIdle || time.now >= body.drainsUntil {
            return try leave(host, body)
        }
        let isBehind = witness.ledger.last > execution.position
        body.executesAt =
            worked || isBehind || !outbox.isEmpty
            ? time.now : min(body.drainsUntil, time.now + 60_000_000)
    }

    /// Puts what the data plane planned on its way.
    private func send(_ host: Host, _ body: Body) {
        let planned = body.plane.takePlanned()
        for fault in planned.faults { tally.count(fault) }
        for sent in planned.sent {
            queue.put(
                .report(host: host.number, incarnation: host.incarnation, sent.report),
                at: time.now + sent.delay)
        }
    }

    func deliver(_ number: Int, _ incarnation: Int, _ report: BackendReport) {
        let host = hosts[number]
        guard let body = host.body, host.incarnation == incarnation, body.log != nil else { return }
        if let story = witness.ledger.story(report.trace.rawValue),
            story.phase != .running || story.attempt != report.id.attempt
        {
            tally.count(.reportLate)
        }
        narrator.say("\(body.name) hears of trace \(report.trace): \(report.id)")
        guard plan.sabotage != .lostOutbox || !fate.happens(100) else {
            body.handed.append(Ledger.ReportKey(trace: report.trace, id: report.id))
            return
        }
        body.take(report)
        body.executesAt = min(body.executesAt, time.now)
    }
}
