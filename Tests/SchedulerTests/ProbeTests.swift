import Scheduler
import Testing
import Traceflow

/// What results mean for a probe: paths, cluster changes, maintenance.
struct ProbeTests {
    typealias Field = ScheduleTests.Field

    static func spec(
        threshold: Int = 1, settle: Int64 = 0, maintenance: [Maintenance] = []
    ) -> ScheduleSpec {
        var spec = ScheduleTests.spec(every: 60, expects: .delivered, threshold: threshold)
        (spec.settleSeconds, spec.maintenance) = (settle, maintenance)
        return spec
    }

    /// The way of a packet that a policy lets through.
    static func path(_ policy: String? = nil) -> [Observation] {
        [
            Observation(.spoofGuard, .forwarded),
            Observation(
                .networkPolicy, .forwarded, componentInfo: "IngressRule", networkPolicy: policy),
            Observation(.forwarding, .delivered, componentInfo: "Output"),
        ]
    }

    /// What was said, in short.
    static func words(_ events: [ScheduleEvent]) -> [String] {
        events.map { event in
            switch event {
            case .probeBroken(let change): "broken \(change.slot.seconds) \(change.mismatches)"
            case .probeHealthy(let change): "healthy \(change.slot.seconds)"
            case .pathChanged(let change):
                "path \(change.path?.beforeSlot.seconds ?? -1) \(change.slot.seconds)"
            default: "\(event)"
            }
        }
    }

    /// A probe that runs every minute; each of its runs takes a second.
    struct Probe {
        var field: Field
        var told: [String] = []

        init(_ spec: ScheduleSpec) { field = Field(spec) }

        mutating func run(
            at seconds: Int, _ verdict: Verdict = .delivered, by path: [Observation]? = path(),
            ends: Int = 1
        ) {
            field.look(at: seconds, expected: .delivered)
            told += ProbeTests.words(field.end(verdict, at: seconds + ends, by: path))
        }

        mutating func clusterChanges(at seconds: Int) {
            field.scenario.state.evolve(clusterChangedAt: Scenario.at(seconds))
        }

        mutating func restart() {
            field.scenario.state = SchedulerState(snapshot: field.scenario.state.snapshot)
        }
    }

    // MARK: paths

    @Test func anotherPathToTheSameVerdictIsSaidOnce() {
        var probe = Probe(Self.spec())
        for (number, policy) in [nil, nil, "a", "a", nil, "a"].enumerated() {
            probe.run(at: 60 * (number + 1), by: Self.path(policy))
            probe.restart()
        }
        #expect(probe.told == ["path 120 180", "path 240 300", "path 300 360"])
        #expect(probe.field.life?.isBroken == false)
    }

    @Test func anotherVerdictIsNoOtherPathToIt() {
        var probe = Probe(Self.spec())
        probe.run(at: 60)
        probe.run(at: 120, .dropped, by: Self.path("a"))
        probe.run(at: 180, by: Self.path("b"))
        probe.run(at: 240, by: Self.path("b"))
        #expect(probe.told == ["broken 120 1", "healthy 180"])
    }

    @Test func whileItIsBrokenAnotherPathIsSaidToo() {
        var probe = Probe(Self.spec())
        probe.run(at: 60, .dropped, by: Self.path("a"))
        probe.run(at: 120, .dropped, by: Self.path("b"))
        #expect(probe.told == ["broken 60 1", "path 60 120"])
    }

    /// Nobody knows which of its reports are missing.
    @Test func aRunThatDidNotEndByItsReportsSaysNothingOfThePath() {
        var probe = Probe(Self.spec())
        probe.run(at: 60, by: Self.path("a"))
        probe.run(at: 120, by: nil)
        probe.run(at: 180, by: Self.path("a"))
        #expect(probe.told == [])
        probe.run(at: 240, by: nil)
        probe.run(at: 300, by: Self.path("b"))
        #expect(probe.told == ["path 180 300"])
    }

