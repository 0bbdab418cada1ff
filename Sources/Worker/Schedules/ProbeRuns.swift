import History
import JobLog
import Scheduler
import TraceLog
import Traceflow

/// One trace that a schedule began, after it ended.
public struct ProbeRun: Sendable {
    public var record: TraceRecord
    /// The slot that began it.
    public var slot: Moment

    /// Nil for a trace that no schedule began, or that somebody cancelled.
    public init?(_ record: TraceRecord) {
        guard case .slot(_, _, let slot) = record.naming, record.reason != Trace.cancelledReason
        else { return nil }
        self.record = record
        self.slot = slot
    }

    /// The schedule's name, as it was then.
    public var probe: String {
        guard case .slot(_, let name, _) = record.naming else { return "" }
        return name
    }

    public var expected: Verdict? { record.expected }
    public var verdict: Verdict {
        record.tellsOfTheNetwork ? record.verdict ?? .unknown : .unknown
    }

    /// Whether it came to what was expected; nil where nothing was.
    public var isExpected: Bool? { expected.map { verdict == $0 } }

    /// What components did with the packet; nil unless the trace told all of it.
    public var path: PathDigest? { record.phase == .succeeded ? record.path : nil }

    /// Whether it was under way in a time of maintenance, so that it counts for nothing.
    public var isExcused: Bool { record.isExcused }
}

/// What a schedule's traces found, as history keeps it.
public struct ProbeHistory {
    private let history: History
    private let coding: TraceCoding

    public init(log: JobLog, history: History) {
        self.history = history
        coding = TraceCoding(log: log)
    }

    /// The ended runs of the schedule, by slot.
    public func runs(of id: ScheduleID) throws -> [ProbeRun] {
        var filter = HistoryFilter()
        filter.schedule = id
        return Self.runs(in: try history.traces(filter, limit: .max))
    }

    /// The runs among ended attempts, the latest of which come first: by slot, each with what its
    /// last attempt came to.
    public static func runs(in records: [TraceRecord]) -> [ProbeRun] {
        var seen: Set<TraceID> = []
        return records.filter { seen.insert($0.id).inserted }.compactMap { ProbeRun($0) }
            .sorted { ($0.slot, $0.record.position) < ($1.slot, $1.record.position) }
    }

    /// What was thought of the schedule's probe, in order.
    public func findings(of id: ScheduleID) throws -> [ProbeChange] {
        try history.events(ofStream: id.rawValue).compactMap { recorded in
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
