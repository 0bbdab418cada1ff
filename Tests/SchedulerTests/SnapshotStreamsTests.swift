import Scheduler
import Testing
import Traceflow

struct SnapshotStreamsTests {
    private let facts = SchedulingFacts(
        priority: 5, retries: 0, scope: .allNodes, timeoutSeconds: 20, droppedOnly: false,
        needsSender: true)

    private func lane(_ ranges: [WaitingRange]) -> SchedulerSnapshot.WaitingLane {
        .init(facts: facts, ranges: ranges)
    }

    @Test func lanesThatInterleaveAreOneRun() {
        let snapshot = SchedulerSnapshot(
            profile: .perNode,
            lanes: [
                lane([WaitingRange(position: 1, stream: 10, stride: 2, count: 5)]),
                lane([
                    WaitingRange(position: 2, stream: 11, stride: 2, count: 4),
                    WaitingRange(position: 90, stream: 30, stride: 1, count: 3),
                ]),
            ],
            lives: [
                .init(trace: TraceID(33), position: 0, life: TraceLife(facts: facts)),
                .init(trace: TraceID(40), position: 0, life: TraceLife(facts: facts)),
            ])
        #expect(snapshot.streams == [10...18, 30...33, 40...40])
        #expect(
            SchedulerSnapshot(profile: .perNode, lanes: [], lives: []).streams.isEmpty)
    }
}
