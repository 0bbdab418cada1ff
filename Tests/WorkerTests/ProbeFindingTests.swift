import Cluster
import Foundation
import History
import JobLog
import Scheduler
import Testing
import TraceLog
import Traceflow

@testable import Worker

/// Probes whose cluster is changed under them, on a real log: what is told, and of which edit.
struct ProbeFindingTests {
    typealias Plant = ScheduleWorkerTests.Plant

    /// A Service before a Deployment's Pods, which are here by name, address, node and readiness.
    static func shop(_ pods: [(name: String, address: Int, node: Int, isReady: Bool)]) -> String {
        let service = """

            ---
            {apiVersion: v1, kind: Service, metadata: {name: web, namespace: t},
             spec: {clusterIP: 10.96.0.9, selector: {app: web}, ports: [{port: 80}]}}
            """
        return Stage.manifests + service
            + pods.map { pod in
                """

                ---
                {apiVersion: v1, kind: Pod,
                 metadata: {name: \(pod.name), namespace: t, labels: {app: web}},
                 spec: {nodeName: n\(pod.node)},
                 status: {podIP: 10.0.\(pod.node).\(pod.address),
                          conditions: [{type: Ready, status: "\(pod.isReady ? "True" : "False")"}]}}
                """
            }.joined()
    }

    static let before = [("web-1", 21, 2, true), ("web-2", 22, 1, true)]

    /// Each Pod goes, its successor comes on another node under another name and address, and is
    /// ready only later; in between nobody is ready at all.
    static let rollingRestart: [[(String, Int, Int, Bool)]] = [
        [("web-1", 21, 2, false), ("web-2", 22, 1, true)],
        [("web-3", 23, 1, false), ("web-2", 22, 1, true)],
        [("web-3", 23, 1, false), ("web-2", 22, 1, false)],
        [("web-3", 23, 1, false), ("web-4", 24, 2, false)],
        [("web-3", 23, 1, true), ("web-4", 24, 2, false)],
        [("web-3", 23, 1, true), ("web-4", 24, 2, true)],
    ]

    /// A policy that lets the packets in, under a name.
    static func allow(_ name: String) -> String {
        """

        ---
        {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy,
         metadata: {name: \(name), namespace: t},
         spec: {podSelector: {}, ingress: [{ports: [{port: 80}]}]}}
        """
    }

    static let lock = ScheduleWorkerTests.lock

    private func probe(
        _ plant: Plant, _ change: (inout ScheduleSpec) -> Void = { _ in }
    ) throws {
        try plant.save("probe") {
            $0.work = .trace(
                TraceTemplate(
                    spec: TraceflowSpec(
                        source: .init(namespace: "t", pod: "a"),
                        destination: .init(namespace: "t", service: "web"),
                        packet: Packet(
                            ipHeader: IPHeader(protocol: 6),
                            transportHeader: TransportHeader(tcp: TCPHeader(dstPort: 80))))))
            $0.expectation = .verdict(.delivered)
            ($0.failureThreshold, $0.settleSeconds) = (1, 30)
            change(&$0)
        }
    }

    /// What was said, and when that was recorded, in seconds.
    private func told(_ plant: Plant) throws -> [(at: Int, change: ProbeChange)] {
        let id = try #require(try plant.book.id(named: "probe"))
        return try plant.book.events(of: id, limit: 10_000).reversed().compactMap { entry in
            switch entry.event {
            case .probeBroken(let change), .probeHealthy(let change), .pathChanged(let change):
                (Int(entry.at.seconds), change)
            case _: nil
            }
        }
    }

