import Cluster
import Foundation
import JobLog
import Scheduler
import Synchronization
import Testing
import TraceLog
import Traceflow
import Worker

struct WorkerTests {
    @Test func aRequestedTraceRunsToItsVerdict() throws {
        let stage = try Stage()
        let ids = try stage.request([stage.manifest("x")])
        try stage.finish(stage.worker())
        let trace = try #require(try stage.trace(ids[0]))
        #expect(trace.phase == .succeeded)
        #expect(trace.verdict == .delivered)
        #expect(trace.results.map(\.node) == ["n1", "n2"])
    }

    @Test func anAgentsErrorFailsTheTrace() throws {
        let stage = try Stage()
        let ids = try stage.request([stage.manifest("x", to: "nope")])
        try stage.finish(stage.worker())
        #expect(
            try stage.trace(ids[0])?.reason
                == "Node: n1, error: failed to get the destination Pod: pods \"nope\" not found")
    }

    @Test func aSilentDataPlaneEndsByTheDeadlineAndNotMuchLater() throws {
        let stage = try Stage()
        let ids = try stage.request([stage.manifest("x", timeout: 1)])
        try stage.finish(stage.worker(backend: SilentBackend()))
        let events = try stage.log.read(stream: ids[0].rawValue)
        guard case .trace(.tagAllocated(let allocation)) = try stage.coding.event(events[1]) else {
            Issue.record("no tag was allocated")
            return
        }
        let late = try #require(events.last).recordedAt - allocation.deadline.microseconds
        #expect(late > 0)
        #expect(late < 100_000, "\(late) microseconds after the deadline")
        #expect(try stage.trace(ids[0])?.reason == "Traceflow timeout")
    }

    @Test func withFourteenTagsAThousandTracesAreStartedInOrder() throws {
        let stage = try Stage()
        let ids = try stage.request((1...1000).map { stage.manifest("t\($0)") })
        try stage.finish(stage.worker(inFlightMax: 1000, profile: .antrea))
        var started: [TraceID] = []
        var running = 0
        var runningMost = 0
        for recorded in try stage.log.read(after: 0, limit: 100_000) {
            guard case .trace(let event) = try stage.coding.event(recorded) else { continue }
            if case .tagAllocated = event {
                started.append(TraceID(recorded.stream))
                running += 1
            }
            if case .succeeded = event { running -= 1 }
            runningMost = max(runningMost, running)
        }
        #expect(started == ids)
        #expect(runningMost == TagPool.tags.count)
    }

    @Test func whatComesTwiceOrLateOrInDisorderChangesNothing() throws {
        let stage = try Stage()
        let faults = Faults(
            latencyMillisecondsMax: 5, doublingPercent: 50, reorderingPercent: 50)
        let ids = try stage.request((1...50).map { stage.manifest("t\($0)") })
        try stage.finish(stage.worker(faults: faults))
        for id in ids {
            #expect(try stage.trace(id)?.verdict == .delivered)
            #expect(try stage.endings(id) == [1: 1])
        }
    }

    @Test func aLostReportIsWaitedForAndThenRetried() throws {
        let stage = try Stage()
        let ids = try stage.request([stage.manifest("x", timeout: 1)])
        try stage.finish(stage.worker(faults: Faults(lossPercent: 100)))
        #expect(try stage.trace(ids[0])?.phase == .failed)
    }

    @Test func twoWorkersShareTheWorkAndRunEachAttemptOnce() throws {
        let stage = try Stage()
        let ids = try stage.request((1...200).map { stage.manifest("t\($0)") })
        let workers = ["one", "two"].map { stage.worker($0, inFlightMax: 4) }
        let left = Mutex(Set(ids))
        DispatchQueue.concurrentPerform(iterations: 2) { index in
            do {
                try workers[index].run(
                    after: 0,
                    observe: { event in
                        if event.type == LogEventType.traceSucceeded.rawValue {
                            left.withLock { _ = $0.remove(TraceID(event.stream)) }
                        }
                    }, isDone: { _ in left.withLock { $0.isEmpty } })
            } catch {
                Issue.record(error)
            }
        }
        for id in ids { #expect(try stage.endings(id) == [1: 1]) }
        #expect(try stage.log.verify().faults == [])
    }

    @Test func stoppingHandsOverAtOnce() throws {
        let stage = try Stage()
        let worker = stage.worker()
        let thread = Thread { worker.stop() }
        thread.start()
        try worker.run(after: 0, observe: { _ in }, isDone: { _ in false })
        #expect(try stage.log.leases(rolePrefix: "") == [])
    }

    @Test func whoDecidesForgetsTheExecutorsThatAreGone() throws {
        let stage = try Stage()
        func lease(_ executor: String, for microseconds: Int64) throws -> Lease {
            try #require(
                try stage.log.acquireLease(
                    role: "executor/" + executor, holder: "1",
                    durationMicroseconds: microseconds))
        }
        let alive = try lease("alive", for: 60_000_000)
        // One whose time is over, as a killed worker leaves it behind for ever.
        #expect(try lease("gone", for: 0).epoch == 1)
        try stage.finish(stage.worker())
        #expect(try lease("gone", for: 0).epoch == 1, "nothing of it was left")
        #expect(try stage.log.renewLease(alive, durationMicroseconds: 1).epoch == alive.epoch)
    }
}

