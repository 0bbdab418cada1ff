import JobLog
import Scheduler
import TraceLog
import Traceflow

/// What backends reported, on its way into the log.
///
///     outbox ──few, or with packets──▶ appended, waited for ──▶ in the log
///        ▲└──many──▶ under way beside ──committed──▶ in the log
///        └────────────────refused───────┘
extension Execution {
    /// So many reports are worth another thread.
    private static let besideMin = 32

    /// Packets of a report that are in the archive.
    private typealias ArchivedPackets = (
        trace: TraceID, report: ReportID, archived: CaptureArchived
    )

    /// Returns whether there were any.
    mutating func appendReports() throws -> Bool {
        let reports = outbox.takeAll()
        guard !reports.isEmpty else { return false }
        let request: AppendRequest
        let captures: [ArchivedPackets]
        do {
            (request, captures) = try drafts(of: reports)
        } catch {
            outbox.putBack(reports)
            throw error
        }
        let isBeside = captures.isEmpty && mayGoBeside(reports)
        try settle(leaving: isBeside ? Self.underWayMax - 1 : 0, before: reports)
        if isBeside, let whenSettled {
            begin(PendingAppend(reports, as: request), whenSettled)
            return true
        }
        do {
            try append(request)
        } catch {
            outbox.putBack(reports)
            throw error
        }
        for (trace, report, _) in captures {
            guard var run = running[trace.rawValue] else { continue }
            run.archived.insert(report)
            running.put(run, at: trace.rawValue)
        }
        return true
    }

    /// What comes too late may be refused, and would then come behind what is under way.
    private func mayGoBeside(_ reports: [BackendReport]) -> Bool {
        whenSettled != nil && (reports.count >= Self.besideMin || !underWay.isEmpty)
            && reports.allSatisfy { running[$0.trace.rawValue]?.attempt == $0.id.attempt }
    }

    private func drafts(
        of reports: [BackendReport]
    ) throws -> (request: AppendRequest, captures: [ArchivedPackets]) {
        let seconds = clock.now().seconds
        var request = AppendRequest()
        request.drafts.reserveCapacity(reports.count)
        // Packets that cannot be kept fail their traces, and nobody else's.
        var captures: [ArchivedPackets] = []
        var fault: String?
        do { captures = try archive(reports) } catch { fault = "\(error)" }
        for (trace, _, archived) in captures {
            request.drafts.append(
                try coding.draft(
                    .trace(.captureArchived(archived)), stream: .existing(trace.rawValue)))
        }
        for report in reports {
            let stream = StreamRef.existing(report.trace.rawValue)
            if let fault, !report.captures.isEmpty {
                let error = "packets could not be kept: \(fault)"
                request.drafts.append(
                    try coding.draft(
                        .trace(.nodeFailed(report.id, error: error)), stream: stream))
                continue
            }
            switch report.content {
            case .begun(let moment):
                request.drafts.append(
                    try coding.draft(
                        .trace(.begun(attempt: report.id.attempt, at: moment)), stream: stream))
            // Its packets are all that there is to say.
            case .said(.captured): break
            case .said(.failed(let error)):
                request.drafts.append(
                    try coding.draft(
                        .trace(.nodeFailed(report.id, error: error)), stream: stream))
            case .said(.observed(let observations, let captured)):
                if let captured {
                    request.drafts.append(
                        try coding.draft(
                            .trace(.packetCaptured(report.id, captured)), stream: stream))
                }
                let result = NodeResult(
                    node: report.id.node, timestamp: report.seconds ?? seconds,
                    observations: observations)
                request.drafts.append(
                    try coding.draft(.trace(.nodeReported(report.id, result)), stream: stream))
            }
        }
        return (request, captures)
    }

    private mutating func begin(
        _ pending: PendingAppend, _ whenSettled: @escaping @Sendable () -> Void
    ) {
        underWay.append(pending)
        let (meter, clock) = (options.meter, clock)
        let began = meter.map { _ in clock.monotonicMicroseconds() }
        pending.begin(on: log) { isCommitted in
            if isCommitted, let began {
                meter?.committed(.reports, microseconds: clock.monotonicMicroseconds() - began)
            }
            // Also where it was committed: its events may have been read before this is known.
            whenSettled()
        }
    }

    /// Waits until at most so many appends are under way. Where one was refused all are waited
    /// for, and what was refused goes back to the outbox, before the reports at hand.
    mutating func settle(leaving count: Int, before taken: [BackendReport] = []) throws {
        var refused: [BackendReport] = []
        var failure: (any Error)?
        while underWay.count > (failure == nil ? count : 0) || underWay.first?.isSettled == true {
            let pending = underWay.removeFirst()
            do {
                do throws(JobLogError) {
                    try pending.settle()
                } catch {
                    guard error.code == .archived else { throw error }
                    try append(pending.request)
                }
            } catch {
                refused += pending.reports
                failure = failure ?? error
            }
        }
        guard let failure else { return }
        outbox.putBack(refused + taken)
        throw failure
    }

    /// Archives the packets of attempts that still run; what is over keeps nothing, and what a
    /// backend says twice is kept once.
    private func archive(
        _ reports: [BackendReport]
    ) throws -> [ArchivedPackets] {
        var traces: [TraceID] = []
        var captures: [CaptureKeeping.Kept] = []
        var seen: [TraceID: Set<ReportID>] = [:]
        for report in reports where !report.captures.isEmpty {
            guard let run = running[report.trace.rawValue], run.attempt == report.id.attempt,
                !run.archived.contains(report.id),
                seen[report.trace, default: []].insert(report.id).inserted
            else { continue }
            for capture in report.captures {
                traces.append(report.trace)
                captures.append(
                    CaptureKeeping.Kept(
                        report: report.id, traceName: run.naming.text, capture: capture))
            }
        }
        let archived = try keeping.archive(captures)
        return archived.indices.map { (traces[$0], captures[$0].report, archived[$0]) }
    }

    /// Reports of a trace whose segment is archived come too late to change anything: they are
    /// left out.
    private func append(_ request: AppendRequest) throws {
        let began = options.meter.map { _ in clock.monotonicMicroseconds() }
        do throws(JobLogError) {
            try log.append(request)
            if let began {
                options.meter?.committed(
                    .reports, microseconds: clock.monotonicMicroseconds() - began)
            }
        } catch {
            guard error.code == .archived else { throw error }
            for draft in request.drafts {
                do throws(JobLogError) {
                    try log.append(AppendRequest(drafts: [draft]))
                } catch {
                    guard error.code == .archived else { throw error }
                }
            }
        }
    }
}
