import JobLog
import Scheduler
import Synchronization
import TraceLog
import Traceflow

/// Runs the attempts that the log gives to this worker, and puts what they report into it.
///
///     committed TagAllocated that names us ──▶ started on the backend ──▶ reports ──▶ the log
///              any end, or another TagAllocated of the trace ──▶ stopped
///
/// Invariants:
/// - only committed events start or stop anything;
/// - reports that could not be appended stay in the outbox.
package struct Execution {
    private let log: JobLog
    private let coding: TraceCoding
    private let backend: any Backend
    private let clock: Clock
    private let options: Worker.Options
    private let outbox: Outbox
    private let keeping: CaptureKeeping
    private var running: [TraceID: Run] = [:]
    package private(set) var position: Int64

    private struct Run {
        var attempt: Int
        var name = ""
        /// Reports whose packets are in the archive: a backend may say them twice.
        var archived: Set<ReportID> = []
        /// Whether the backend was told.
        var isBegun = false
    }

    /// Events that are read at once.
    private static let chunk = 10_000
    /// Attempts that are started before what they reported is appended: a quarter of what is
    /// there, within these bounds.
    private static let portionMax = 512
    private static let portionMin = 64

    private static let archivedReason =
        "the request is in an archived segment; restore it with `tracectl log restore`"

    /// What the backend reported and the log does not have yet.
    package final class Outbox: Sendable {
        private let reports = Mutex<[BackendReport]>([])

        package init() {}

        /// Returns whether it was empty.
        @discardableResult
        package func put(_ report: BackendReport) -> Bool {
            reports.withLock { reports in
                reports.append(report)
                return reports.count == 1
            }
        }

        /// Keeps `more` before what came since.
        func putBack(_ more: [BackendReport]) { reports.withLock { $0 = more + $0 } }

        func takeAll() -> [BackendReport] {
            reports.withLock { reports in
                defer { reports = [] }
                return reports
            }
        }

        package var isEmpty: Bool { reports.withLock { $0.isEmpty } }
    }

    package init(
        log: JobLog, coding: TraceCoding, backend: any Backend, clock: Clock,
        options: Worker.Options, outbox: Outbox, after position: Int64
    ) {
        self.log = log
        self.coding = coding
        self.backend = backend
        self.clock = clock
        self.options = options
        self.outbox = outbox
        self.position = position
        keeping = CaptureKeeping(log: log, clock: clock)
    }

    package var isIdle: Bool { running.isEmpty && outbox.isEmpty }

    /// Acts on what was committed and appends what was reported; returns whether there was
    /// anything. `observe` is told every committed event once, in order.
    package mutating func step(
        report: @escaping @Sendable (BackendReport) -> Void, observe: (EventRow) throws -> Void
    ) throws -> Bool {
        var starts: [(id: TraceID, allocation: TagAllocation)] = []
        let count = try log.scan(after: position, limit: Self.chunk) { row in
            try observe(row)
            try act(on: row, &starts)
            position = row.position
        }
        // In portions, so that the decider can work on the first while the next are run.
        let portion = min(Self.portionMax, max(Self.portionMin, starts.count / 4))
        var begun = starts.startIndex
        while begun < starts.endIndex {
            let end = min(begun + portion, starts.endIndex)
            try start(starts[begun..<end], report)
            begun = end
            _ = try appendReports()
        }
        let reported = try appendReports()
        return count > 0 || reported
    }

    private mutating func act(
        on row: EventRow, _ starts: inout [(id: TraceID, allocation: TagAllocation)]
    ) throws {
        let id = TraceID(row.stream)
        switch LogEventType(rawValue: row.type) {
        case .tagAllocated:
            let allocation = try coding.tagAllocation(row)
            stop(id, &starts)
            if allocation.executor == options.id {
                running[id] = Run(attempt: allocation.attempt)
                starts.append((id, allocation))
            }
        case .traceSucceeded, .traceTimedOut, .traceFailed:
            stop(id, &starts)
        case .traceRequested, .traceStarted, .nodeReported, .nodeFailed, .packetCaptured,
            .retryRequested,
            .cancelRequested, .traceDeleted, .metadataChanged, .scheduleChanged, .schedulePaused,
            .scheduleResumed,
            .scheduleDeleted, .scheduleRunRequested, .slotFired, .slotMissed, .probeBroken,
            .probeHealthy, .pathChanged, .notificationDelivered, .sweepRequested, .sweepExpanded,
            .sweepFinished,
            .sweepCancelled, .captureArchived, .capturesExported, .capturesPruned,
            .captureFilePushed, .captureFileDropped, .captureUploaded, .clusterObserved,
            .logCreated,
            .deciderTookOver, .tagProfileChanged,
            .segmentSealed, .checkpoint, .segmentArchived, .segmentRestored,
            .segmentDropped, nil:
            break
        }
    }

    /// Ends what runs, and what was about to.
    private mutating func stop(
        _ id: TraceID, _ starts: inout [(id: TraceID, allocation: TagAllocation)]
    ) {
        guard let run = running.removeValue(forKey: id) else { return }
        if run.isBegun {
            backend.stop(id, attempt: run.attempt)
        } else {
            starts.removeAll { $0.id == id }
        }
    }

    private mutating func start(
        _ starts: ArraySlice<(id: TraceID, allocation: TagAllocation)>,
        _ report: @escaping @Sendable (BackendReport) -> Void
    ) throws {
        var requests: [Int64: TraceRequest] = [:]
        requests.reserveCapacity(starts.count)
        try log.scanFirsts(of: starts.map(\.id.rawValue)) { row in
            requests[row.stream] = try coding.request(row)
        }
        for (id, allocation) in starts {
            running[id]?.isBegun = true
            guard let request = requests[id.rawValue] else {
                // Archiving keeps what waits, but not what somebody retries in that moment.
                var node = "any"
                if case .nodes(let nodes) = allocation.scope { node = nodes.first ?? node }
                report(
                    BackendReport(
                        trace: id,
                        id: ReportID(attempt: allocation.attempt, node: node, sequence: 1),
                        content: .failed(error: Self.archivedReason)))
                continue
            }
            running[id]?.name = request.name
            backend.start(
                StartedAttempt(
                    trace: id, attempt: allocation.attempt, tag: allocation.tag,
                    deadline: allocation.deadline, request: request), report: report)
        }
    }

    private mutating func appendReports() throws -> Bool {
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
            try append(request)
            for (trace, report, _) in captures { running[trace]?.archived.insert(report) }
            return true
        } catch {
            outbox.putBack(reports)
            throw error
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

    /// Gives up what runs: another worker will be given it.
    package mutating func abandon() {
        for (id, run) in running where run.isBegun { backend.stop(id, attempt: run.attempt) }
        running = [:]
    }
}
