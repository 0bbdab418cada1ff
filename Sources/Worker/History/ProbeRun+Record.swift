import History
import Scheduler
import Traceflow

extension ProbeRun {
    /// The run that the record is of; nil for what no schedule began.
    public init?(_ record: TraceRecord) {
        guard case .slot(_, _, let slot) = record.naming, let trace = record.trace else {
            return nil
        }
        self.init(
            slot: slot, expected: record.expected, id: record.id, position: record.position,
            requestedAt: record.requestedAt, request: record.request, trace: trace)
    }

    /// The name of the schedule, as it was then.
    public var probe: String {
        guard case .slot(_, let name, _) = request.naming else { return "" }
        return name
    }
}
