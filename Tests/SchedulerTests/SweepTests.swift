import Scheduler
import Testing
import Traceflow

/// Sweeps by hand: who asks for members records them at once, as the decider does.
struct SweepTests {
    static let id = SweepID(1)

    static func request(
        total: Int64, openMax: Int? = nil, interval: Int64? = nil, retries: Int = 0
    ) -> SweepRequest {
        SweepRequest(
            pairs: SweepPairs(ports: [.init(protocol: "TCP", number: 80)]), retries: retries,
            openMax: openMax, intervalMicroseconds: interval, total: total, cells: total)
    }

    /// A scheduler with sweeps, and what was recorded of their members.
    struct Field {
        var scenario = Scenario()
        var expanded: [Int64] = []
        var retries = 0
        private var nextStream: Int64 = 2

        init(_ request: SweepRequest) {
            scenario.state.evolve(SweepTests.id, .requested(request), at: Scenario.at(0))
            scenario.position += 1
            retries = request.retries
        }

        var life: SweepLife? { scenario.state.sweeps[SweepTests.id] }

        /// Records the members that may come; returns how many did.
        @discardableResult
        mutating func expand(at moment: Moment, countMax: Int = 10_000) -> Int {
            let asked = scenario.state.expansions(at: moment, countMax: countMax)
            var count = 0
            for decision in asked {
                guard case .expanded(let first, let members) = decision.event else { continue }
                scenario.state.evolve(decision.sweep, decision.event, at: moment)
                scenario.position += 1
                for member in first..<first + Int64(members) {
                    var request = TraceRequest(
                        name: "", apiVersion: .v1beta1, spec: TraceflowSpec(), retries: retries,
                        scope: .of(["n\(member % 5)"]))
                    request.naming = .member(sweep: decision.sweep.rawValue, number: member)
                    scenario.state.evolve(
                        TraceID(nextStream), .requested(request), position: scenario.position,
                        at: moment)
                    scenario.log.append((TraceID(nextStream), .requested(request)))
                    nextStream += 1
                    scenario.position += 1
                    expanded.append(member)
                }
                count += members
            }
            return count
        }

        /// Ends everything that runs as `event` says.
        mutating func end(at moment: Moment, _ event: (Int) -> TraceEvent) {
            for id in scenario.state.openMembers(of: SweepTests.id).running {
                guard let attempt = scenario.state.life(of: id)?.attempt else { continue }
                scenario.state.evolve(
                    id, event(attempt), position: scenario.position, at: moment)
                scenario.position += 1
            }
        }
    }

    @Test func membersComeInTheirOrderAndNoMoreThanMayBeOpen() {
        var field = Field(Self.request(total: 100, openMax: 40))
        #expect(field.expand(at: Scenario.at(0)) == 40)
        #expect(field.expand(at: Scenario.at(0)) == 0)
        field.scenario.decide()
        field.end(at: Scenario.at(1)) { .succeeded(attempt: $0, verdict: .delivered) }
        #expect(field.scenario.state.invariantFaults() == [])
        #expect(field.expand(at: Scenario.at(1)) > 0)
        #expect(field.expanded == (0..<Int64(field.expanded.count)).map { $0 })
        #expect(field.life.map { $0.open <= 40 } == true)
    }

    @Test func aChunkIsNoLargerThanThereIsRoomForInATransaction() {
        var field = Field(Self.request(total: 100_000))
        #expect(field.expand(at: Scenario.at(0), countMax: 2500) == 2500)
        #expect(field.expand(at: Scenario.at(0), countMax: 10_000) == 10_000)
        #expect(field.expand(at: Scenario.at(0), countMax: 10_000) == 7500)
        #expect(field.expand(at: Scenario.at(0), countMax: 10_000) == 0)
    }

    /// 100 a second for ten seconds, looked at every 20 ms; then nobody looks for a minute.
    @Test func aPaceIsKeptAndLostTimeIsNotMadeUpForAtOnce() {
        var field = Field(Self.request(total: 100_000, interval: 10_000))
        for step in 0..<500 {
            field.expand(at: Scenario.at(0, Int64(step) * 20_000))
            #expect(field.expanded.count <= step * 2 + 1)
        }
        #expect(field.expanded.count >= 990)
        let before = field.expanded.count
        field.expand(at: Scenario.at(70))
        #expect(field.expanded.count - before <= 101)
        #expect(field.scenario.state.nextMoment.map { $0 > Scenario.at(70) } == true)
    }

    @Test func aSlowPaceLetsOneInAtATime() {
        var field = Field(Self.request(total: 3, interval: 60_000_000))
        #expect(field.expand(at: Scenario.at(0)) == 1)
        #expect(field.expand(at: Scenario.at(59)) == 0)
        #expect(field.scenario.state.nextMoment == Scenario.at(60))
        #expect(field.expand(at: Scenario.at(60)) == 1)
        #expect(field.expand(at: Scenario.at(119)) == 0)
        #expect(field.expand(at: Scenario.at(120)) == 1)
    }

    @Test func whoHasNoPlaceDoesNotWaitForTime() {
        var field = Field(Self.request(total: 10, openMax: 1, interval: 1000))
        #expect(field.expand(at: Scenario.at(0)) == 1)
        #expect(field.expand(at: Scenario.at(5)) == 0)
        #expect(field.scenario.state.nextMoment == nil)
        field.scenario.decide()
        field.end(at: Scenario.at(6)) { .succeeded(attempt: $0, verdict: .delivered) }
        #expect(field.scenario.state.nextMoment.map { $0 <= Scenario.at(6) } == true)
    }

