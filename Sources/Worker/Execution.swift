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
struct Execution {
    private let log: JobLog
    private let coding: TraceCoding
    private let backend: any Backend
    private let clock: Clock
    private let options: Worker.Options
    private let outbox: Outbox
    private var running: [TraceID: Int] = [:]
    private(set) var position: Int64

    /// Events that are read at once.
    private static let chunk = 10_000

    /// What the backend reported and the log does not have yet.
    final class Outbox: Sendable {
        private let reports = Mutex<[BackendReport]>([])

        /// Returns whether it was empty.
        func put(_ report: BackendReport) -> Bool {
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

        var isEmpty: Bool { reports.withLock { $0.isEmpty } }
    }

    init(
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
    }

    var isIdle: Bool { running.isEmpty && outbox.isEmpty }

    /// Acts on what was committed and appends what was reported; returns whether there was
    /// anything. `observe` is told every committed event once, in order.
    mutating func step(
        report: @escaping @Sendable (BackendReport) -> Void, observe: (EventRow) throws -> Void
    ) throws -> Bool {
        var starts: [(id: TraceID, allocation: TagAllocation)] = []
        let count = try log.scan(after: position, limit: Self.chunk) { row in
            try observe(row)
            try act(on: row, &starts)
            position = row.position
        }
        try start(starts, report)
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
            stop(id)
            starts.removeAll { $0.id == id }
            if allocation.executor == options.id { starts.append((id, allocation)) }
        case .traceSucceeded, .traceTimedOut, .traceFailed:
            stop(id)
        case .traceRequested, .nodeReported, .nodeFailed, .packetCaptured, .retryRequested,
            .cancelRequested, .traceDeleted, .clusterObserved, .logCreated, .deciderTookOver,
            .tagProfileChanged, .segmentSealed, .checkpoint, nil:
            break
        }
    }

    private mutating func stop(_ id: TraceID) {
        guard let attempt = running.removeValue(forKey: id) else { return }
        backend.stop(id, attempt: attempt)
    }

    private mutating func start(
        _ starts: [(id: TraceID, allocation: TagAllocation)],
        _ report: @escaping @Sendable (BackendReport) -> Void
    ) throws {
        guard !starts.isEmpty else { return }
        var requests: [Int64: TraceRequest] = [:]
        requests.reserveCapacity(starts.count)
        try log.scanFirsts(of: starts.map(\.id.rawValue)) { row in
            requests[row.stream] = try coding.request(row)
        }
        for (id, allocation) in starts {
            guard let request = requests[id.rawValue] else {
                throw TraceLogError(
                    .missingContent, position: position, detail: "the request of trace \(id)")
            }
            running[id] = allocation.attempt
            backend.start(
                StartedAttempt(
                    trace: id, attempt: allocation.attempt, tag: allocation.tag,
                    deadline: allocation.deadline, request: request), report: report)
        }
    }

    private func appendReports() throws -> Bool {
        let reports = outbox.takeAll()
        guard !reports.isEmpty else { return false }
        do {
            let seconds = clock.now().seconds
            var request = AppendRequest()
            request.drafts.reserveCapacity(reports.count)
            for report in reports {
                let stream = StreamRef.existing(report.trace.rawValue)
                switch report.content {
                case .failed(let error):
                    request.drafts.append(
                        try coding.draft(
                            .trace(.nodeFailed(report.id, error: error)), stream: stream))
                case .observed(let observations, let captured):
                    if let captured {
                        request.drafts.append(
                            try coding.draft(
                                .trace(.packetCaptured(report.id, captured)), stream: stream))
                    }
                    let result = NodeResult(
                        node: report.id.node, timestamp: seconds, observations: observations)
                    request.drafts.append(
                        try coding.draft(.trace(.nodeReported(report.id, result)), stream: stream))
                }
            }
            try log.append(request)
            return true
        } catch {
            outbox.putBack(reports)
            throw error
        }
    }

    /// Gives up what runs: another worker will be given it.
    mutating func abandon() {
        for (id, attempt) in running { backend.stop(id, attempt: attempt) }
        running = [:]
    }
}
