import Cluster
import JobLog
import Scheduler
import TraceLog
import Traceflow
import Worker

/// Writes a log of finished traces as workers would have, without running them.
struct WrittenPast {
    static let eventsATrace = 5
    static let tracesInFlight = 64
    private let log: JobLog
    private let world: World
    private let coding: TraceCoding
    private var number = 0
    private var checkpointAt = WrittenPast.checkpointEvents
    /// As often as a decider makes one.
    private static let checkpointEvents: Int64 = 100_000

    init(log: JobLog, world: World) {
        self.log = log
        self.world = world
        coding = TraceCoding(log: log)
    }

    /// Adds finished traces until the log has so many events or a few more.
    mutating func grow(to events: Int) throws {
        while try log.lastPosition() < events {
            let missing = events - Int(try log.lastPosition())
            let perGroup = Self.tracesInFlight * Self.eventsATrace
            try add(groups: min(31, (missing + perGroup - 1) / perGroup))
            if try log.lastPosition() >= checkpointAt { try checkpoint() }
        }
    }

    /// Nothing waits or runs between two groups.
    private mutating func checkpoint() throws {
        let draft = try coding.draft(
            .checkpoint(SchedulerState().snapshot), stream: .existing(JobLog.ownStream))
        try log.append(AppendRequest(drafts: [draft]))
        checkpointAt = try log.lastPosition() + Self.checkpointEvents
    }

    private mutating func add(groups: Int) throws {
        var request = AppendRequest()
        for _ in 0..<groups {
            let base = request.newStreams.count
            let streams = base..<(base + Self.tracesInFlight)
            request.newStreams += Array(repeating: Subject.stream, count: streams.count)
            for place in streams {
                try add(.requested(world.request(number + place)), place, &request)
            }
            for place in streams {
                try add(.tagAllocated(allocation(number + place)), place, &request)
            }
            for place in streams {
                for report in world.reports(number + place) {
                    try add(try reported(report), place, &request)
                }
            }
            for place in streams {
                try add(.succeeded(attempt: 1, verdict: .delivered), place, &request)
            }
        }
        number += request.newStreams.count
        try log.append(request)
    }

    private func add(_ event: TraceEvent, _ place: Int, _ request: inout AppendRequest) throws {
        request.drafts.append(try coding.draft(.trace(event), stream: .new(place)))
    }

    private func allocation(_ number: Int) -> TagAllocation {
        TagAllocation(
            attempt: 1, tag: TagPool.tags[number % TagPool.tags.count],
            scope: world.request(number).scope, executor: "bench-1-abcdefg",
            deadline: Moment(microseconds: 1_700_000_000_000_000 + Int64(number)))
    }

    private func reported(_ report: NodeReport) throws -> TraceEvent {
        guard case .observed(let observations, _) = report.content else {
            throw BenchError("the model reports a failure")
        }
        return .nodeReported(
            ReportID(attempt: 1, node: report.node, sequence: 1),
            NodeResult(node: report.node, timestamp: 1_700_000_000, observations: observations))
    }
}