    @Test func otherWorkHasOtherPaths() {
        var probe = Probe(Self.spec())
        probe.run(at: 60, by: Self.path("a"))
        var other = Self.spec()
        other.work = .trace(TraceTemplate(spec: TraceflowSpec(timeout: 5)))
        // One of the old kind is still under way.
        probe.field.look(at: 120, expected: .delivered)
        probe.field.apply(.changed(other), at: 121)
        probe.restart()
        probe.told += Self.words(probe.field.end(.delivered, at: 122, by: Self.path("a")))
        probe.run(at: 180, by: Self.path("b"))
        #expect(probe.told == [])
        probe.run(at: 240, by: Self.path("c"))
        #expect(probe.told == ["path 180 240"])
    }

    @Test func aPathThatIsBackBeforeItWasSaidIsNoNews() {
        var field = Field(Self.spec())
        for (seconds, policy) in [(60, nil), (120, "a"), (180, nil)] {
            field.look(at: seconds, expected: .delivered)
            field.finish(.delivered, at: seconds + 1, by: Self.path(policy))
        }
        #expect(field.scenario.state.probeChanges(at: Scenario.at(200)) == [])
    }

    @Test func theWayBetweenNodesIsNoPartOfAPath() {
        let policy = Observation(.networkPolicy, .forwarded, networkPolicy: "a")
        let output = Observation(.forwarding, .delivered, componentInfo: "Output")
        func balanced(_ pod: String) -> Observation {
            Observation(.lb, .forwarded, pod: pod, translatedDstIP: "10.0.0.\(pod.count)")
        }
        let guarded = Observation(.spoofGuard, .forwarded, srcPodIP: "10.0.0.9")
        let here = PathDigest(of: [guarded, balanced("t/a"), policy, output])
        var there = PathDigest(of: [Observation(.forwarding, .received), policy, output])
        there.add(
            PathDigest(of: [
                guarded, balanced("t/bbb"),
                Observation(
                    .forwarding, .forwarded, componentInfo: "Output", tunnelDstIP: "192.0.2.1"),
            ]))
        #expect(here == there)
        #expect(here != PathDigest(of: [guarded, policy, output]))
        #expect(here != PathDigest(of: [guarded, balanced("t/a"), output]))
        // An Egress is the same one wherever its address is.
        let local = PathDigest(of: [
            Observation(.egress, .markedForSNAT, egress: "e", egressIP: "1.2.3.4", egressNode: "n1")
        ])
        let remote = PathDigest(of: [
            Observation(.egress, .forwardedToEgressNode, egress: "e", egressNode: "n2"),
            Observation(.egress, .markedForSNAT, egressIP: "1.2.3.4"),
        ])
        #expect(local == remote)
        #expect(local != PathDigest(of: [Observation(.egress, .markedForSNAT, egress: "f")]))
    }

    /// Logs hold digests, so they never change.
    @Test func theDigestOfAPathIsWhatItAlwaysWas() {
        #expect(PathDigest(of: Self.path("a")).text == "90d94fb68ff65fa0")
    }

    // MARK: the cluster settles

    @Test(
        arguments: [
            // Within the window it is held back; the first after it decides.
            ([100], [60: .delivered, 120: .dropped, 180: .dropped], ["broken 180 2"]),
            ([100], [60: .delivered, 120: .dropped, 180: .delivered], []),
            // A window that is over holds nothing.
            ([80], [60: .delivered, 120: .dropped], ["broken 120 1"]),
            // Asked for before the change, and ended after it.
            ([60], [60: .dropped, 120: .delivered], []),
            // A later change begins the window anew.
            ([100, 170], [120: .dropped, 180: .dropped, 240: .dropped], ["broken 240 3"]),
            // A probe that heals is held back in the same way.
            (
                [100, 160], [60: .dropped, 120: .dropped, 180: .delivered, 240: .delivered],
                ["broken 60 1", "healthy 240"]
            ),
        ] as [([Int], KeyValuePairs<Int, Verdict>, [String])])
    func resultsWaitUntilTheClusterHasSettled(
        changes: [Int], results: KeyValuePairs<Int, Verdict>, told: [String]
    ) {
        for restarts in [false, true] {
            var probe = Probe(Self.spec(settle: 30))
            var left = changes[...]
            for (seconds, verdict) in results {
                while let change = left.first, change < seconds {
                    probe.clusterChanges(at: change)
                    left.removeFirst()
                }
                probe.field.look(at: seconds, expected: .delivered)
                if left.first == seconds { probe.clusterChanges(at: left.removeFirst()) }
                if restarts { probe.restart() }
                probe.told += Self.words(probe.field.end(verdict, at: seconds + 1, by: Self.path()))
            }
            #expect(probe.told == told)
        }
    }

