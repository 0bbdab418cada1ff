import Foundation

/// Other programs at the same file: they hold write transactions, try to change the past, and
/// read for long. Some of them are killed in the middle, too.
struct ForeignPhase {
    var session: Session
    let plan: Plan
    private let torture: String
    private var foreigners: [Child] = []
    private var walBytesMax = 0
    private var kills = 0
    private var answers: [Foreigner.Word: Int] = [:]

    init(_ arena: Arena, _ plan: Plan, torture: String) {
        self.plan = plan
        self.torture = torture
        session = Session(arena: arena, workers: plan.workers, chance: plan.chance(for: 4))
    }

    mutating func run() throws -> Report {
        try session.requesters.ask(2, &session.chance)
        try session.requesters.settle()
        let wanted = plan.kills
        let share = max(1, plan.traces / 20)
        while answers[.refused, default: 0] < wanted || session.requesters.askedCount < share {
            try session.crew.fill(&session.chance)
            try invite()
            if session.requesters.askedCount < share {
                try session.requesters.ask(session.chance.number(1...5), &session.chance)
            }
            if session.chance.happens(30) {
                try session.requesters.change(doomed: false, &session.chance)
            }
            try session.pass(milliseconds: session.chance.number(50...400))
            if session.chance.happens(10), let one = session.chance.pick(foreigners) {
                if try one.kill() { kills += 1 }
            }
            try listen()
            plan.progress(answers[.refused, default: 0], of: wanted, "foreign statements")
        }
        try leave()
        var report = Report(try session.finish(), session)
        report.kills["foreign program"] = kills
        report.refused = answers[.refused, default: 0]
        report.lines = [
            "\(answers[.held, default: 0]) foreign write transactions and"
                + " \(answers[.looked, default: 0]) long reads; the WAL grew to"
                + " \(walBytesMax >> 10) KiB"
        ]
        return report
    }

    /// Two that write and two that read, as long as the phase goes on.
    private mutating func invite() throws {
        for kind in [Foreigner.Kind.writer, .reader] {
            while foreigners.filter({ $0.arguments.contains(kind.rawValue) }).count < 2 {
                let seed = String(session.chance.number(0...999_999))
                foreigners.append(
                    try session.arena.start(
                        ["foreigner", kind.rawValue, session.arena.log, "--seed", seed],
                        program: torture))
            }
        }
    }

    /// Counts what those that have ended had to say.
    private mutating func listen() throws {
        let ended = foreigners.filter { $0.poll() != nil }
        foreigners.removeAll { foreigner in ended.contains { $0 === foreigner } }
        for foreigner in ended {
            let end = foreigner.end
            guard end == .exited(0) || foreigner.isDoomed else { throw Arena.wrong(foreigner) }
            for line in foreigner.lines {
                guard let word = Foreigner.Word(rawValue: String(line)) else {
                    throw Violation("not refused from another program: \(line)")
                }
                answers[word, default: 0] += 1
            }
            foreigner.forget()
            session.arena.release(foreigner)
        }
        for file in try FileManager.default.contentsOfDirectory(atPath: session.arena.log)
        where file.hasSuffix("-wal") {
            let path = session.arena.log + "/" + file
            let size = try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int
            walBytesMax = max(walBytesMax, size ?? 0)
        }
    }

    private mutating func leave() throws {
        try Wait.until("foreign programs end", seconds: 120) {
            foreigners.allSatisfy { $0.poll() != nil }
        }
        try listen()
    }
}
