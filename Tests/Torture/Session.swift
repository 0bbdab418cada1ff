import Foundation
import Glibc

/// One phase's log, workers and requesters, and the way to its end.
struct Session {
    let arena: Arena
    var crew: Crew
    var requesters: Requesters
    /// Idle until told to begin.
    var archivist: Archivist
    var chance: Chance
    private(set) var kills: [String: Int] = [:]
    private(set) var captures = CaptureCheck.Found()

    init(arena: Arena, workers: Int, chance: Chance) {
        self.arena = arena
        crew = Crew(arena: arena, size: workers)
        requesters = Requesters(arena: arena)
        archivist = Archivist(arena: arena)
        self.chance = chance
    }

    /// Lets real time pass while ends are seen, answers heard and the doomed killed.
    mutating func pass(milliseconds: Int) throws {
        let end = Wait.now() + Int64(milliseconds)
        repeat {
            if Wait.wasInterrupted.load(ordering: .relaxed) { throw Wait.Interruption() }
            try crew.look()
            try requesters.look()
            try archivist.look()
            Wait.pause(milliseconds: 1)
        } while Wait.now() < end
    }

    /// The worker that decides now, if it is one of ours.
    func decider() throws -> (worker: Child, epoch: Int)? {
        guard let (pid, epoch) = try arena.decider(),
            let worker = crew.workers.first(where: { $0.pid == pid })
        else { return nil }
        return (worker, epoch)
    }

    mutating func kill(_ worker: Child, as kind: String) throws {
        if try crew.kill(worker) { kills[kind, default: 0] += 1 }
    }

    mutating func killAll(as kind: String) throws {
        // All get the signal before the first is waited for.
        let workers = crew.workers
        for worker in workers { worker.signal(SIGKILL) }
        for worker in workers { try kill(worker, as: kind) }
    }

    var killCount: Int { kills.values.reduce(0, +) + requesters.kills + archivist.kills }

    /// All events of the log; what is archived is brought back for it.
    mutating func dump() throws -> [LoggedEvent] {
        try archivist.restoreAll()
        let dump = try arena.run(["log", "dump"])
        defer { dump.forget() }
        return try LoggedEvent.all(in: dump.output)
    }

    /// Lets everything come to its end, and checks the whole log.
    mutating func finish() throws -> Checker.Findings {
        try requesters.settle()
        // Whether an archived request is the same as another nobody can tell.
        try archivist.restoreAll()
        try requesters.askAgain(&chance)
        try requesters.settle()
        try crew.dismiss()
        try arena.run(["worker", "--once"], seconds: 300).forget()
        let events = try dump()
        let findings = try Checker.check(events, requesters.ledger)
        let verify = try arena.run(["log", "verify"])
        defer { verify.forget() }
        let expected = "ok: \(findings.events) events, \(findings.traces) traces\n"
        captures = try CaptureCheck.check(arena, archived: findings.captures)
        guard verify.output == expected else {
            throw Violation("log verify says \(verify.output), and the dump holds \(expected)")
        }
        return findings
    }
}