    /// Only those since the last that was as expected are in a row.
    @Test func whatWasAsExpectedInTheWindowBreaksTheRow() {
        var probe = Probe(Self.spec(threshold: 3, settle: 130))
        probe.run(at: 60, .dropped)
        probe.run(at: 120, .dropped)
        probe.clusterChanges(at: 150)
        for (seconds, verdict) in [(180, Verdict.delivered), (240, .dropped)] {
            probe.run(at: seconds, verdict)
        }
        #expect(probe.field.life?.mismatches == 2)
        probe.run(at: 300, .dropped)
        #expect(probe.told == [])
        #expect(probe.field.life?.mismatches == 2)
        probe.run(at: 360, .dropped)
        #expect(probe.told == ["broken 360 3"])
    }

    @Test func aPathInTheWindowIsComparedWithNothing() {
        var probe = Probe(Self.spec(settle: 30))
        probe.run(at: 60, by: Self.path("a"))
        probe.clusterChanges(at: 100)
        probe.run(at: 120, by: Self.path("b"))
        probe.run(at: 180, by: Self.path("a"))
        probe.clusterChanges(at: 200)
        probe.run(at: 240, by: Self.path("a"))
        #expect(probe.told == [])
        probe.clusterChanges(at: 290)
        probe.run(at: 300, by: Self.path("c"))
        probe.run(at: 360, by: Self.path("c"))
        #expect(probe.told == ["path 240 360"])
    }

    @Test(arguments: 0..<60)
    func afterAnEditTheFindingComesWithinAnIntervalAndTheWindow(offset: Int) throws {
        var probe = Probe(Self.spec(settle: 30))
        probe.run(at: 60)
        let edit = 62 + offset
        var seconds = 120
        while probe.told.isEmpty, seconds < 600 {
            if edit < seconds, edit >= seconds - 60 { probe.clusterChanges(at: edit) }
            probe.run(at: seconds, seconds > edit ? .dropped : .delivered, ends: 0)
            seconds += 60
        }
        let found = seconds - 60
        #expect(probe.told.count == 1)
        #expect(found <= edit + 60 + 30, "edit at \(edit), found at \(found)")
    }

    /// Ten windows after the first change that held something back, whatever comes counts.
    @Test func aClusterThatNeverRestsDoesNotSilenceAProbe() throws {
        var probe = Probe(Self.spec(threshold: 2, settle: 30))
        probe.run(at: 60)
        for seconds in stride(from: 62, to: 1200, by: 5) {
            probe.clusterChanges(at: seconds)
            if (seconds - 2) % 60 == 0 { probe.run(at: seconds - 2, .dropped, ends: 3) }
        }
        // Held back since the change at second 122, until 422 at the latest.
        #expect(probe.told == ["broken 420 6"])
        // And so it goes on: twice more since.
        #expect(probe.field.life?.mismatches == 18)
        #expect(probe.field.life?.held == nil)
    }

    // MARK: maintenance

    static func nightly() throws -> Maintenance {
        Maintenance(
            beginning: .cron(try CronExpression("5 0 * * *"), zone: "UTC"), durationSeconds: 120)
    }

    @Test func inATimeOfMaintenanceNothingCounts() throws {
        // From second 300 until 420, by the calendar.
        var probe = Probe(Self.spec(threshold: 2, maintenance: [try Self.nightly()]))
        for seconds in stride(from: 60, through: 240, by: 60) { probe.run(at: seconds) }
        probe.run(at: 300, .dropped)
        probe.restart()
        probe.run(at: 360, .lost, by: Self.path("x"))
        #expect(probe.field.life?.mismatches == 0)
        probe.run(at: 420, .dropped)
        probe.run(at: 480, .dropped)
        #expect(probe.told == ["broken 480 2"])
    }