    /// What changed in the cluster between the two runs of the flip that the finding is of.
    private func edits(_ plant: Plant, of finding: ProbeChange) throws -> [String] {
        let id = try #require(try plant.book.id(named: "probe"))
        let (history, past) = try past(plant)
        let flips = ProbeHistory.flips(
            in: try history.runs(of: id), findings: try history.findings(of: id))
        let flip = try #require(flips.first { $0.finding == finding })
        let (old, new) = (flip.before.record.clusterDigest, flip.after.record.clusterDigest)
        return try past.changes(
            from: (try #require(old), flip.before.record.position),
            to: (try #require(new), flip.after.record.position)
        ).map { "\($0.reference.kind) \($0.reference.name) \($0.kind.rawValue)" }
    }

    private func past(_ plant: Plant) throws -> (ProbeHistory, ClusterPast) {
        let history = try History(of: plant.log)
        try history.catchUp()
        return (
            ProbeHistory(log: plant.log, history: history),
            ClusterPast(log: plant.log, history: history)
        )
    }

    /// Whatever the moment of the edit, within the minute between two runs.
    @Test(arguments: [0, 1, 19, 20, 29, 31, 45, 59])
    func anEditIsFoundWithinAnIntervalAndTheWindowAndNamed(offset: Int) throws {
        let plant = try Plant()
        try plant.observe(Self.shop(Self.before))
        try probe(plant)
        try plant.pass(seconds: 141 + offset)
        let edit = Int(plant.hand.clock.now().seconds)
        try plant.observe(Self.shop(Self.before) + Self.lock)
        try plant.pass(seconds: 91)
        let told = try told(plant)
        let finding = try #require(told.first)
        #expect(told.count == 1)
        #expect(finding.change.kind == .broken)
        #expect(finding.at <= edit + 60 + 30)
        #expect(try edits(plant, of: finding.change) == ["NetworkPolicy lock appeared"])
    }

    @Test func aRollingRestartOfTheSamePodsIsNoFinding() throws {
        for settle in [Int64(30), 0] {
            let plant = try Plant()
            try plant.observe(Self.shop(Self.before))
            try probe(plant) { $0.settleSeconds = settle }
            try plant.pass(seconds: 145)
            for step in Self.rollingRestart {
                try plant.observe(Self.shop(step))
                try plant.pass(seconds: 25)
            }
            try plant.pass(seconds: 240)
            // The trace to nobody ran out of time, and was recorded.
            let id = try #require(try plant.book.id(named: "probe"))
            let verdicts = Set(try past(plant).0.runs(of: id).map(\.verdict))
            #expect(verdicts == [.delivered, .unknown])
            // Without a window it would have been told.
            #expect(try told(plant).map(\.change.kind) == (settle > 0 ? [] : [.broken, .healthy]))
            #expect(try plant.book.entry(named: "probe").life.held == nil)
        }
    }

    @Test func anotherPolicyThatAllowsTheSameIsFoundAndNamed() throws {
        let plant = try Plant()
        try plant.observe(Self.shop(Self.before) + Self.allow("old"))
        try probe(plant)
        try plant.pass(seconds: 145)
        // Another policy, and another endpoint on another node at the same time.
        try plant.observe(Self.shop([("web-9", 29, 1, true)]) + Self.allow("new"))
        try plant.pass(seconds: 240)
        let told = try told(plant)
        let finding = try #require(told.first?.change)
        #expect(told.count == 1)
        #expect(finding.kind == .pathChanged)
        #expect(finding.verdict == .delivered)
        // The one at 1140 lay within no window, that at 1200 did not either: the edit was at 1145.
        #expect(finding.slot.seconds == 1200)
        #expect(
            try Set(edits(plant, of: finding)).isSuperset(of: [
                "NetworkPolicy old vanished", "NetworkPolicy new appeared",
            ]))
    }

    /// The flip is held back; what is told later names the edit before the flip.
    @Test func aPathThatIsToldLateStillNamesItsEdit() throws {
        let plant = try Plant()
        try plant.observe(Self.shop(Self.before) + Self.allow("old"))
        try probe(plant)
        try plant.pass(seconds: 190)
        try plant.observe(Self.shop(Self.before) + Self.allow("new"))
        try plant.pass(seconds: 120)
        let finding = try #require(try told(plant).first?.change)
        #expect(finding.slot.seconds == 1260)
        #expect(finding.path?.beforeSlot.seconds == 1140)
        #expect(
            try edits(plant, of: finding) == [
                "NetworkPolicy new appeared", "NetworkPolicy old vanished",
            ])
    }

    @Test func aClusterThatNeverRestsDoesNotSilenceAProbe() throws {
        let plant = try Plant()
        try plant.observe(Self.shop(Self.before))
        try probe(plant)
        try plant.pass(seconds: 145)
        let begin = Int(plant.hand.clock.now().seconds)
        for number in 0..<25 {
            // Another Pod comes and goes every twenty seconds.
            try plant.observe(
                Self.shop(Self.before + [("more-\(number)", 40, 2, true)]) + Self.lock)
            try plant.pass(seconds: 20)
        }
        let told = try told(plant)
        #expect(told.map(\.change.kind) == [.broken])
        let at = try #require(told.first?.at)
        #expect(at <= begin + 10 * 30 + 60 + 20)
        #expect(told.first.map { $0.change.mismatches > 3 } == true)
    }

