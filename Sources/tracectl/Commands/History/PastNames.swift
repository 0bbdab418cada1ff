import History
import JobLog
import Scheduler
import TraceLog
import Traceflow
import Worker

/// Sweeps and schedules by what people call them, wherever their events are now.
struct PastNames {
    private let history: History
    private let coding: TraceCoding

    init(_ opened: HistoryLogs.Opened) { self.init(opened.log, opened.history) }

    init(_ log: JobLog, _ history: History) {
        self.history = history
        coding = TraceCoding(log: log)
    }

    /// The sweep of the name or number; nil when there was none.
    func sweep(_ name: String) throws -> SweepID? {
        try history.events(ofType: .sweepRequested).last { recorded in
            guard case .sweep(.requested(let request)) = try coding.event(recorded) else {
                return false
            }
            return request.name == name || Int64(name) == recorded.stream
        }.map { SweepID($0.stream) }
    }

    /// The schedule that has the name, or had it last; or the one with the number.
    func schedule(_ name: String) throws -> ScheduleID? {
        try history.events(ofType: .scheduleChanged).last { recorded in
            guard case .schedule(.changed(let spec)) = try coding.event(recorded) else {
                return false
            }
            return spec.name == name || Int64(name) == recorded.stream
        }.map { ScheduleID($0.stream) }
    }

    /// The sweep as it ended; nil for one that has not, which the log still has.
    func endedSweep(_ name: String) throws -> SweepBook.Entry? {
        guard let id = try sweep(name) else { return nil }
        var entry: SweepBook.Entry?
        for recorded in try history.events(ofStream: id.rawValue) {
            guard case .sweep(let event) = try coding.event(recorded) else { continue }
            let moment = Moment(microseconds: recorded.recordedAt)
            switch event {
            case .requested(let request):
                entry = SweepBook.Entry(
                    id: id, request: request, requestedAt: moment, position: recorded.position,
                    phase: .running, expanded: 0, tally: SweepTally(), reason: "")
            case .finished(let tally):
                entry?.phase = .finished
                entry?.tally = tally
                entry?.endedAt = moment
            case .cancelled(let reason):
                entry?.phase = .cancelled
                entry?.reason = reason
                entry?.endedAt = moment
            case .expanded: break
            }
        }
        return entry.flatMap { $0.phase == .running ? nil : $0 }
    }
}
