import Scheduler

extension Simulation.Outcome: CustomStringConvertible {
    public var description: String {
        let digest = String(digest, radix: 16)
        let padded = String(repeating: "0", count: 16 - digest.count) + digest
        var line =
            "seed \(seed): digest \(padded), \(tally.traces) traces, \(tally.attempts) attempts"
        line += ", \(tally.takeovers) takeovers, \(tally.events) events, \(tally.steps) steps"
        if let violation {
            line += "\n" + Simulation.report(violation, seed: seed, step: tally.steps)
        }
        return line
    }
}

extension Simulation {
    /// The line that names a run which went wrong, and where.
    public static func report(_ violation: Violation, seed: UInt64, step: Int) -> String {
        "seed \(seed) FAILED in step \(step): \(violation)"
    }
}

extension Tally {
    /// What really happened, in lines.
    public var summary: String {
        counts.map { "  \($0.what): \($0.count)" }.joined(separator: "\n")
    }

    /// What has to happen in many runs and never did.
    public var missing: [String] { counts.filter { $0.count == 0 }.map(\.what) }

    private var counts: [(what: String, count: Int)] {
        let work = [
            ("traces", traces), ("sweeps", sweeps), ("members", members), ("slots", slots),
            ("missedSlots", missedSlots), ("probesBroken", findings[.broken] ?? 0),
            ("probesHealed", findings[.healthy] ?? 0),
            ("pathsChanged", findings[.pathChanged] ?? 0), ("resultsHeld", resultsHeld),
            ("resultsExcused", resultsExcused), ("attempts", attempts),
            ("takeovers", takeovers),
            ("retries", retries), ("events", events), ("acknowledged", acknowledged),
            ("deciders", deciders), ("checkpoints", checkpoints), ("segmentsSealed", segments),
            ("steps", steps), ("diskOperations", operations),
        ]
        return work + Fault.allCases.map { ($0.rawValue, faults[$0] ?? 0) }
    }
}
