import Glibc

/// The log's disk fills up while workers run and traces are asked for, and is freed again.
struct FullDiskPhase {
    var session: Session
    let plan: Plan
    private let disk: SmallDisk
    private var fillings = 0

    init(_ arena: Arena, _ plan: Plan, disk: SmallDisk) {
        self.plan = plan
        self.disk = disk
        session = Session(arena: arena, workers: plan.workers, chance: plan.chance(for: 3))
    }

    mutating func run() throws -> Report {
        try beBorn()
        let rounds = max(2, plan.kills / 50)
        for round in 1...rounds {
            try playRound()
            plan.progress(round, of: rounds, "full disks")
        }
        var report = Report(try session.finish(), session)
        report.kills["requester"] = session.requesters.kills
        report.lines = [
            "the disk was filled \(fillings) times; \(session.crew.starvedCount) workers and"
                + " \(session.requesters.starvedCount) requests said so and ended"
        ]
        return report
    }

    /// A log that the disk had no room for is made once there is some.
    private mutating func beBorn() throws {
        allowStarving(true)
        for pages in [0, 1, 5, 12, 25, 40] {
            try disk.fill(leaving: pages * 4096)
            try ask()
            try session.requesters.settle()
        }
        disk.free()
        allowStarving(false)
        try session.requesters.ask(1, &session.chance)
        try session.requesters.settle()
    }

    private mutating func ask() throws {
        let share = max(4, plan.traces / max(2, plan.kills / 50) / 20)
        let doomed = session.chance.happens(20)
        try session.requesters.ask(
            session.chance.number(1...share), doomed: doomed, &session.chance)
    }

    private mutating func playRound() throws {
        try session.crew.fill(&session.chance)
        for _ in 0..<3 { try ask() }
        try session.pass(milliseconds: session.chance.milliseconds(upTo: 500))
        allowStarving(true)
        try disk.fill(leaving: session.chance.number(0...16) * 4096)
        fillings += 1
        for _ in 0..<session.chance.number(3...8) {
            try ask()
            try session.pass(milliseconds: session.chance.milliseconds(upTo: 500))
            // Recovery must do with what space there is, or say that it cannot.
            if session.chance.happens(15) {
                try session.killAll(as: "all workers on a full disk")
            } else if session.chance.happens(50),
                let worker = session.chance.pick(session.crew.workers)
            {
                try session.kill(worker, as: "worker on a full disk")
            }
            try session.crew.fill(&session.chance)
        }
        disk.free()
        // What was refused just now may still be on its way out.
        try session.requesters.settle()
        try session.pass(milliseconds: 500)
        allowStarving(false)
        try session.crew.fill(&session.chance)
        try session.requesters.ask(1, &session.chance)
        try session.requesters.settle()
        try session.arena.run(["log", "verify"]).forget()
    }

    private mutating func allowStarving(_ may: Bool) {
        session.crew.mayStarve = may
        session.requesters.mayStarve = may
    }
}
