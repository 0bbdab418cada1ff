/// `kill -9` at random moments of workers, requesters and archivists, while traces are asked for and
/// driven and segments are compressed and brought back.
struct KillPhase {
    var session: Session
    let plan: Plan
    private var birthKills = 0

    init(_ arena: Arena, _ plan: Plan) {
        self.plan = plan
        session = Session(arena: arena, workers: plan.workers, chance: plan.chance(for: 1))
        session.crew.changesTags = true
        session.requesters.retriesMax = 1
        session.requesters.runsPercent = 10
    }

    mutating func run() throws -> Report {
        for number in 0...plan.kills / 50 { try killAtBirth(number) }
        var strikes = 0
        while session.killCount < plan.kills || session.requesters.standingCount < plan.traces {
            try session.crew.fill(&session.chance)
            try ask()
            if session.chance.happens(50) {
                let doomed = session.chance.happens(50)
                try session.archivist.begin(doomed: doomed, &session.chance)
            }
            try session.pass(milliseconds: session.chance.milliseconds(upTo: 1000))
            strikes += 1
            try strike(atAll: strikes.isMultiple(of: 20))
            // A calm lets work come forward, and shows that it does.
            if strikes.isMultiple(of: 25) { try calm(isLong: strikes.isMultiple(of: 100)) }
            plan.progress(session.killCount, of: plan.kills, "kills")
        }
        let findings = try session.finish()
        var report = Report(findings, session)
        report.kills["requester"] = session.requesters.kills
        report.kills["maker of a log"] = birthKills
        report.kills["archivist"] = session.archivist.kills
        report.lines = [
            "\(session.archivist.archivedCount) segments archived,"
                + " \(session.archivist.restoredCount) restored"
        ]
        return report
    }

    /// A log whose maker was killed is made by whoever comes next.
    private mutating func killAtBirth(_ number: Int) throws {
        let arena = try Arena(
            folder: session.arena.folder + "/birth\(number)", tracectl: session.arena.tracectl)
        var parents = Requesters(arena: arena)
        try parents.ask(1, doomed: true, &session.chance)
        if session.chance.happens(50) { try parents.ask(1, doomed: true, &session.chance) }
        try parents.settle()
        birthKills += parents.kills
        try parents.ask(1, &session.chance)
        try parents.settle()
        try arena.run(["worker", "--once"]).forget()
        let dump = try arena.run(["log", "dump"]).output
        _ = try Checker.check(try LoggedEvent.all(in: dump), parents.ledger)
        try arena.run(["log", "verify"]).forget()
    }

    /// Keeps requests in step with kills, so that neither comes to an end long before the other.
    private mutating func ask() throws {
        let due = min(plan.traces, plan.traces * (session.killCount + 1) / max(1, plan.kills))
        while session.requesters.standingCount < due {
            let count = session.chance.number(1...max(2, 2 * plan.traces / max(1, plan.kills)))
            let left = plan.traces - session.requesters.standingCount
            let doomed = session.chance.happens(25)
            try session.requesters.ask(min(count, left), doomed: doomed, &session.chance)
            if session.chance.happens(40) {
                let doomed = session.chance.happens(40)
                try session.requesters.change(doomed: doomed, &session.chance)
            }
        }
    }

    private mutating func strike(atAll: Bool) throws {
        guard session.killCount < plan.kills else { return }
        if atAll {
            try session.killAll(as: "all workers at once")
        } else if session.chance.happens(15), let (decider, _) = try session.decider() {
            try session.kill(decider, as: "decider")
        } else if let worker = session.chance.pick(session.crew.workers) {
            try session.kill(worker, as: "worker")
        }
    }

    private mutating func calm(isLong: Bool) throws {
        try session.crew.fill(&session.chance)
        try session.pass(milliseconds: 2000)
        try session.arena.run(["log", "verify"]).forget()
        guard isLong else { return }
        try session.requesters.settle()
        _ = try Checker.check(try session.dump(), session.requesters.ledger, isOver: false)
    }
}
