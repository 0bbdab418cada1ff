/// What a phase did and found.
struct Report {
    var findings: Checker.Findings
    var kills: [String: Int]
    var stops = 0
    var refused = 0
    var acknowledged: Int
    var captures: CaptureCheck.Found
    /// What is to be said of this phase alone.
    var lines: [String] = []

    init(_ findings: Checker.Findings, _ session: Session) {
        self.findings = findings
        kills = session.kills
        acknowledged = session.requesters.ledger.acknowledgedCount
        captures = session.captures
    }

    /// The sums of all phases.
    static func summary(_ reports: [Report]) -> String {
        var kills: [String: Int] = [:]
        for (kind, count) in reports.flatMap(\.kills) where count > 0 {
            kills[kind, default: 0] += count
        }
        func sum(_ value: (Report) -> Int) -> Int { reports.reduce(0) { $0 + value($1) } }
        let kinds = kills.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
            .map { "\($0.value) \($0.key)" }.joined(separator: ", ")
        return """
            kills      \(kills.values.reduce(0, +)) (\(kinds))
            stops      \(sum(\.stops))
            traces     \(sum(\.findings.traces)) (\(sum(\.findings.succeeded)) attempts succeeded,\
             \(sum(\.findings.failed)) failed)
            attempts   \(sum(\.findings.attempts)), takeovers \(sum(\.findings.takeovers)), late\
             reports \(sum(\.findings.lateReports)), deciders \(sum(\.findings.deciders))
            events     \(sum(\.findings.events)) in \(sum(\.findings.segments)) segments, promises held \(sum(\.acknowledged))
            captures   \(sum(\.captures.captures)) with \(sum(\.captures.packets)) packets in\
             \(sum(\.captures.files)) files
            refused    \(sum(\.refused)) foreign statements
            0 lost, 0 doubled, 0 tags held twice
            """
    }
}
