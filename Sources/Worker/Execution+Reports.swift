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

    /// Returns whether there were any.
    mutating func appendReports() throws -> Bool {
        let reports = outbox.takeAll()
        guard !reports.isEmpty else { return false }
        do {
            let seconds = clock.now().seconds
            var request = AppendRequest()
            request.drafts.reserveCapacity(reports.count)
            // Packets that cannot be kept fail their traces, and nobody else's.
            var captures: [(trace: TraceID, report: ReportID, archived: CaptureArchived)] = []
            var fault: String?
            do { captures = try archive(reports) } catch { fault = "\(error)" }
            for (trace, _, archived) in captures {
                request.drafts.append(
                    try coding.draft(
                        .trace(.captureArchived(archived)), stream: .existing(trace.rawValue)))
            }
            for report in reports {
                let stream = StreamRef.existing(report.trace.rawValue)
                var content = report.content
                if let fault, !report.captures.isEmpty {
                    content = .said(.failed(error: "packets could not be kept: \(fault)"))
                }
                switch content {
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
            if let whenSettled, captures.isEmpty,
                reports.count >= Self.besideMin || !underWay.isEmpty
            {
                try settle(leaving: Self.underWayMax - 1)
                begin(PendingAppend(reports, as: request), whenSettled)
                return true
            }
            try settle(leaving: 0)
            try append(request)
            for (trace, report, _) in captures { running[trace]?.archived.insert(report) }
            return true
        } catch {
            outbox.putBack(reports)
            throw error
        }
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
            whenSettled()
        }
    }

    /// Waits until at most so many appends are under way.
    mutating func settle(leaving count: Int) throws {
        while underWay.count > count || underWay.first?.isSettled == true {
            let pending = underWay.removeFirst()
            do {
                do throws(JobLogError) {
                    try pending.settle()
                } catch {
                    guard error.code == .archived else { throw error }
                    try append(pending.request)
                }
            } catch {
                outbox.putBack(pending.reports)
                throw error
            }
        }
    }

    /// Archives the packets of attempts that still run; what is over keeps nothing, and what a
    /// backend says twice is kept once.
    private func archive(
        _ reports: [BackendReport]
    ) throws -> [(trace: TraceID, report: ReportID, archived: CaptureArchived)] {
        var traces: [TraceID] = []
        var captures: [CaptureKeeping.Kept] = []
        var seen: [TraceID: Set<ReportID>] = [:]
        for report in reports where !report.captures.isEmpty {
            guard let run = running[report.trace], run.attempt == report.id.attempt,
                !run.archived.contains(report.id),
                seen[report.trace, default: []].insert(report.id).inserted
            else { continue }
            for capture in report.captures {
                traces.append(report.trace)
                captures.append(
                    CaptureKeeping.Kept(
                        report: report.id, traceName: run.name, capture: capture))
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
