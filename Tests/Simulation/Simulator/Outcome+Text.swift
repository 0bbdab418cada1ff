extension Simulation.Outcome: CustomStringConvertible {
    public var description: String {
        let digest = String(digest, radix: 16)
        let padded = String(repeating: "0", count: 16 - digest.count) + digest
        var line =
            "seed \(seed): digest \(padded), \(tally.traces) traces, \(tally.attempts) attempts"
        line += ", \(tally.takeovers) takeovers, \(tally.events) events, \(tally.steps) steps"
        if let violation {
            line += "\nseed \(seed) FAILED in step \(tally.steps): \(violation)"
        }
        return line
    }
}

extension Tally {
    /// What really happened, in lines.
    public var summary: String {
        var lines = [
            "\(traces) traces, \(attempts) attempts, \(takeovers) takeovers, \(retries) retries,"
                + " \(events) events, \(acknowledged) acknowledged, \(deciders) deciders,"
                + " \(checkpoints) checkpoints, \(segments) sealed segments, \(steps) steps, \(operations) disk operations"
        ]
        for fault in Fault.allCases { lines.append("  \(fault): \(faults[fault] ?? 0)") }
        return lines.joined(separator: "\n")
    }
}