    @Test func aRunThatIsOvertakenByMaintenanceDoesNotCount() throws {
        var probe = Probe(Self.spec(maintenance: [try Self.nightly()]))
        probe.run(at: 240, .dropped, ends: 70)
        #expect(probe.told == [])
        probe.run(at: 480, .dropped)
        #expect(probe.told == ["broken 480 1"])
    }

    @Test func onceIsOnce() {
        let once = Maintenance(beginning: .once(Scenario.at(100)), durationSeconds: 50)
        let zones = { (_: String) -> ZoneOffsets? in nil }
        #expect(once.window(at: Scenario.at(0), zones) == Scenario.at(100)..<Scenario.at(150))
        #expect(once.window(at: Scenario.at(149), zones) == Scenario.at(100)..<Scenario.at(150))
        #expect(once.window(at: Scenario.at(150), zones) == nil)
    }

    @Test func theWindowIsThatOfThePlacesOwnClock() throws {
        let cron = try CronExpression("0 3 * * *")
        let maintenance = Maintenance(
            beginning: .cron(cron, zone: "East"), durationSeconds: 3600)
        // Two hours ahead, from day 2 on three.
        let east = ZoneOffsets(
            name: "East",
            changes: [.init(at: 0, offset: 7200), .init(at: 86_400, offset: 10_800)],
            knownUntil: .max)
        let zones = { (name: String) in name == "East" ? east : nil }
        let first = Scenario.at(3600)..<Scenario.at(7200)
        #expect(maintenance.window(at: Scenario.at(0), zones) == first)
        #expect(maintenance.window(at: Scenario.at(7199), zones) == first)
        #expect(
            maintenance.window(at: Scenario.at(7200), zones)
                == Scenario.at(86_400)..<Scenario.at(90_000))
        #expect(maintenance.window(at: Scenario.at(0)) { _ in nil } == nil)
    }

    @Test func ofSeveralWindowsTheOneThatLastsIsTaken() throws {
        let spec = Self.spec(maintenance: [
            Maintenance(beginning: .once(Scenario.at(500)), durationSeconds: 10, reason: "b"),
            Maintenance(beginning: .once(Scenario.at(100)), durationSeconds: 1000, reason: "a"),
        ])
        let found = spec.maintenanceWindow(at: Scenario.at(505)) { _ in .utc }
        #expect(found?.maintenance.reason == "a")
        #expect(spec.maintenanceWindow(at: Scenario.at(2000)) { _ in .utc } == nil ? true : false)
    }

    // MARK: whatever comes

    /// The same story with restarts and without says the same.
    @Test(arguments: 1...40)
    func aRestartInTheMidstOfAnythingDecidesTheSame(seed: Int) throws {
        let maintenance = [
            Maintenance(
                beginning: .cron(try CronExpression("*/20 * * * *"), zone: "UTC"),
                durationSeconds: 240)
        ]
        func story(restarts: Bool) -> [String] {
            var random = SplitMix(seed: UInt64(seed))
            var probe = Probe(
                Self.spec(
                    threshold: 1 + random.next(3), settle: Int64(random.next(3) * 40),
                    maintenance: random.next(2) == 0 ? maintenance : []))
            for slot in 1...80 {
                if random.next(3) == 0 { probe.clusterChanges(at: slot * 60 - random.next(59)) }
                if restarts { probe.restart() }
                probe.field.look(at: slot * 60, expected: .delivered)
                if restarts { probe.restart() }
                let verdict: Verdict = [.delivered, .delivered, .dropped, .lost][random.next(4)]
                let path = [nil, Self.path(), Self.path("a")][random.next(3)]
                probe.told += Self.words(
                    probe.field.end(verdict, at: slot * 60 + random.next(50), by: path))
            }
            return probe.told
        }
        #expect(story(restarts: true) == story(restarts: false))
    }
}
