import Scheduler
import Testing
import Traceflow

/// PacketCaptures need no tags; sixteen run on a node at once.
struct CaptureSlotTests {
    private func capture(on node: String?) -> TraceEvent {
        let spec = PacketCaptureSpec(source: .init(pod: .init(name: "a")), firstN: 1)
        return .requested(
            TraceRequest(
                name: "packetcapture/c", apiVersion: .v1alpha1, spec: spec.traceflow,
                scope: .of([node].compactMap { $0 }), packetCapture: spec))
    }

    private func started(_ decisions: [Decision]) -> [Int64] {
        decisions.compactMap {
            if case .tagAllocated = $0.event { $0.trace.rawValue } else { nil }
        }
    }

    @Test(arguments: [TagProfile.antrea, .perNode, .external(reserve: 4, foreign: 10)])
    func sixteenRunOnEachNodeAndTheNextWhenOneIsDone(profile: TagProfile) {
        var scenario = Scenario()
        scenario.state.evolve(profile)
        for id in 1...20 { scenario.given(Int64(id), capture(on: "a")) }
        for id in 21...40 { scenario.given(Int64(id), capture(on: "b")) }
        var order = started(scenario.decide())
        #expect(Set(order) == Set(1...16).union(21...36))
        #expect(scenario.state.tags.heldCount == 0)
        // A node's report without any observation is its end.
        for id in [Int64(1), 2, 21] { scenario.given(id, report(node: "a")) }
        let decisions = scenario.decide(at: Scenario.at(1))
        order += started(decisions)
        #expect(Set(started(decisions)) == [17, 18, 37])
        #expect(scenario.trace(1)?.phase == .succeeded)
        #expect(scenario.trace(20)?.phase == .pending)
    }

    @Test func tracesThatHoldAllTagsDoNotHoldUpACapture() {
        var scenario = Scenario()
        scenario.state.evolve(TagProfile.antrea)
        for id in 1...15 { scenario.given(Int64(id), request()) }
        scenario.given(16, capture(on: "a"))
        #expect(started(scenario.decide()).contains(16))
        #expect(scenario.state.allocation(of: TraceID(16))?.tag == TagAllocation.noTag)
        #expect(scenario.state.tags.heldCount == 14)
    }

    @Test func capturesDoNotHoldUpTraces() {
        var scenario = Scenario()
        for id in 1...16 { scenario.given(Int64(id), capture(on: "a")) }
        scenario.given(17, capture(on: "a"))
        scenario.given(18, request(scope: .nodes(["a"])))
        scenario.given(19, request())
        #expect(Set(started(scenario.decide())) == Set(1...16).union([18, 19]))
    }

    @Test func aCaptureOfAPodThatIsNowhereRunsAndTimesOut() {
        var scenario = Scenario()
        scenario.given(1, capture(on: nil))
        #expect(started(scenario.decide()) == [1])
        scenario.decide(at: Scenario.at(61))
        #expect(scenario.trace(1)?.phase == .failed)
        #expect(scenario.trace(1)?.reason == Trace.timeoutReason)
    }

    /// A checkpoint in the middle: whoever goes on counts what runs.
    @Test func placesAreCountedAgainFromASnapshot() {
        var scenario = Scenario()
        for id in 1...20 { scenario.given(Int64(id), capture(on: "a")) }
        scenario.decide()
        scenario.state = SchedulerState(snapshot: scenario.state.snapshot)
        #expect(started(scenario.decide(at: Scenario.at(1))).isEmpty)
        scenario.given(3, report(node: "a"))
        #expect(started(scenario.decide(at: Scenario.at(1))) == [17])
    }
}
