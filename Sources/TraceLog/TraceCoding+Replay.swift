import JobLog
import Scheduler

extension TraceCoding {
    /// The state at the last checkpoint of the log, and where that stands: a replay begins there.
    public func restored() throws -> (state: SchedulerState, position: Int64) {
        guard let checkpoint = try log.lastCheckpoint() else { return (SchedulerState(), 0) }
        guard case .checkpoint(let snapshot) = try event(checkpoint) else {
            throw TraceLogError(
                .malformedEvent, position: checkpoint.position, detail: "not a checkpoint")
        }
        return (SchedulerState(snapshot: snapshot), checkpoint.position)
    }

    /// The events after the position, in order, `limit` at most.
    ///
    /// Decoded while their segments are open, which may be archived right after.
    public func events(
        after position: Int64, limit: Int
    ) throws -> [(recorded: RecordedEvent, event: LogEvent)] {
        var events: [(RecordedEvent, LogEvent)] = []
        try log.scan(after: position, limit: limit) { row in
            let recorded = row.recorded
            events.append((recorded, try event(recorded)))
        }
        return events
    }

    /// The state at the end of the log.
    public func replayed() throws -> SchedulerState {
        var (state, position) = try restored()
        try log.scan(after: position) { row in
            try fold(row, into: &state)
            position = row.position
        }
        return state
    }
}