    @Test func aSweepHasFinishedWhenItsLastMemberEnded() {
        var field = Field(Self.request(total: 3))
        field.expand(at: Scenario.at(0))
        #expect(field.scenario.state.finishSweeps(at: Scenario.at(0)) == [])
        field.scenario.decide()
        field.end(at: Scenario.at(1)) { .timedOut(attempt: $0, verdict: .lost) }
        var tally = SweepTally()
        tally.lost = 3
        #expect(!field.scenario.state.isIdle)
        #expect(
            field.scenario.state.finishSweeps(at: Scenario.at(1)) == [
                SweepDecision(sweep: Self.id, event: .finished(tally))
            ])
        #expect(field.scenario.state.isIdle)
        #expect(field.scenario.state.sweeps == [:])
    }

    @Test func aSweepOfNothingHasFinishedAtOnce() {
        var field = Field(Self.request(total: 0))
        #expect(
            field.scenario.state.finishSweeps(at: Scenario.at(0)) == [
                SweepDecision(sweep: Self.id, event: .finished(SweepTally()))
            ])
    }

    @Test func aMemberThatIsRetriedCountsOnce() {
        var field = Field(Self.request(total: 1, retries: 1))
        field.expand(at: Scenario.at(0))
        field.scenario.decide()
        let id = TraceID(2)
        // The decider records the end and the retry together.
        let failed = report(attempt: 1, node: "n0", "SpoofGuard/Forwarded")
        field.scenario.given(2, failed)
        field.scenario.decide(at: Scenario.at(30))
        #expect(field.scenario.state.life(of: id)?.attempt == 2)
        #expect(field.life?.open == 1)
        #expect(field.life?.tally == SweepTally())
        #expect(field.scenario.state.invariantFaults() == [])
        field.scenario.decide(at: Scenario.at(60))
        field.end(at: Scenario.at(61)) { .succeeded(attempt: $0, verdict: .dropped) }
        #expect(field.life?.tally.dropped == 1)
        #expect(field.life?.tally.ended == 1)
    }

    @Test func cancellingEndsWhatWaitsRunsAndRestsAndAsksForNoMore() {
        var field = Field(Self.request(total: 1000, openMax: 60, retries: 1))
        field.scenario.executors = [Executor(id: "worker-1", inFlightMax: 20)]
        field.expand(at: Scenario.at(0))
        field.scenario.decide()
        // Some have failed and rest until their backoff is over.
        field.scenario.decide(at: Scenario.at(30))
        #expect(field.life?.open == 60)
        field.scenario.state.evolve(Self.id, .cancelled(reason: ""), at: Scenario.at(31))
        #expect(field.expand(at: Scenario.at(31)) == 0)
        let decisions = field.scenario.decide(at: Scenario.at(31))
        #expect(decisions.count == 60)
        #expect(
            decisions.allSatisfy {
                if case .failed(_, let reason) = $0.event { reason == "Cancelled" } else { false }
            })
        #expect(field.scenario.state.isIdle)
        #expect(field.scenario.state.invariantFaults() == [])
    }

    @Test func whatWasCancelledIsGoneEvenWithNothingOpen() {
        var field = Field(Self.request(total: 10))
        field.scenario.state.evolve(Self.id, .cancelled(reason: ""), at: Scenario.at(0))
        #expect(field.scenario.state.isIdle)
        #expect(field.scenario.state.finishSweeps(at: Scenario.at(0)) == [])
    }

    /// From a seed: chunks, passes, ends of every kind, time, and restarts from a snapshot.
    @Test(arguments: 1...30)
    func everyMemberIsAskedForOnceAndEndsOnceWhateverComes(seed: Int) {
        var random = SplitMix(seed: UInt64(seed))
        let total = Int64(1 + random.next(400))
        var field = Field(
            Self.request(
                total: total, openMax: 1 + random.next(50),
                interval: random.next(2) == 0 ? nil : Int64(1 + random.next(100_000)),
                retries: random.next(3)))
        field.scenario.executors = [Executor(id: "w", inFlightMax: 1 + random.next(30))]
        var now = Scenario.at(0)
        var finished: SweepTally?
        for _ in 0..<20_000 where finished == nil {
            now = now.advanced(byMicroseconds: Int64(random.next(3_000_000)))
            switch random.next(5) {
            case 0: field.expand(at: now, countMax: 1 + random.next(30))
            case 1: field.scenario.decide(at: now)
            case 2:
                let snapshot = field.scenario.state.snapshot
                field.scenario.state = SchedulerState(snapshot: snapshot)
                #expect(field.scenario.state.snapshot == snapshot)
            case 3:
                for id in field.scenario.state.openMembers(of: Self.id).running
                where random.next(3) == 0 {
                    let attempt = field.scenario.state.life(of: id)?.attempt ?? 1
                    field.scenario.given(
                        id.rawValue,
                        random.next(2) == 0
                            ? .nodeFailed(
                                ReportID(attempt: attempt, node: "n", sequence: 1), error: "e")
                            : report(
                                attempt: attempt, node: "n", "SpoofGuard/Forwarded",
                                "Forwarding/Delivered"))
                }
            default:
                if case .finished(let tally) = field.scenario.state.finishSweeps(at: now).first?
                    .event
                {
                    finished = tally
                }
            }
            #expect(field.scenario.state.invariantFaults() == [], "seed \(seed)")
        }
        #expect(finished?.ended == Int(total), "seed \(seed)")
        #expect(field.expanded == (0..<total).map { $0 }, "seed \(seed)")
    }
}
