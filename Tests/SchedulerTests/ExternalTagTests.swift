import Scheduler
import Testing
import Traceflow

@Suite("Where somebody else allots tags")
struct ExternalTagTests {
    private func scenario(timeout: Int = 20) -> Scenario {
        var scenario = Scenario()
        scenario.state.evolve(TagProfile.external(reserve: 4, foreign: 0))
        scenario.given(1, request(timeout: timeout))
        scenario.decide()
        return scenario
    }

    @Test("a trace that nobody begins is over after five minutes and its timeout")
    func neverBegun() {
        var scenario = scenario()
        #expect(scenario.decide(at: Scenario.at(320)).isEmpty)
        #expect(scenario.decide(at: Scenario.at(321)).count == 1)
    }

    @Test("the deadline counts from when the data plane began it")
    func begun() {
        var scenario = scenario()
        scenario.given(1, .begun(attempt: 1, at: Scenario.at(100)), at: 101)
        #expect(scenario.trace(1)?.startedAt == Scenario.at(100))
        #expect(scenario.state.nextMoment == Scenario.at(120).advanced(byMicroseconds: 1))
        #expect(scenario.decide(at: Scenario.at(120)).isEmpty)
        #expect(scenario.decide(at: Scenario.at(121)).count == 1)
    }

    @Test("to be told twice, later, or of another attempt changes nothing")
    func again() {
        var scenario = scenario()
        scenario.given(1, .begun(attempt: 2, at: Scenario.at(1)), at: 3)
        scenario.given(1, .begun(attempt: 1, at: Scenario.at(10)), at: 11)
        scenario.given(1, .begun(attempt: 1, at: Scenario.at(50)), at: 51)
        #expect(scenario.state.allocation(of: TraceID(1))?.deadline == Scenario.at(30))
        #expect(scenario.state.invariantFaults().isEmpty)
    }

    @Test("what the data plane itself says is the reason as it stands")
    func refused() {
        var scenario = scenario()
        let report = ReportID(attempt: 1, node: "", sequence: 1)
        scenario.given(1, .nodeFailed(report, error: "denied the request"), at: 1)
        scenario.decide(at: Scenario.at(1))
        #expect(scenario.trace(1)?.reason == "denied the request")
    }
}
