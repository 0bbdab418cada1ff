import JobLog
import Scheduler
import TraceLog
import Traceflow

/// A trace whose attempt has not ended, as far as its events were read.
///
/// A class, since each is found by number a few times and is too large to be moved each time.
final class OpenTrace {
    private(set) var request: RequestParts
    let requestedAt: Int64
    private(set) var attempt = 0
    /// The reports of the running attempt.
    private(set) var reports: [ReportParts] = []
    /// The slot of the schedule that began it.
    var firing: SlotFiring?

    init(_ row: EventRow, _ coding: TraceCoding) throws {
        request = try coding.requestParts(of: row)
        requestedAt = row.recordedAt
    }

    /// Takes in an event that does not end the attempt.
    func take(_ row: EventRow, _ type: LogEventType, _ coding: TraceCoding) throws {
        switch type {
        case .tagAllocated:
            attempt = try coding.attempt(of: row)
            reports = []
        case .nodeReported:
            let report = try coding.reportParts(of: row)
            guard report.attempt == attempt, try !isKnown(report, coding) else { return }
            reports.append(report)
        case _: break
        }
    }

    /// Needs no symbol of the log any more.
    func detach(_ coding: TraceCoding) throws {
        if case .shared(let template, let source, let destination) = request.content {
            var whole = try coding.template(template)
            whole.spec.source = try coding.source(source)
            whole.spec.destination = try coding.destination(destination)
            request.content = .whole(whole)
        }
        for place in reports.indices {
            reports[place].content = .whole(try reports[place].result(coding))
        }
    }

    /// `(trace, attempt, node, sequence)` identifies a report; the first of two counts.
    private func isKnown(_ report: ReportParts, _ coding: TraceCoding) throws -> Bool {
        for known in reports where known.sequence == report.sequence {
            if case .shared(let one) = known.content, case .shared(let other) = report.content,
                one == other
            {
                return true
            }
            if try known.node(coding) == report.node(coding) { return true }
        }
        return false
    }
}

extension ReportParts {
    fileprivate func node(_ coding: TraceCoding) throws -> String {
        switch content {
        case .shared(let symbol): try coding.node(ofReport: symbol)
        case .whole(let result): result.node
        }
    }

    func result(_ coding: TraceCoding) throws -> NodeResult {
        switch content {
        case .shared(let symbol): try coding.report(symbol)
        case .whole(let result): result
        }
    }
}

/// An attempt that ended, before its parts have numbers.
struct EndedTrace {
    var position: Int64
    var endedAt: Int64
    var trace: Int64
    var end: TraceEvent
    /// Nil when the trace must be looked up: it was requested before what this process has read.
    var open: OpenTrace?
}