/// A worker that dies leaves a prefix of its events behind, whatever the prefix.
struct CrashTests {
    @Test func fromEveryStepATraceComesToExactlyOneEndOfItsLastAttempt() throws {
        let whole = try Stage()
        let id = try whole.request([whole.manifest("x")])[0]
        try whole.finish(whole.worker("first"))
        let history = try whole.log.read(stream: id.rawValue)
        #expect(history.count == 5)
        for step in 1...history.count {
            // The log as it was when the worker died after `step` events of the trace.
            let stage = try Stage()
            let stream = try stage.log.append(
                AppendRequest(
                    newStreams: [NewStream(family: "trace", name: "x")],
                    drafts: history.prefix(step).map {
                        try stage.coding.draft(whole.coding.event($0), stream: .new(0))
                    })
            ).streams[0]
            try stage.finish(stage.worker("second"))
            let trace = try #require(try stage.trace(TraceID(stream)))
            #expect(trace.phase == .succeeded, "died after step \(step)")
            let endings = try stage.endings(TraceID(stream))
            #expect(endings[trace.attempt] == 1, "died after step \(step)")
            #expect(endings.values.reduce(0, +) == 1, "died after step \(step)")
            // Reports that were complete before the death count; the others are asked for again.
            #expect(trace.attempt == (step == 2 || step == 3 ? 2 : 1), "died after step \(step)")
        }
    }
}

/// What every backend must do.
struct BackendConformanceTests {
    static func attempt(_ stage: Stage, _ manifest: TraceflowManifest) -> StartedAttempt {
        StartedAttempt(
            trace: TraceID(7), attempt: 3, tag: 11, deadline: Moment(microseconds: 0),
            request: TraceRequest(
                name: manifest.name, apiVersion: manifest.apiVersion, spec: manifest.spec,
                clusterDigest: stage.digest))
    }

    private func reports(
        of backend: any Backend, _ attempt: StartedAttempt
    ) -> [BackendReport] {
        let reports = Mutex<[BackendReport]>([])
        backend.start(attempt) { report in reports.withLock { $0.append(report) } }
        backend.stop(attempt.trace, attempt: attempt.attempt)
        return reports.withLock { $0 }
    }

    @Test func reportsNameTheirTraceAttemptAndNode() throws {
        let stage = try Stage()
        let backend = SimulatedBackend(world: stage.store, seed: 1)
        let got = reports(of: backend, Self.attempt(stage, stage.manifest("x")))
        #expect(got.map(\.trace) == [TraceID(7), TraceID(7)])
        #expect(got.map(\.id.attempt) == [3, 3])
        #expect(got.map(\.id.node) == ["n1", "n2"])
        #expect(Set(got.map(\.id)).count == got.count)
    }

    @Test func whatCannotStartIsReportedAsTheNodesError() throws {
        let stage = try Stage()
        let backend = SimulatedBackend(world: stage.store, seed: 1)
        let got = reports(of: backend, Self.attempt(stage, stage.manifest("x", to: "nope")))
        guard case .said(.failed) = got.first?.content else {
            Issue.record("expected an error, got \(got)")
            return
        }
    }

    @Test func liveTrafficThatNeverComesIsSilence() throws {
        let stage = try Stage()
        let backend = SimulatedBackend(world: stage.store, seed: 1)
        #expect(reports(of: backend, Self.attempt(stage, stage.manifest("x", live: true))).isEmpty)
    }

    @Test func anUnknownClusterIsAnErrorAndNoCrash() throws {
        let stage = try Stage()
        let backend = SimulatedBackend(world: stage.store, seed: 1)
        var attempt = Self.attempt(stage, stage.manifest("x"))
        attempt.request.clusterDigest = [0]
        guard case .said(.failed) = reports(of: backend, attempt).first?.content else {
            Issue.record("expected an error")
            return
        }
    }

    @Test(arguments: 1...5)
    func theSameSeedMakesTheSameFaults(seed: UInt64) throws {
        let stage = try Stage()
        let faults = Faults(lossPercent: 30, doublingPercent: 30, crashPercent: 20)
        let runs = (1...2).map { _ in
            let backend = SimulatedBackend(world: stage.store, seed: seed, faults: faults)
            return (1...20).flatMap { _ in
                reports(of: backend, Self.attempt(stage, stage.manifest("x")))
            }
        }
        #expect(runs[0] == runs[1])
    }
}

struct ClusterStoreTests {
    @Test func aClusterIsFoundAgainByItsDigestAlthoughItChangedSince() throws {
        let stage = try Stage()
        let changed = try ManifestReader.read(
            text: "{apiVersion: v1, kind: Node, metadata: {name: other}}", file: "x")
        let other = try stage.store.observe(changed, Cluster(changed))
        #expect(other != stage.digest)
        let fresh = ClusterStore(log: stage.log)
        var request = TraceRequest(name: "x", apiVersion: .v1beta1, spec: TraceflowSpec())
        request.clusterDigest = stage.digest
        #expect(try fresh.pathFinder(for: request).cluster.nodeNames == ["n1", "n2"])
        #expect(try fresh.latest()?.cluster.nodeNames == ["other"])
    }

    @Test func observingTheSameAgainRecordsNothing() throws {
        let stage = try Stage()
        let position = try stage.log.lastPosition()
        let resources = try ManifestReader.read(text: Stage.manifests, file: "elsewhere.yaml")
        #expect(try stage.store.observe(resources, Cluster(resources)) == stage.digest)
        #expect(try stage.log.lastPosition() == position)
    }
}
