import Cluster
import Foundation
import JobLog
import Scheduler
import Testing
import TraceLog
import Traceflow

@testable import Worker

/// Schedules on a real log, decided and run, with a clock that is set by hand.
struct ScheduleWorkerTests {
    /// One worker, a step at a time.
    final class Plant {
        let folder = NSTemporaryDirectory() + "tracectl-plant-\(UUID().uuidString)"
        let hand = HandClock()
        let log: JobLog
        let coding: TraceCoding
        let clusters: ClusterStore
        private var deciding: Deciding
        private var execution: Execution
        private let outbox = Execution.Outbox()
        private var workers = 0

        init() throws {
            log = try JobLog.openTraces(
                folder, access: .create, durability: .off, clock: hand.clock)
            coding = TraceCoding(log: log)
            clusters = ClusterStore(log: log)
            (deciding, execution) = Self.parts(log, coding, clusters, hand.clock, outbox, 0)
            try observe(Stage.manifests)
        }

        deinit { try? FileManager.default.removeItem(atPath: folder) }

        private static func parts(
            _ log: JobLog, _ coding: TraceCoding, _ clusters: ClusterStore, _ clock: Clock,
            _ outbox: Execution.Outbox, _ number: Int
        ) -> (Deciding, Execution) {
            let options = Worker.Options(id: "w\(number)")
            let backend = SimulatedBackend(world: clusters, clock: clock, seed: 1)
            return (
                Deciding(
                    log: log, coding: coding, clock: clock, options: options, inFlightMax: 100,
                    plans: SweepPlans(clusters: clusters), runs: ScheduleRuns(clusters: clusters)),
                Execution(
                    log: log, coding: coding, backend: backend, clock: clock, options: options,
                    outbox: outbox, after: (try? log.lastPosition()) ?? 0)
            )
        }

        func observe(_ text: String) throws {
            let resources = try ManifestReader.read(text: text, file: "plant.yaml")
            _ = try clusters.observe(resources, Cluster(resources))
        }

        /// Another worker takes the place of this one, which hands nothing over.
        func restart() throws {
            workers += 1
            hand.pass(30_000_000)
            (deciding, execution) = Self.parts(
                log, coding, clusters, hand.clock, outbox, workers)
        }

        /// Somebody sets the state down, and another worker begins from there.
        func checkpoint(_ snapshot: SchedulerSnapshot? = nil) throws {
            let state = try snapshot ?? coding.replayed().snapshot
            try log.append(
                AppendRequest(drafts: [
                    try coding.draft(.checkpoint(state), stream: .existing(JobLog.ownStream))
                ]))
            // The same one again: time goes on as it would have.
            try deciding.handOver()
            workers += 1
            (deciding, execution) = Self.parts(
                log, coding, clusters, hand.clock, outbox, workers)
        }

        /// Works until there is nothing to be done at this moment.
        func work() throws {
            var isBusy = true
            while isBusy {
                let decided = try deciding.step(isDraining: false)
                let ran = try execution.step(
                    report: { [outbox] in outbox.put($0) }, observe: { _ in })
                isBusy = decided || ran
            }
        }

        /// Lets time go by in steps, and works after each.
        func pass(seconds: Int, step: Int = 1) throws {
            for _ in stride(from: 0, to: seconds, by: step) {
                hand.pass(Int64(step) * 1_000_000)
                try work()
            }
        }

        var book: ScheduleBook { ScheduleBook(log: log, clock: hand.clock) }

        func save(
            _ name: String, every seconds: Int64 = 60,
            _ change: (inout ScheduleSpec) -> Void = { _ in }
        ) throws {
            let template = TraceTemplate(
                spec: TraceflowSpec(
                    source: .init(namespace: "t", pod: "a"),
                    destination: .init(namespace: "t", pod: "b")))
            var spec = ScheduleSpec(
                name: name, timing: .every(seconds: seconds), work: .trace(template))
            change(&spec)
            _ = try book.save(spec)
        }

        func events(_ name: String) throws -> [ScheduleEvent] {
            guard let id = try book.id(named: name) else { return [] }
            return try book.events(of: id, limit: 10_000).reversed().map(\.event)
        }

        func slots(_ name: String) throws -> [Int] {
            try events(name).compactMap {
                if case .fired(let firing) = $0 { Int(firing.slot.seconds) } else { nil }
            }
        }
    }

    static let lock = """

        ---
        {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy,
         metadata: {name: lock, namespace: t}, spec: {podSelector: {}}}
        """