    @Test func inMaintenanceRunsAreRecordedAndCountForNothing() throws {
        let plant = try Plant()
        try plant.observe(Self.shop(Self.before))
        let begin = Moment(microseconds: 1_150_000_000)
        try probe(plant) {
            $0.settleSeconds = 0
            $0.maintenance = [
                Maintenance(beginning: .once(begin), durationSeconds: 180, reason: "new switches")
            ]
        }
        try plant.pass(seconds: 155)
        try plant.observe(Self.shop(Self.before) + Self.lock)
        try plant.pass(seconds: 60)
        let entry = try plant.book.entry(named: "probe")
        #expect(entry.isInMaintenance)
        #expect(entry.maintenance?.upperBound.seconds == 1330)
        #expect(entry.maintenanceReason == "new switches")
        // Taken back before it is over: nobody was ever told.
        try plant.observe(Self.shop(Self.before))
        try plant.pass(seconds: 180)
        #expect(try told(plant).isEmpty)
        let id = try #require(try plant.book.id(named: "probe"))
        let runs = try past(plant).0.runs(of: id)
        #expect(runs.filter { $0.verdict == .dropped }.map(\.slot.seconds) == [1200])
        #expect(runs.filter(\.isExcused).map(\.slot.seconds) == [1200, 1260, 1320])
        let uptime = ProbeUptime(runs)
        #expect(uptime.outages == [])
        #expect(uptime.days.map(\.excused) == [3])
        #expect(uptime.days.map(\.runs) == [runs.count - 3])
        // One that is not taken back is found when it is over.
        #expect(try !plant.book.entry(named: "probe").isInMaintenance)
    }

    @Test func whatMaintenanceLeftBehindIsFoundAtTheNextResult() throws {
        let plant = try Plant()
        try plant.observe(Self.shop(Self.before))
        try probe(plant) {
            $0.maintenance = [
                Maintenance(
                    beginning: .once(Moment(microseconds: 1_150_000_000)), durationSeconds: 180)
            ]
        }
        try plant.pass(seconds: 155)
        try plant.observe(Self.shop(Self.before) + Self.lock)
        try plant.pass(seconds: 300)
        #expect(try told(plant).map(\.change.slot.seconds) == [1380])
        #expect(try told(plant).map(\.change.mismatches) == [1])
    }

    /// The fold of the log from its checkpoint and from its first event, at every moment.
    @Test func whoTakesOverInTheMidstOfAWindowDecidesTheSame() throws {
        func story(restarts: Bool) throws -> [String] {
            let plant = try Plant()
            try plant.observe(Self.shop(Self.before) + Self.allow("old"))
            try probe(plant) { $0.failureThreshold = 2 }
            try plant.pass(seconds: 150)
            try plant.observe(Self.shop(Self.before) + Self.allow("new"))
            for _ in 0..<4 {
                try plant.pass(seconds: 30)
                if restarts { try plant.checkpoint() }
                try expectSameFold(plant)
            }
            try plant.observe(Self.shop(Self.before) + Self.lock)
            for _ in 0..<6 {
                try plant.pass(seconds: 30)
                if restarts { try plant.checkpoint() }
                try expectSameFold(plant)
            }
            return try told(plant).map {
                "\($0.change.kind) \($0.change.slot.seconds) \($0.change.mismatches)"
            }
        }
        let calm = try story(restarts: false)
        #expect(calm.count == 2)
        #expect(try story(restarts: true) == calm)
    }

    private func expectSameFold(_ plant: Plant, hasChanged: Bool = true) throws {
        var whole = SchedulerState()
        try plant.log.scan(after: 0) { try plant.coding.fold($0, into: &whole) }
        let replayed = try plant.coding.replayed()
        #expect(replayed == whole)
        #expect((whole.clusterChangedAt != nil) == hasChanged)
        #expect(replayed.invariantFaults() == [])
    }

    /// A checkpoint of an earlier version tells nothing of paths: whoever folds on, from it or from
    /// the first event, knows the same from there.
    @Test func anOlderCheckpointIsWhereEverybodyGoesOn() throws {
        let plant = try Plant()
        try plant.observe(Self.shop(Self.before))
        try probe(plant)
        try plant.pass(seconds: 145)
        try plant.observe(Self.shop(Self.before) + Self.allow("new"))
        let state = try plant.coding.replayed()
        #expect(state.schedules.values.first?.found != nil)
        let older = state.snapshot.reduced(to: .withoutFindings)
        try plant.checkpoint(older)
        try expectSameFold(plant, hasChanged: false)
        #expect(try plant.coding.replayed() == SchedulerState(snapshot: older))
        try plant.pass(seconds: 120)
        try expectSameFold(plant, hasChanged: false)
        #expect(try told(plant).isEmpty)
    }

    /// The first cluster of a log is no change, nor is one that is said again.
    @Test func onlyWhatIsAnotherClusterIsAChange() throws {
        let plant = try Plant()
        #expect(try plant.coding.replayed().clusterChangedAt == nil)
        try plant.observe(Stage.manifests)
        #expect(try plant.coding.replayed().clusterChangedAt == nil)
        plant.hand.pass(1_000_000)
        try plant.observe(Stage.manifests + Self.lock)
        #expect(try plant.coding.replayed().clusterChangedAt == plant.hand.clock.now())
    }
}
