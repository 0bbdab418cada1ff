import Scheduler
import Testing
import Traceflow

/// Antrea's success rule, row by row (controller.go: checkTraceflowStatus).
struct CompletionTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var id: String
        var live = false
        var droppedOnly = false
        var hasSource = true
        var results: [[String]]
        var phase: Phase
        var testDescription: String { id }
    }

    static let rows: [Row] = [
        Row(
            id: "sender only", results: [["SpoofGuard/Forwarded", "Forwarding/Forwarded"]],
            phase: .running),
        Row(
            id: "sender and delivered",
            results: [
                ["SpoofGuard/Forwarded", "Forwarding/Forwarded"],
                ["Forwarding/Received", "Forwarding/Delivered"],
            ], phase: .succeeded),
        Row(
            id: "one node may provide both",
            results: [["SpoofGuard/Forwarded", "Forwarding/Delivered"]], phase: .succeeded),
        Row(
            id: "dropped is terminal",
            results: [["SpoofGuard/Forwarded", "NetworkPolicy/Dropped"]], phase: .succeeded),
        Row(
            id: "rejected is terminal",
            results: [["SpoofGuard/Forwarded", "NetworkPolicy/Rejected"]], phase: .succeeded),
        Row(
            id: "out of the network is terminal",
            results: [["SpoofGuard/Forwarded", "Forwarding/ForwardedOutOfNetwork"]],
            phase: .succeeded),
        Row(
            id: "out of the overlay is terminal",
            results: [["SpoofGuard/Forwarded", "Forwarding/ForwardedOutOfOverlay"]],
            phase: .succeeded),
        Row(
            id: "a named source Pod must report",
            results: [["Forwarding/Received", "Forwarding/Delivered"]], phase: .running),
        Row(
            id: "receiver-only live", live: true, hasSource: false,
            results: [["Forwarding/Received", "Forwarding/Delivered"]], phase: .succeeded),
        Row(
            id: "forwarded to the egress node is not terminal",
            results: [
                ["SpoofGuard/Forwarded", "Egress/ForwardedToEgressNode", "Forwarding/Forwarded"]
            ], phase: .running),
        Row(
            id: "marked for SNAT, then out",
            results: [
                ["SpoofGuard/Forwarded", "Egress/ForwardedToEgressNode", "Forwarding/Forwarded"],
                [
                    "Forwarding/Received", "Egress/MarkedForSNAT",
                    "Forwarding/ForwardedOutOfNetwork",
                ],
            ], phase: .succeeded),
        Row(
            id: "dropped-only: any result", live: true, droppedOnly: true,
            results: [["Forwarding/Received", "NetworkPolicy/Dropped"]], phase: .succeeded),
        Row(id: "dropped-only: none", live: true, droppedOnly: true, results: [], phase: .running),
        Row(
            id: "dropped-only without live is ignored", droppedOnly: true,
            results: [["Forwarding/Received", "NetworkPolicy/Dropped"]], phase: .running),
    ]

    @Test(arguments: rows)
    func resultsFinishATraceAsAntreasControllerSays(_ row: Row) {
        var scenario = Scenario()
        scenario.given(
            1, request(live: row.live, droppedOnly: row.droppedOnly, hasSource: row.hasSource))
        scenario.decide()
        for (index, steps) in row.results.enumerated() {
            let observations = steps.compactMap { step -> Observation? in
                let parts = step.split(separator: "/").map(String.init)
                return Component(rawValue: parts[0]).flatMap { component in
                    Action(rawValue: parts[1]).map { Observation(component, $0) }
                }
            }
            #expect(observations.count == steps.count)
            scenario.given(
                1,
                .nodeReported(
                    ReportID(attempt: 1, node: "node-\(index)", sequence: 1),
                    NodeResult(node: "node-\(index)", timestamp: 0, observations: observations)))
        }
        scenario.decide(at: Scenario.at(1))
        #expect(scenario.trace(1)?.phase == row.phase)
        #expect((scenario.state.tags.heldCount == 0) == row.phase.isTerminal)
    }

    @Test func completeReportsWinOverADeadlineThatHasPassed() {
        var scenario = Scenario()
        scenario.given(1, request(timeout: 2))
        scenario.decide()
        scenario.given(1, report("SpoofGuard/Forwarded", "Forwarding/Delivered"), at: 3)
        scenario.decide(at: Scenario.at(60))
        #expect(scenario.trace(1)?.phase == .succeeded)
        #expect(scenario.trace(1)?.verdict == .delivered)
    }

    struct VerdictRow: Sendable {
        var steps: [[String]]
        var verdict: Verdict
    }

    @Test(arguments: [
        VerdictRow(steps: [["SpoofGuard/Forwarded", "Forwarding/Delivered"]], verdict: .delivered),
        VerdictRow(steps: [["SpoofGuard/Forwarded", "NetworkPolicy/Dropped"]], verdict: .dropped),
        VerdictRow(
            steps: [["SpoofGuard/Forwarded", "NetworkPolicy/Rejected"]], verdict: .rejected),
        VerdictRow(steps: [["SpoofGuard/Forwarded", "Forwarding/Forwarded"]], verdict: .lost),
        VerdictRow(steps: [["Forwarding/Received"]], verdict: .unknown),
        VerdictRow(steps: [], verdict: .unknown),
    ])
    func theVerdictIsTheLastTerminalActionOrWhatItsAbsenceMeans(_ row: VerdictRow) {
        let results = row.steps.map { steps in
            NodeResult(
                node: "n", timestamp: 0,
                observations: steps.compactMap { step in
                    let parts = step.split(separator: "/").map(String.init)
                    guard let component = Component(rawValue: parts[0]),
                        let action = Action(rawValue: parts[1])
                    else { return nil }
                    return Observation(component, action)
                })
        }
        #expect(Completion.verdictAtDeadline(of: results) == row.verdict)
    }
}
