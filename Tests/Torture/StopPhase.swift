import Glibc

/// A decider that is stopped past its lease and goes on: what it still means to decide must be
/// refused by its epoch.
///
/// One worker has a short lease and decides first; the others' leases are long. When it has been
/// replaced, all the others are stopped too, within their leases: whatever is decided while the
/// old decider alone runs is decided by a wrong one.
struct StopPhase {
    private static let short = ["--lease", "1s"]
    private static let long = ["--lease", "60s"]

    var session: Session
    let plan: Plan
    private var stops = 0
    private var stopsInTransaction = 0
    private var aloneChecks = 0
    private var longestWait = 0

    init(_ arena: Arena, _ plan: Plan) {
        self.plan = plan
        session = Session(arena: arena, workers: plan.workers, chance: plan.chance(for: 2))
    }

    mutating func run() throws -> Report {
        try session.requesters.ask(3, &session.chance)
        try session.requesters.settle()
        let rounds = max(2, plan.kills / 20)
        for round in 1...rounds {
            try playRound(isAlone: !round.isMultiple(of: 2))
            plan.progress(round, of: rounds, "rounds of stops")
        }
        var report = Report(try session.finish(), session)
        report.stops = stops
        report.lines = [
            "after at most \(longestWait) ms another decided; \(stopsInTransaction) stops fell"
                + " within a transaction",
            "\(aloneChecks) times a replaced decider ran alone, and decided nothing",
        ]
        return report
    }

    private mutating func playRound(isAlone: Bool) throws {
        let sprinter = try session.crew.add(Self.short, &session.chance)
        try waitForDecider("the short lease leads", seconds: 120) { $0 == sprinter.pid }
        while session.crew.workers.count < max(2, plan.workers) {
            try session.crew.add(Self.long, &session.chance)
        }
        try askSome()
        if isAlone {
            try stopAtTheLock(sprinter)
        } else {
            try session.pass(milliseconds: session.chance.milliseconds(upTo: 1000))
            sprinter.signal(SIGSTOP)
        }
        stops += 1
        if try isReplaced(sprinter) {
            if isAlone { try runAlone(sprinter) }
            sprinter.signal(SIGCONT)
        }
        try askSome()
        try session.pass(milliseconds: session.chance.milliseconds(upTo: 1000))
        // It took part again, as an executor; `look` would have told if it had crashed.
        try session.crew.dismiss([sprinter])
        try session.crew.dismiss()
    }

    /// Stops it while it waits to write: probably the end of a trace whose time has run out, less
    /// often its lease. It goes on with a decision for which it had looked at its lease before.
    private mutating func stopAtTheLock(_ sprinter: Child) throws {
        for _ in 0..<10 {
            try session.requesters.ask(1, of: [.unseen], &session.chance)
            try session.pass(milliseconds: 100)
        }
        let file = try PlainFile.newest(in: session.arena.log)
        file.setPatience(milliseconds: 60_000)
        guard file.run("begin immediate") == .done else {
            throw Violation("a write transaction could not begin within 60 s")
        }
        Wait.pause(milliseconds: session.chance.number(100...250))
        sprinter.signal(SIGSTOP)
        file.run("rollback")
    }

    private mutating func askSome() throws {
        let share = max(4, plan.traces / max(2, plan.kills / 20) / 20)
        try session.requesters.ask(session.chance.number(1...share), &session.chance)
        if session.chance.happens(30) {
            try session.requesters.change(doomed: false, &session.chance)
        }
    }

    private mutating func waitForDecider(
        _ what: String, seconds: Int, _ isRight: (pid_t) -> Bool
    ) throws {
        let end = Wait.now() + Int64(seconds) * 1000
        while true {
            if let (pid, _) = try session.arena.decider(), isRight(pid) { return }
            guard Wait.now() < end else { throw Violation("not within \(seconds) s: \(what)") }
            try session.pass(milliseconds: 20)
        }
    }

    /// Whether somebody who was stopped keeps all others out: in the middle of a transaction, or
    /// of making a segment.
    private func isLocked(for milliseconds: Int) throws -> Bool {
        let log = session.arena.log
        return try FolderLock.isHeld(log, for: milliseconds)
            || PlainFile.newest(in: log).isLocked(for: milliseconds)
    }

    /// Waits for another decider. A process that was stopped within a transaction keeps the file
    /// locked: then it goes on at once, and nobody was to replace it.
    private mutating func isReplaced(_ sprinter: Child) throws -> Bool {
        let begin = Wait.now()
        while Wait.now() < begin + 120_000 {
            if try isLocked(for: 1500) {
                stopsInTransaction += 1
                sprinter.signal(SIGCONT)
                return false
            }
            if let (pid, _) = try session.arena.decider(), pid != sprinter.pid {
                longestWait = max(longestWait, Int(Wait.now() - begin))
                return true
            }
            try session.pass(milliseconds: 20)
        }
        throw Violation("a decider that was stopped past its lease was not replaced within 120 s")
    }

    /// Lets the replaced decider run while its successor and all others stand still.
    private mutating func runAlone(_ sprinter: Child) throws {
        try session.requesters.settle()
        let others = session.crew.workers.filter { $0 !== sprinter }
        for worker in others { worker.signal(SIGSTOP) }
        stops += others.count
        defer { for worker in others { worker.signal(SIGCONT) } }
        guard try !isLocked(for: 300) else {
            stopsInTransaction += 1
            return
        }
        let before = try session.dump().count
        try askSome()
        try session.requesters.settle()
        sprinter.signal(SIGCONT)
        try session.pass(milliseconds: 1500)
        let events = try session.dump()
        for (last, event) in zip(events, events.dropFirst()).dropFirst(before - 1)
        where LoggedEvent.decisions.contains(event.type) {
            // Whoever finds the newest segment sealed begins the next, with a checkpoint.
            if event.type == "Checkpoint", last.type == "SegmentSealed" { continue }
            throw Violation("event \(event.position): \(event.type) by a decider of an old epoch")
        }
        aloneChecks += 1
    }
}
