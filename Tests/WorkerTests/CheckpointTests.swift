import JobLog
import Scheduler
import Testing
import TraceLog
import Worker

/// Where a replay may begin.
struct CheckpointTests {
    private func fold(_ stage: Stage, upTo position: Int64) throws -> SchedulerState {
        var state = SchedulerState()
        try stage.log.scan(after: 0, limit: Int(position)) {
            try stage.coding.fold($0, into: &state)
        }
        return state
    }

    @Test func aWorkerThatLeavesSetsDownWhatAFreshFoldGives() throws {
        let stage = try Stage()
        try stage.request((1...500).map { stage.manifest("t\($0)") })
        try stage.finish(stage.worker())
        let checkpoint = try #require(try stage.log.lastCheckpoint())
        guard case .checkpoint(let snapshot) = try stage.coding.event(checkpoint) else {
            Issue.record("not a checkpoint")
            return
        }
        let fresh = try fold(stage, upTo: checkpoint.position - 1)
        #expect(snapshot == fresh.snapshot)
        #expect(SchedulerState(snapshot: snapshot) == fresh)
    }

    @Test func whatWaitsIsSetDownAndFoundAgain() throws {
        let stage = try Stage()
        try stage.request((1...3000).map { stage.manifest("t\($0)") })
        let worker = stage.worker(backend: SilentBackend(), inFlightMax: 5)
        // It leaves at the first look, with all but five traces waiting.
        var looks = 0
        try worker.run(
            after: 0, observe: { if $0.type == LogEventType.tagAllocated.rawValue { looks += 1 } },
            isDone: { _ in looks == 5 })
        let checkpoint = try #require(try stage.log.lastCheckpoint())
        let fresh = try fold(stage, upTo: checkpoint.position - 1)
        #expect(fresh.pendingCount == 2995)
        try stage.finish(stage.worker(inFlightMax: 100))
        #expect(try fold(stage, upTo: stage.log.lastPosition()).isIdle)
        #expect(try stage.endings(TraceID(try stage.log.lastPosition() > 0 ? 3 : 0)).count == 1)
    }

    @Test func aReplayFromTheCheckpointDecidesLikeOneFromTheBeginning() throws {
        let stage = try Stage()
        try stage.request((1...800).map { stage.manifest("t\($0)") }, retries: 1)
        try stage.finish(stage.worker())
        try stage.request((801...900).map { stage.manifest("t\($0)") })
        let checkpoint = try #require(try stage.log.lastCheckpoint())
        guard case .checkpoint(let snapshot) = try stage.coding.event(checkpoint) else {
            Issue.record("not a checkpoint")
            return
        }
        var later = SchedulerState(snapshot: snapshot)
        try stage.log.scan(after: checkpoint.position) {
            try stage.coding.fold($0, into: &later)
        }
        #expect(later == (try fold(stage, upTo: stage.log.lastPosition())))
        #expect(later.pendingCount == 100)
    }
}
