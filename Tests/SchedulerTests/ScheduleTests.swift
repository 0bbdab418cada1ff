import Scheduler
import Testing
import Traceflow

/// Schedules by hand: who begins runs records them at once, as the decider does.
struct ScheduleTests {
    static let id = ScheduleID(1)

    static func spec(
        every seconds: Int64 = 300, missed: ScheduleSpec.Missed = .latest,
        deadline: Int64? = nil, concurrency: ScheduleSpec.Concurrency = .allow, jitter: Int64 = 0,
        expects: Verdict? = nil, threshold: Int = 3
    ) -> ScheduleSpec {
        ScheduleSpec(
            name: "probe", timing: .every(seconds: seconds),
            work: .trace(TraceTemplate(spec: TraceflowSpec())), startingDeadlineSeconds: deadline,
            concurrency: concurrency, missed: missed, jitterSeconds: jitter,
            expectation: expects.map { .verdict($0) }, failureThreshold: threshold)
    }

    /// A scheduler with one schedule that was made at second 10.
    struct Field {
        var scenario = Scenario()
        var begun: [Int] = []
        var missed: [MissedSlots] = []
        private var nextStream: Int64 = 2

        init(_ spec: ScheduleSpec, at seconds: Int = 10) {
            scenario.state.evolve(ScheduleTests.id, .changed(spec), at: Scenario.at(seconds))
        }

        var life: ScheduleLife? { scenario.state.schedules[ScheduleTests.id] }

        mutating func apply(_ event: ScheduleEvent, at seconds: Int) {
            scenario.state.evolve(ScheduleTests.id, event, at: Scenario.at(seconds))
        }

        /// What a pass at the moment begins: the slots, in seconds.
        @discardableResult
        mutating func look(at moment: Moment, expected: Verdict? = nil) -> [Int] {
            scenario.state.plan { _ in .utc }
            var slots: [Int] = []
            for decision in scenario.state.slots(at: moment, countMax: 1000, { _ in .utc }) {
                var event = decision.event
                if case .fired(var firing) = event {
                    firing.expected = expected
                    event = .fired(firing)
                    slots.append(Int(firing.slot.seconds))
                }
                if case .missed(let gone) = event { missed.append(gone) }
                scenario.state.evolve(decision.schedule, event, at: moment)
                guard case .fired(let firing) = event else { continue }
                var request = TraceRequest(
                    name: "", apiVersion: .v1beta1, spec: TraceflowSpec(), scope: .allNodes)
                request.naming = .slot(schedule: decision.schedule, name: "probe", at: firing.slot)
                scenario.state.evolve(
                    TraceID(nextStream), .requested(request), position: scenario.position,
                    at: moment)
                nextStream += 1
                scenario.position += 1
            }
            begun += slots
            return slots
        }

        @discardableResult
        mutating func look(at seconds: Int, expected: Verdict? = nil) -> [Int] {
            look(at: Scenario.at(seconds), expected: expected)
        }

        /// Starts and ends what waits, and says what that means for the probe.
        mutating func end(
            _ verdict: Verdict, at seconds: Int, by path: [Observation]? = []
        ) -> [ScheduleEvent] {
            finish(verdict, at: seconds, by: path)
            return scenario.state.probeChanges(at: Scenario.at(seconds)).map(\.event)
        }

        /// Starts and ends what waits; without a path it runs out of time.
        mutating func finish(_ verdict: Verdict, at seconds: Int, by path: [Observation]?) {
            scenario.decide(at: Scenario.at(seconds))
            for run in life?.runs ?? [] {
                guard case .trace(let id) = run.subject else { continue }
                var events: [TraceEvent] = []
                if let path {
                    let result = NodeResult(node: "n", timestamp: 0, observations: path)
                    events = [
                        .nodeReported(ReportID(attempt: 1, node: "n", sequence: 1), result),
                        .succeeded(attempt: 1, verdict: verdict),
                    ]
                } else {
                    events = [.timedOut(attempt: 1, verdict: verdict)]
                }
                for event in events {
                    scenario.state.evolve(
                        id, event, position: scenario.position, at: Scenario.at(seconds))
                    scenario.position += 1
                }
            }
        }
    }

    @Test func aSlotBeginsWhenItsMomentHasComeAndNotAgain() {
        var field = Field(Self.spec())
        #expect(field.look(at: 10) == [])
        #expect(field.scenario.state.nextMoment == Scenario.at(300))
        #expect(field.look(at: Scenario.at(300, -1)) == [])
        #expect(field.look(at: 300) == [300])
        #expect(field.look(at: 300) == [])
        #expect(field.look(at: 599) == [])
        #expect(field.look(at: 600) == [600])
        #expect(field.missed == [])
        #expect(field.life?.runs.count == 2)
    }