    @Test func everySlotBeginsATraceThatIsCalledByIt() throws {
        let plant = try Plant()
        try plant.save("probe")
        try plant.pass(seconds: 200)
        // The clock began at second 1000.
        #expect(try plant.slots("probe") == [1020, 1080, 1140, 1200])
        let id = try #require(try plant.book.id(named: "probe"))
        let stream = try #require(
            try plant.book.stream(ofSlot: "1970-01-01T00:18:00Z", of: id))
        let first = try #require(try plant.log.read(stream: stream).first)
        guard case .trace(.requested(let request)) = try plant.coding.event(first) else {
            Issue.record("no request")
            return
        }
        #expect(request.name == "schedule/probe/1970-01-01T00:18:00Z")
        let last = try #require(try plant.log.read(stream: stream).last)
        #expect(last.type == LogEventType.traceSucceeded.rawValue)
        #expect(try plant.book.stream(ofSlot: "1970-01-01T00:18:01Z", of: id) == nil)
    }

    @Test func whoTakesOverRepeatsAndLosesNoSlot() throws {
        let plant = try Plant()
        try plant.save("probe", every: 10) { $0.missed = .all(max: 100) }
        for _ in 0..<8 {
            try plant.pass(seconds: 23)
            try plant.restart()
        }
        try plant.pass(seconds: 30)
        let slots = try plant.slots("probe")
        #expect(slots == Array(stride(from: 1010, through: slots.last ?? 0, by: 10)))
        #expect(slots.count > 40)
    }

    @Test func anEditThatClosesThePathBreaksTheProbeAndItsTakingBackHealsIt() throws {
        let plant = try Plant()
        try plant.save("probe") {
            $0.expectation = .verdict(.delivered)
            $0.failureThreshold = 2
        }
        try plant.pass(seconds: 100)
        try plant.observe(Stage.manifests + Self.lock)
        try plant.pass(seconds: 120)
        #expect(try plant.book.entry(named: "probe").life.isBroken)
        try plant.observe(Stage.manifests)
        try plant.pass(seconds: 60)
        #expect(try !plant.book.entry(named: "probe").life.isBroken)
        let changes = try plant.events("probe").compactMap { event -> String? in
            switch event {
            case .probeBroken(let change): "broken \(change.slot.seconds) \(change.verdict)"
            case .probeHealthy(let change): "healthy \(change.slot.seconds) \(change.verdict)"
            case _: nil
            }
        }
        #expect(changes == ["broken 1200 dropped", "healthy 1260 delivered"])
    }

    @Test func whatTheModelSaysIsExpectedOfTheClusterAsItIsThen() throws {
        let plant = try Plant()
        try plant.save("probe") {
            $0.expectation = .model
            $0.failureThreshold = 1
        }
        try plant.pass(seconds: 100)
        try plant.observe(Stage.manifests + Self.lock)
        try plant.pass(seconds: 60)
        let expected = try plant.events("probe").compactMap { event -> Verdict? in
            if case .fired(let firing) = event { firing.expected } else { nil }
        }
        #expect(expected == [.delivered, .delivered, .dropped])
        #expect(try !plant.book.entry(named: "probe").life.isBroken)
    }

    @Test func aScheduleOfSweepsSweepsTheClusterAsItIsThen() throws {
        let plant = try Plant()
        try plant.save("nightly", every: 100) {
            $0.work = .sweep(
                SweepRequest(pairs: SweepPairs(ports: [.init(protocol: "TCP", number: 80)])))
        }
        try plant.pass(seconds: 110)
        let sweeps = try SweepBook(log: plant.log).all()
        #expect(sweeps.map(\.tally.delivered) == [2])
        #expect(sweeps.first?.request.schedule == (try plant.book.id(named: "nightly")))
        #expect(try plant.book.entry(named: "nightly").life.runs == [])
    }

    @Test func whatCannotBeginIsMissedAndSaysSo() throws {
        let plant = try Plant()
        try plant.save("nobody", every: 100) {
            $0.work = .sweep(
                SweepRequest(
                    pairs: SweepPairs(
                        from: "app=none", ports: [.init(protocol: "TCP", number: 80)])))
        }
        try plant.pass(seconds: 110)
        guard case .missed(let missed) = try plant.events("nobody").last else {
            Issue.record("it was not missed")
            return
        }
        #expect(missed.reason == .unable)
        #expect(try plant.coding.replayed().invariantFaults() == [])
    }

    @Test func aSlotReplacesWhatTheOneBeforeBegan() throws {
        let plant = try Plant()
        try plant.save("live", every: 30) {
            $0.concurrency = .replace
            // Nobody sends anything, so each waits for its deadline.
            $0.work = .trace(
                TraceTemplate(
                    spec: TraceflowSpec(
                        source: .init(namespace: "t", pod: "a"), liveTraffic: true, timeout: 300),
                    retries: 2))
        }
        try plant.pass(seconds: 100)
        #expect(try plant.slots("live").count == 3)
        #expect(try plant.book.entry(named: "live").life.runs.count == 1)
        var reasons: [String] = []
        try plant.log.scan(after: 0) { row in
            if case .failed(_, let reason) = try plant.coding.end(of: row) {
                reasons.append(reason)
            }
        }
        #expect(reasons == ["Cancelled", "Cancelled"])
    }

    /// The second member is due in the very moment in which the next slot replaces the sweep.
    @Test func aReplacedSweepAsksForNoMore() throws {
        let plant = try Plant()
        try plant.save("nightly", every: 60) {
            $0.concurrency = .replace
            $0.work = .sweep(
                SweepRequest(
                    pairs: SweepPairs(ports: [.init(protocol: "TCP", number: 80)]),
                    intervalMicroseconds: 60_000_000))
        }
        try plant.pass(seconds: 200, step: 20)
        let sweeps = try SweepBook(log: plant.log).all()
        #expect(sweeps.map(\.phase) == [.running, .cancelled, .cancelled, .cancelled])
        #expect(sweeps.map(\.expanded) == [1, 1, 1, 1])
        #expect(try plant.coding.replayed().invariantFaults() == [])
    }

    /// Somebody's wish comes between the last look at the log and the transaction.
    private final class WishBetween: ScheduleRunning {
        private let runs: ScheduleRuns
        private let wish: () throws -> Void
        private var hasCome = false

        init(_ runs: ScheduleRuns, _ wish: @escaping () throws -> Void) {
            self.runs = runs
            self.wish = wish
        }

        func zone(_ name: String, around moment: Moment) -> ZoneOffsets? {
            if !hasCome {
                hasCome = true
                do { try wish() } catch { Issue.record(error) }
            }
            return runs.zone(name, around: moment)
        }

        func prepare() throws { try runs.prepare() }

        func run(
            of spec: ScheduleSpec, _ id: ScheduleID, at slot: Moment
        ) throws -> ScheduledRun { try runs.run(of: spec, id, at: slot) }
    }

    @Test func aSlotThatComesWithinATransactionIsBegunByTheNext() throws {
        let plant = try Plant()
        try plant.save("probe", every: 86_400)
        let entry = try plant.book.entry(named: "probe")
        let between = WishBetween(ScheduleRuns(clusters: plant.clusters)) {
            _ = try plant.book.record(.runRequested, of: entry)
        }
        let lease = try #require(
            try plant.log.acquireLease(
                role: LeaseKeeper.deciderRole, holder: "d", durationMicroseconds: 60_000_000))
        var decider = Decider(
            log: plant.log, coding: plant.coding, clock: plant.hand.clock,
            leaseMicroseconds: 60_000_000, checkpoints: CheckpointOptions(), plans: nil,
            runs: between)
        #expect(try decider.decide(holding: lease, executors: [], profile: nil))
        // It is there, and nobody has looked at the cluster for it.
        #expect(try plant.slots("probe") == [])
        while try decider.decide(holding: lease, executors: [], profile: nil) {}
        #expect(try plant.slots("probe").count == 1)
        #expect(
            try plant.events("probe").allSatisfy {
                if case .missed = $0 { false } else { true }
            })
    }

    @Test func whoWasDeletedMeanwhileIsLeftAlone() throws {
        let plant = try Plant()
        try plant.save("p")
        let entry = try plant.book.entry(named: "p")
        #expect(try plant.book.record(.deleted, of: entry))
        try plant.save("p")
        for event in [ScheduleEvent.deleted, .paused, .runRequested] {
            #expect(try !plant.book.record(event, of: entry))
        }
        #expect(try plant.book.entry(named: "p").id != entry.id)
    }

    @Test func saidTwiceItIsUnchangedAndOtherwiseConfigured() throws {
        let plant = try Plant()
        let spec = ScheduleSpec(
            name: "p", timing: .every(seconds: 60), work: .trace(TraceTemplate(spec: .init())))
        #expect(try plant.book.save(spec) == .created)
        #expect(try plant.book.save(spec) == .unchanged)
        #expect(try plant.book.save(spec, isPaused: true) == .configured)
        var other = spec
        other.jitterSeconds = 5
        #expect(try plant.book.save(other, isPaused: true) == .configured)
        let entry = try plant.book.entry(named: "p")
        #expect(try plant.book.record(.deleted, of: entry))
        #expect(throws: Refusal.self) { try plant.book.entry(named: "p") }
        #expect(try plant.book.save(spec) == .created)
    }

    /// Logs hold selectors as people typed them once.
    @Test func selectorsThatMeanTheSameAreUnchanged() throws {
        let plant = try Plant()
        func spec(_ from: String) -> ScheduleSpec {
            let pairs = SweepPairs(from: from, ports: [.init(protocol: "TCP", number: 80)])
            return ScheduleSpec(
                name: "p", timing: .every(seconds: 60), work: .sweep(SweepRequest(pairs: pairs)))
        }
        #expect(try plant.book.save(spec("metadata.namespace in (shop),b,a=x")) == .created)
        #expect(try plant.book.save(spec("a in (x), b,metadata.namespace=shop")) == .unchanged)
        #expect(try plant.book.save(spec("a in (x,y),b,metadata.namespace=shop")) == .configured)
    }
}
