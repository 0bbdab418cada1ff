import Cluster
import Foundation
import JobLog
import Scheduler
import Synchronization
import Testing
import TraceLog
import Traceflow
import Worker

/// Traces in a log that goes on in new segments while they run.
struct SegmentTests {
    /// As soon as a segment has its hundred events.
    private static let smallest = SegmentLimits(bytesMax: 1)

    private func roll(_ stage: Stage) throws {
        let lease = try #require(
            try stage.log.acquireLease(
                role: "decider", holder: "roller", durationMicroseconds: 10_000_000))
        var decider = Decider(
            log: stage.log, coding: stage.coding, clock: .system, leaseMicroseconds: 10_000_000)
        try decider.roll(holding: lease)
        try stage.log.releaseLease(lease)
    }

    private func drop(_ segment: Int, _ stage: Stage) throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: stage.folder)
        where name.hasPrefix("00000\(segment).db") {
            try FileManager.default.removeItem(atPath: stage.folder + "/" + name)
        }
    }

    /// Checkpoints that are not what the events before them fold to.
    private func wrongCheckpoints(_ stage: Stage) throws -> [Int64] {
        var state = SchedulerState()
        var wrong: [Int64] = []
        for recorded in try stage.log.read(after: 0, limit: .max) {
            if case .checkpoint(let snapshot) = try stage.coding.event(recorded),
                snapshot != state.snapshot
            {
                wrong.append(recorded.position)
            }
            try stage.coding.fold(recorded, into: &state)
        }
        return wrong
    }

    @Test func tracesRunThroughManySegmentsEachToOneEnd() throws {
        let stage = try Stage(limits: Self.smallest)
        let ids = try stage.request((1...400).map { stage.manifest("t\($0)") })
        let other = try JobLog.openTraces(
            stage.folder, access: .readWrite, durability: .off, limits: Self.smallest)
        let workers = [
            stage.worker("one", inFlightMax: 5),
            Worker(
                log: other,
                backend: SimulatedBackend(world: ClusterStore(log: other), seed: 2),
                options: .init(id: "two", inFlightMax: 5)),
        ]
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
        #expect(try stage.log.info().segments.count > 3)
        #expect(try stage.log.verify().faults == [])
        #expect(try wrongCheckpoints(stage) == [])
        try stage.log.recordDigests()
        #expect(try stage.log.verify().faults == [])
    }

    @Test func whatWaitsRunsAlthoughItWasRequestedInAnEarlierSegment() throws {
        let stage = try Stage()
        let ids = try stage.request((1...30).map { stage.manifest("t\($0)") })
        try roll(stage)
        try roll(stage)
        try stage.finish(stage.worker())
        for id in ids { #expect(try stage.trace(id)?.verdict == .delivered) }
        #expect(try wrongCheckpoints(stage) == [])
        #expect(try stage.log.verify().faults == [])
    }

    @Test func theClusterOutlivesTheSegmentsItWasObservedIn() throws {
        let stage = try Stage()
        let early = try stage.request([stage.manifest("early")])
        try stage.finish(stage.worker())
        try roll(stage)
        try drop(1, stage)
        let log = try JobLog.openTraces(stage.folder, access: .readWrite, durability: .off)
        let store = ClusterStore(log: log)
        #expect(try store.latest()?.digest == stage.digest)
        #expect(try store.latest()?.cluster.nodeNames == ["n1", "n2"])
        // Observed again it is the same, and a change of it goes on from there.
        let resources = try ManifestReader.read(text: Stage.manifests, file: "again.yaml")
        let position = try log.lastPosition()
        #expect(try store.observe(resources, Cluster(resources)) == stage.digest)
        #expect(try log.lastPosition() == position)
        let changed = try ManifestReader.read(
            text: "{apiVersion: v1, kind: Node, metadata: {name: other}}", file: "x")
        _ = try store.observe(changed, Cluster(changed))
        #expect(try ClusterStore(log: log).latest()?.cluster.nodeNames == ["other"])
        #expect(try log.stream(named: "early", family: "trace") == early[0].rawValue)
    }

    @Test func aRetriedTraceWhoseRequestIsDroppedFailsAndStopsNobody() throws {
        let stage = try Stage()
        let ids = try stage.request([stage.manifest("old")])
        try stage.finish(stage.worker("first"))
        try roll(stage)
        let facts = SchedulingFacts(
            priority: 5, retries: 0, scope: .allNodes, timeoutSeconds: 20, droppedOnly: false,
            needsSender: true)
        let retry = Retry(
            attempt: 2, notBefore: Moment(microseconds: 0), automaticNumber: 0, facts: facts)
        try stage.log.append(
            AppendRequest(drafts: [
                try stage.coding.draft(
                    .trace(.retryRequested(retry)), stream: .existing(ids[0].rawValue))
            ]))
        try drop(1, stage)
        let log = try JobLog.openTraces(stage.folder, access: .readWrite, durability: .off)
        let worker = Worker(
            log: log, backend: SimulatedBackend(world: ClusterStore(log: log), seed: 1),
            options: .init(id: "second"))
        try worker.run(after: try log.lastPosition(), observe: { _ in }, isDone: { $0.isIdle })
        let last = try #require(try log.read(stream: ids[0].rawValue).last)
        guard case .trace(.failed(2, let reason)) = try TraceCoding(log: log).event(last) else {
            Issue.record("it ended as \(last)")
            return
        }
        #expect(reason.contains("archived segment"))
    }
}