    @Test func aRestartNeitherRepeatsNorLosesASlot() {
        var field = Field(Self.spec(deadline: 3600))
        field.look(at: 300)
        for seconds in [300, 450, 601] {
            field.scenario.state = SchedulerState(snapshot: field.scenario.state.snapshot)
            field.look(at: seconds)
        }
        #expect(field.begun == [300, 600])
    }

    @Test(
        arguments: [
            (.none, nil, [], 3), (.none, 3600, [900], 2), (.latest, nil, [900], 2),
            (.latest, 50, [], 3), (.all(max: 2), nil, [600, 900], 1),
            (.all(max: 10), nil, [300, 600, 900], 0), (.all(max: 10), 500, [600, 900], 1),
        ] as [(ScheduleSpec.Missed, Int64?, [Int], Int)])
    func slotsForWhichNobodyWasThereAreMadeUpForAsAsked(
        missed: ScheduleSpec.Missed, deadline: Int64?, begun: [Int], count: Int
    ) {
        var field = Field(Self.spec(missed: missed, deadline: deadline))
        #expect(field.look(at: 1000) == begun)
        #expect(field.missed.map(\.count) == (count == 0 ? [] : [count]))
        #expect(field.missed.allSatisfy { $0.reason == .late })
        // And it goes on as if nothing had been.
        #expect(field.look(at: 1200) == [1200])
    }

    @Test func aSlotThatIsNoticedAMomentLateIsNotMissed() {
        var field = Field(Self.spec(missed: .none))
        #expect(field.look(at: 309) == [300])
        #expect(field.look(at: 611) == [])
        #expect(field.missed.map(\.count) == [1])
    }

    @Test(
        arguments: [
            (.allow, [300, 600], 0), (.forbid, [300], 1), (.replace, [300, 600], 0),
        ] as [(ScheduleSpec.Concurrency, [Int], Int)])
    func aSlotMayFindTheOneBeforeStillRunning(
        concurrency: ScheduleSpec.Concurrency, begun: [Int], missed: Int
    ) {
        var field = Field(Self.spec(concurrency: concurrency))
        field.look(at: 300)
        field.look(at: 600)
        #expect(field.begun == begun)
        #expect(field.missed.count == missed)
        #expect(field.missed.allSatisfy { $0.reason == .running })
        _ = field.end(.delivered, at: 700)
        #expect(field.look(at: 900) == [900])
    }

    @Test func ofManyThatWouldReplaceOneAnotherTheLastBegins() {
        var field = Field(Self.spec(missed: .all(max: 10), concurrency: .replace))
        #expect(field.look(at: 1000) == [900])
        #expect(field.missed.map(\.count) == [2])
    }

    @Test func whatWasBegunByHandInTheSameMomentForbidsToo() {
        var field = Field(Self.spec(concurrency: .forbid))
        field.apply(.runRequested, at: 20)
        #expect(field.look(at: 300) == [300])
        #expect(field.missed.map(\.reason) == [.running])
    }

    @Test func moreSlotsThanThereIsRoomForBeginOneAfterTheOther() {
        var field = Field(Self.spec(every: 1, missed: .all(max: 5000)))
        #expect(field.look(at: 3000) == Array(11...1010))
        #expect(field.look(at: 3000) == Array(1011...2010))
        #expect(field.look(at: 3000) == Array(2011...3000))
        #expect(field.missed == [])
    }

    /// A hundred thousand slots are counted at once; only the latest of all may begin.
    @Test func afterYearsOfAbsenceNoAncientSlotBegins() {
        var field = Field(Self.spec(every: 1))
        let now = 150_010
        #expect(field.look(at: now) == [])
        #expect(field.missed.map(\.count) == [100_000])
        #expect(field.look(at: now) == [now])
        #expect(field.missed.map(\.count) == [100_000, 49_999])
    }

    @Test func whileItIsPausedSlotsAreNobodys() {
        var field = Field(Self.spec(missed: .all(max: 10)))
        field.apply(.paused, at: 20)
        #expect(field.look(at: 1000) == [])
        #expect(field.scenario.state.nextMoment == nil)
        field.apply(.resumed, at: 1000)
        #expect(field.look(at: 1000) == [])
        #expect(field.missed == [])
        #expect(field.look(at: 1200) == [1200])
    }

