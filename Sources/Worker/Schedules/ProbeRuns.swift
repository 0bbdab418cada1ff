import JobLog
import Scheduler
import TraceLog
import Traceflow

/// One trace that a schedule began, as its events tell it.
public struct ProbeRun: Sendable {
    /// The slot that began it.
    public var slot: Moment
    public var expected: Verdict?
    public var id: TraceID
    /// Where its request stands in the log.
    public var position: Int64
    public var requestedAt: Moment
    public var request: TraceRequest
    public var trace: Trace

    /// Nil until it has ended.
    public var verdict: Verdict? { trace.phase.isTerminal ? trace.verdict ?? .unknown : nil }

    /// Whether it came to what was expected; nil where nothing was, and until it has ended.
    public var isExpected: Bool? {
        guard let expected, let verdict else { return nil }
        return verdict == expected
    }

    /// What components did with the packet; nil unless the trace told all of it.
    public var path: PathDigest? {
        guard trace.phase == .succeeded else { return nil }
        return PathDigest(of: trace.results.lazy.flatMap(\.observations))
    }

    /// The time of maintenance that lasted as it began, or the next one after that.
    public var maintenance: Range<Moment>?

    /// Whether it was under way in a time of maintenance, so that it counts for nothing.
    public var isExcused: Bool {
        trace.finishedAt.map { SlotFiring.isExcused(maintenance, endedAt: $0) } ?? false
    }
}

/// What a schedule's traces found, read from its own stream and theirs alone.
public struct ProbeHistory {
    private let log: JobLog
    private let coding: TraceCoding

    public init(log: JobLog) {
        self.log = log
        coding = TraceCoding(log: log)
    }

    /// The runs whose slots lie in the time, in order; runs in archived segments are passed over.
    public func runs(
        of id: ScheduleID, from: Moment? = nil, until: Moment? = nil
    ) throws -> [ProbeRun] {
        var runs: [ProbeRun] = []
        for recorded in try log.read(stream: id.rawValue) {
            guard recorded.type == LogEventType.slotFired.rawValue,
                case .schedule(.fired(let firing)) = try coding.event(recorded)
            else { continue }
            if let from, firing.slot < from { continue }
            if let until, firing.slot > until { continue }
            if let run = try run(firing, after: recorded.position, of: id) { runs.append(run) }
        }
        return runs
    }

    /// The request of a slot follows the event that speaks of it.
    private func run(
        _ firing: SlotFiring, after position: Int64, of id: ScheduleID
    ) throws -> ProbeRun? {
        guard let next = try log.read(after: position, limit: 1).first,
            next.position == position + 1,
            case .trace(.requested(let request)) = try coding.event(next),
            request.naming.schedule == id
        else { return nil }
        return try coding.story(log.read(stream: next.stream)).map {
            ProbeRun(
                slot: firing.slot, expected: firing.expected, id: TraceID(next.stream),
                position: next.position, requestedAt: Moment(microseconds: next.recordedAt),
                request: request, trace: $0.trace, maintenance: firing.maintenance)
        }
    }

    /// What was thought of the schedule's probe, in order.
    public func findings(of id: ScheduleID) throws -> [ProbeChange] {
        try log.read(stream: id.rawValue).compactMap { recorded in
            switch LogEventType(rawValue: recorded.type) {
            case .probeBroken, .probeHealthy, .pathChanged: break
            case _: return nil
            }
            switch try coding.event(recorded) {
            case .schedule(.probeBroken(let change)), .schedule(.probeHealthy(let change)),
                .schedule(.pathChanged(let change)):
                return change
            case _: return nil
            }
        }
    }
}
