import Scheduler
import Testing
import Traceflow

struct WaitingTests {
    private let kinds = (0..<7).map { kind in
        SchedulingFacts(
            priority: 5, retries: 0, scope: .of(["n\(kind)", "n\(kind + 1)"]), timeoutSeconds: 20,
            droppedOnly: false, needsSender: true)
    }

    private func waiting(_ count: Int, kind: (Int) -> Int) -> SchedulerState {
        var state = SchedulerState()
        for index in 1...count {
            state.evolve(
                requested: TraceID(Int64(index)), kinds[kind(index)], position: Int64(index + 100))
        }
        return state
    }

    private func started(
        _ state: inout SchedulerState, position: Int64, max: Int = 10_000
    ) -> [Int64] {
        let context = DecisionContext(
            now: Scenario.at(1), executors: [Executor(id: "w", inFlightMax: 1_000_000)],
            decisionsMax: max)
        return state.decide(context, position: position).map(\.trace.rawValue)
    }

    @Test func requestsThatComeInRunsAreOneRange() {
        let state = waiting(100_000) { _ in 0 }
        #expect(
            state.snapshot.lanes.map(\.ranges) == [
                [WaitingRange(position: 101, stream: 1, stride: 1, count: 100_000)]
            ])
        #expect(state.pendingCount == 100_000)
    }

    @Test func requestsOfSeveralKindsInTurnAreOneRangeAKind() {
        let ranges = waiting(70_000) { $0 % 7 }.snapshot.lanes.map(\.ranges)
        #expect(ranges.count == 7)
        #expect(
            ranges.first == [WaitingRange(position: 101, stream: 1, stride: 7, count: 10_000)])
    }

    /// From a seed: kinds come at random, a third is cancelled, the others start in order.
    @Test(arguments: 1...4)
    func whoIsCancelledLeavesTheOthersInOrder(seed: Int) {
        var random = SplitMix(seed: UInt64(seed))
        let count = 6000
        var state = SchedulerState()
        state.evolve(TagProfile.external(reserve: -1_000_000, foreign: 0))
        for index in 1...count {
            state.evolve(
                requested: TraceID(Int64(index)), kinds[random.next(7)], position: Int64(index))
        }
        var left = Set((1...count).map(Int64.init))
        for _ in 0..<count / 3 {
            let id = Int64(1 + random.next(count))
            state.evolve(
                TraceID(id), .cancelRequested, position: Int64(count) + id, at: Scenario.at(0))
            left.remove(id)
        }
        #expect(state.invariantFaults() == [])
        let ended = started(&state, position: 20_000, max: count - left.count)
        #expect(ended == (1...count).map(Int64.init).filter { !left.contains($0) })
        #expect(SchedulerState(snapshot: state.snapshot) == state)
        #expect(started(&state, position: 30_000) == left.sorted())
        #expect(state.invariantFaults() == [])
    }

    @Test func aWaitingTraceIsKnownByItsFactsAlone() {
        let state = waiting(3) { $0 }
        #expect(state.waitingFacts(of: TraceID(2)) == kinds[2])
        #expect(state.life(of: TraceID(2))?.phase == .pending)
        #expect(state.waitingFacts(of: TraceID(4)) == nil)
        #expect(state.allocation(of: TraceID(2)) == nil)
        #expect(!state.isIdle)
    }

    @Test func requestsOutOfTheOrderOfTheirNumbersStartInTheOrderTheyCame() {
        var state = SchedulerState()
        for (index, id) in [Int64(5), 9, 7, 8, 2].enumerated() {
            state.evolve(requested: TraceID(id), kinds[0], position: Int64(index + 1))
        }
        #expect(state.invariantFaults() == [])
        #expect(SchedulerState(snapshot: state.snapshot) == state)
        #expect(started(&state, position: 6) == [5, 9, 7, 8, 2])
    }

    /// More kinds than are kept at once; every hundredth trace is not of interest to anybody yet.
    @Test func kindsThatNobodyAsksForAnyMoreMakeRoomForOthers() {
        var state = SchedulerState()
        var kept: [Int64] = []
        for index in 1...5000 {
            let id = Int64(index)
            let facts = SchedulingFacts(
                priority: 5, retries: 0, scope: .of(["n\(index % 9)"]), timeoutSeconds: index,
                droppedOnly: false, needsSender: true)
            state.evolve(requested: TraceID(id), facts, position: id * 2)
            if index % 100 == 0 {
                kept.append(id)
            } else {
                state.evolve(
                    TraceID(id), .failed(attempt: 1, reason: "r"), position: id * 2 + 1,
                    at: Scenario.at(0))
            }
        }
        #expect(state.invariantFaults() == [])
        #expect(SchedulerState(snapshot: state.snapshot) == state)
        #expect(started(&state, position: 20_000) == kept)
        #expect(state.invariantFaults() == [])
    }

    @Test func aPassDecidesNoMoreThanItMay() {
        var scenario = Scenario()
        for id in 1...5 { scenario.given(Int64(id), request(retries: 1, timeout: 1)) }
        scenario.decide()
        for max in 2...5 {
            var state = scenario.state
            let context = DecisionContext(
                now: Scenario.at(9), executors: scenario.executors, decisionsMax: max)
            let decided = state.decide(context, position: scenario.position)
            #expect(decided.count == max / 2 * 2, "an end and its retry are not parted")
            #expect(state.invariantFaults() == [])
        }
    }

    @Test func aReportCanBeFoldedFromItsSummary() {
        var scenario = Scenario()
        scenario.given(1, request())
        scenario.decide()
        var other = scenario.state
        scenario.given(1, report("SpoofGuard/Forwarded", "Forwarding/Delivered"))
        other.evolve(
            TraceID(1), report: ReportID(attempt: 1, node: "node-1", sequence: 1),
            summary: ResultSummary(
                hasSender: true, verdict: .delivered,
                path: PathDigest(of: [
                    Observation(.spoofGuard, .forwarded), Observation(.forwarding, .delivered),
                ])))
        #expect(other == scenario.state)
        #expect(other.life(of: TraceID(1))?.outcome == .complete(.delivered))
    }

    @Test func whatWaitsFollowsTheProfileInForce() {
        var scenario = Scenario()
        scenario.state.evolve(TagProfile.antrea)
        scenario.given(1, request(scope: .nodes(["a"])))
        scenario.state.evolve(TagProfile.perNode)
        scenario.decide()
        #expect(scenario.state.allocation(of: TraceID(1))?.scope == .nodes(["a"]))
    }
}
