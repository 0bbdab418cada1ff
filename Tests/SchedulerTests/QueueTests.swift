import Scheduler
import Testing
import Traceflow

struct QueueTests {
    private func started(_ decisions: [Decision]) -> [Int64] {
        decisions.compactMap {
            if case .tagAllocated = $0.event { $0.trace.rawValue } else { nil }
        }
    }

    @Test func withFourteenTagsAThousandTracesStartInTheOrderTheyCame() {
        var scenario = Scenario()
        scenario.state.evolve(TagProfile.antrea)
        for id in 1...1000 { scenario.given(Int64(id), request(scope: .nodes(["n\(id % 7)"]))) }
        var order = started(scenario.decide())
        #expect(order.count == TagPool.tags.count)
        var next = 0
        while next < order.count {
            scenario.given(order[next], report("SpoofGuard/Forwarded", "Forwarding/Delivered"))
            order += started(scenario.decide(at: Scenario.at(1)))
            #expect(scenario.state.tags.heldCount <= TagPool.tags.count)
            next += 1
        }
        #expect(order == Array(1...1000))
    }

    @Test func urgentTracesGoFirstAndEqualsKeepTheirOrder() {
        var scenario = Scenario()
        scenario.executors = [Executor(id: "w", inFlightMax: 1)]
        scenario.given(1, request(priority: 0))
        scenario.given(2, request(priority: 5))
        scenario.given(3, request(priority: 9))
        scenario.given(4, request(priority: 9))
        var order: [Int64] = []
        for _ in 1...4 {
            let ids = started(scenario.decide(at: Scenario.at(1)))
            order += ids
            for id in ids {
                scenario.given(id, report("SpoofGuard/Forwarded", "Forwarding/Delivered"))
            }
        }
        #expect(order == [3, 4, 2, 1])
    }

    @Test func theSameTagRunsOnDisjointNodes() {
        var scenario = Scenario()
        scenario.given(1, request(scope: .nodes(["a", "b"])))
        scenario.given(2, request(scope: .nodes(["c"])))
        scenario.given(3, request(scope: .nodes(["b", "c"])))
        scenario.given(4, request(scope: .allNodes))
        scenario.decide()
        let tags = [1, 2, 3, 4].map { scenario.state.allocation(of: TraceID($0))?.tag }
        #expect(tags == [7, 7, 11, 15])
    }

    @Test func aTraceThatNeedsAllNodesIsNotOvertakenByLaterOnesThatNeedOne() {
        var scenario = Scenario()
        for id in 1...14 { scenario.given(Int64(id), request(scope: .nodes(["a"]))) }
        scenario.decide()
        scenario.given(20, request(scope: .allNodes))
        scenario.given(21, request(scope: .nodes(["b"])))
        #expect(started(scenario.decide(at: Scenario.at(1))).isEmpty)
        scenario.given(3, report("SpoofGuard/Forwarded", "Forwarding/Delivered"))
        #expect(started(scenario.decide(at: Scenario.at(2))) == [20, 21])
    }

    @Test func aLaterTraceOnOtherNodesNeedNotWait() {
        var scenario = Scenario()
        for id in 1...15 { scenario.given(Int64(id), request(scope: .nodes(["a"]))) }
        scenario.given(16, request(scope: .nodes(["b"])))
        #expect(started(scenario.decide()) == Array(1...14) + [16])
    }

    @Test func creditsAreFourteenLessReserveLessForeign() {
        var scenario = Scenario()
        scenario.state.evolve(TagProfile.external(reserve: 4, foreign: 3))
        for id in 1...20 { scenario.given(Int64(id), request()) }
        #expect(started(scenario.decide()).count == 7)
        #expect(scenario.state.allocation(of: TraceID(1))?.tag == 0)
    }

    @Test func workIsSpreadOverExecutorsAndNeverBeyondTheirRoom() {
        var scenario = Scenario()
        scenario.executors = [
            Executor(id: "a", inFlightMax: 2), Executor(id: "b", inFlightMax: 2),
        ]
        for id in 1...9 { scenario.given(Int64(id), request(scope: .nodes(["n\(id)"]))) }
        let executors = scenario.decide().compactMap { decision -> String? in
            if case .tagAllocated(let allocation) = decision.event {
                allocation.executor
            } else {
                nil
            }
        }
        #expect(executors == ["a", "b", "a", "b"])
    }

    @Test func tagsAreAntreasFourteen() {
        #expect(TagPool.tags == [7, 11, 15, 19, 23, 27, 31, 35, 39, 43, 47, 51, 55, 59])
    }

    /// A random walk over requests, reports, deletions and time, from fixed seeds.
    @Test(arguments: 1...20)
    func noTwoRunningTracesShareATagOnANode(seed: Int) {
        var random = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15
        func next(_ bound: Int) -> Int {
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(random >> 33) % bound
        }
        var scenario = Scenario()
        for step in 1...400 {
            switch next(4) {
            case 0, 1:
                let scope: TagScope =
                    next(5) == 0 ? .allNodes : .of(["n\(next(4))", "n\(next(4))"])
                scenario.given(Int64(step), request(priority: next(10), timeout: 30, scope: scope))
            case 2:
                if let id = scenario.open.dropFirst(next(5)).first {
                    let attempt = scenario.state.life(of: id)?.attempt ?? 1
                    scenario.given(
                        id.rawValue,
                        report(attempt: attempt, "SpoofGuard/Forwarded", "Forwarding/Delivered"))
                }
            default:
                if let id = scenario.open.first {
                    scenario.given(id.rawValue, .deleted)
                }
            }
            scenario.decide(at: Scenario.at(step))
            var used: Set<String> = []
            for id in scenario.open {
                guard let held = scenario.state.allocation(of: id) else { continue }
                let nodes: [String] =
                    switch held.scope {
                    case .allNodes: ["n0", "n1", "n2", "n3"]
                    case .nodes(let nodes): nodes
                    }
                for node in nodes { #expect(used.insert("\(held.tag)@\(node)").inserted) }
            }
        }
    }
}
