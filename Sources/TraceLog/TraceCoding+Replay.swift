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