    @Test func somebodysWishBeginsAtOnceAndTheCalendarGoesOn() {
        var field = Field(Self.spec())
        field.apply(.paused, at: 20)
        field.apply(.runRequested, at: 100)
        #expect(!field.scenario.state.isIdle)
        #expect(field.look(at: 100) == [100])
        #expect(field.look(at: 100) == [])
        field.apply(.resumed, at: 200)
        #expect(field.look(at: 300) == [300])
    }

    @Test func jitterMovesTheBeginningAndNotTheSlot() {
        let spec = Self.spec(jitter: 100)
        let begins = (1...200).map {
            spec.begin(of: Scenario.at(300 * $0)).seconds - Int64(300 * $0)
        }
        #expect(begins.allSatisfy { $0 >= 0 && $0 < 100 })
        #expect(Set(begins).count > 60)
        var field = Field(spec)
        let begin = spec.begin(of: Scenario.at(300))
        #expect(field.look(at: begin.advanced(byMicroseconds: -1)) == [])
        #expect(field.look(at: begin) == [300])
    }

    @Test func anotherTimingBeginsWhenItWasGiven() {
        var field = Field(Self.spec())
        field.look(at: 300)
        field.apply(.changed(Self.spec(every: 60)), at: 500)
        #expect(field.look(at: 500) == [])
        #expect(field.look(at: 540) == [540])
    }

    @Test func aDeletedScheduleBeginsNothing() {
        var field = Field(Self.spec())
        field.look(at: 10)
        field.apply(.deleted, at: 20)
        #expect(field.look(at: 1000) == [])
        #expect(field.life == nil)
        #expect(field.scenario.state.nextMoment == nil)
    }

    @Test func aProbeIsBrokenAfterSoManyInARowAndHealthyAtTheFirstThatIsAsExpected() {
        var field = Field(Self.spec(every: 60, expects: .delivered, threshold: 3))
        var told: [String] = []
        let verdicts: [Verdict] = [
            .delivered, .dropped, .dropped, .delivered, .dropped, .lost, .dropped, .dropped,
            .delivered,
        ]
        for (number, verdict) in verdicts.enumerated() {
            field.look(at: 60 * (number + 1), expected: .delivered)
            for event in field.end(verdict, at: 60 * (number + 1) + 5) {
                switch event {
                case .probeBroken(let change): told.append("broken \(number) \(change.mismatches)")
                case .probeHealthy: told.append("healthy \(number)")
                default: told.append("\(event)")
                }
            }
        }
        #expect(told == ["broken 6 3", "healthy 8"])
        #expect(field.life?.isBroken == false)
    }

    @Test func aBrokenProbeIsStillBrokenAfterARestart() {
        var field = Field(Self.spec(every: 60, expects: .delivered, threshold: 1))
        field.look(at: 60, expected: .delivered)
        _ = field.end(.dropped, at: 65)
        let state = SchedulerState(snapshot: field.scenario.state.snapshot)
        #expect(state == field.scenario.state)
        #expect(state.schedules[Self.id]?.isBroken == true)
    }

    /// Three hours in which the decider looks now and then, and is restarted now and then.
    @Test(arguments: 1...30)
    func everySlotIsBegunOrMissedOnceWhateverComes(seed: Int) {
        var random = SplitMix(seed: UInt64(seed))
        let step = Int64([1, 7, 60, 300][random.next(4)])
        var field = Field(
            Self.spec(
                every: step, missed: [.none, .latest, .all(max: 5)][random.next(3)],
                deadline: random.next(2) == 0 ? nil : Int64(random.next(100)),
                jitter: random.next(2) == 0 ? 0 : Int64(random.next(Int(step)))))
        var now = Scenario.at(10)
        while now < Scenario.at(10_000) {
            now = now.advanced(
                byMicroseconds: Int64(
                    random.next(10) == 0 ? random.next(900_000_000) : random.next(9_000_000)))
            if random.next(4) == 0 {
                field.scenario.state = SchedulerState(snapshot: field.scenario.state.snapshot)
            }
            field.look(at: now)
        }
        let through = Int(field.life?.decidedThrough.seconds ?? 0)
        let all = stride(from: Int(step) * (10 / Int(step) + 1), through: through, by: Int(step))
        let missed = field.missed.reduce(0) { $0 + $1.count }
        #expect(Set(field.begun).count == field.begun.count, "seed \(seed)")
        #expect(field.begun.allSatisfy { $0 % Int(step) == 0 }, "seed \(seed)")
        #expect(field.begun.count + missed == Array(all).count, "seed \(seed)")
    }
}
