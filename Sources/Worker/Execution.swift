import JobLog
import Scheduler
import TraceLog
import Traceflow

/// Runs the attempts that the log gives to this worker, and puts what they report into it.
///
///     committed TagAllocated that names us ──▶ started on the backend ──▶ reports ──▶ the log
///              any end, or another TagAllocated of the trace ──▶ stopped
///
/// Invariants:
/// - only committed events start or stop anything;
/// - reports that could not be appended stay in the outbox;
/// - at most `underWayMax` appends are under way beside it, so that the next attempts run while
///   the log writes, or waits for the decider's transaction.
package struct Execution {
    let log: JobLog
    let coding: TraceCoding
    private let backend: any Backend
    let clock: Clock
    let options: Worker.Options
    let outbox: Outbox
    let keeping: CaptureKeeping
    /// By their streams.
    var running = NumberTable<Run>()
    /// Appends that are under way, the oldest first.
    var underWay: [PendingAppend] = []
    /// Called whenever one of them has ended; nil where all appends are waited for.
    let whenSettled: (@Sendable () -> Void)?
    private var recent = RecentRequests()
    package private(set) var position: Int64

    struct Run {
        var attempt: Int
        var naming = TraceName.given("")
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
    private static let portionMin = 96
    /// Appends that are under way at once.
    static let underWayMax = 4

    private static let archivedReason =
        "the request is in an archived segment; restore it with `tracectl log restore`"

    package init(
        log: JobLog, coding: TraceCoding, backend: any Backend, clock: Clock,
        options: Worker.Options, outbox: Outbox, after position: Int64,
        whenSettled: (@Sendable () -> Void)? = nil
    ) {
        self.log = log
        self.coding = coding
        self.backend = backend
        self.clock = clock
        self.options = options
        self.outbox = outbox
        self.position = position
        self.whenSettled = whenSettled
        keeping = CaptureKeeping(log: log, clock: clock)
    }

    package var isIdle: Bool { running.isEmpty && isQuiet }

    /// Whether everything that was reported is in the log.
    package var isQuiet: Bool { outbox.isEmpty && underWay.isEmpty }

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
        try settle(leaving: Self.underWayMax)
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
                running.put(Run(attempt: allocation.attempt), at: id.rawValue)
                starts.append((id, allocation))
            }
        case .traceSucceeded, .traceTimedOut, .traceFailed:
            stop(id, &starts)
        case .traceRequested: recent.keep(row)
        case .traceStarted, .nodeReported, .nodeFailed, .packetCaptured,
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
        guard let run = running.remove(id.rawValue) else { return }
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
        var older: [TraceID: TagAllocation] = [:]
        for (id, allocation) in starts {
            if let request = recent.take(id.rawValue, coding) {
                start(id, allocation, request, report)
            } else {
                older[id] = allocation
            }
        }
        guard !older.isEmpty else { return }
        var requests: [(id: TraceID, request: TraceRequest)] = []
        try log.scanFirsts(of: older.keys.map(\.rawValue).sorted()) { row in
            requests.append((TraceID(row.stream), try coding.request(row)))
        }
        for (id, request) in requests {
            guard let allocation = older.removeValue(forKey: id) else { continue }
            start(id, allocation, request, report)
        }
        // Archiving keeps what waits, but not what somebody retries in that moment.
        for (id, allocation) in older.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            var node = "any"
            if case .nodes(let nodes) = allocation.scope { node = nodes.first ?? node }
            begun(id)
            report(
                BackendReport(
                    trace: id, id: ReportID(attempt: allocation.attempt, node: node, sequence: 1),
                    content: .failed(error: Self.archivedReason)))
        }
    }

    private mutating func start(
        _ id: TraceID, _ allocation: TagAllocation, _ request: TraceRequest,
        _ report: @escaping @Sendable (BackendReport) -> Void
    ) {
        begun(id, request.naming)
        backend.start(
            StartedAttempt(
                trace: id, attempt: allocation.attempt, tag: allocation.tag,
                deadline: allocation.deadline, request: request), report: report)
    }

    private mutating func begun(_ id: TraceID, _ naming: TraceName? = nil) {
        guard var run = running[id.rawValue] else { return }
        run.isBegun = true
        if let naming { run.naming = naming }
        running.put(run, at: id.rawValue)
    }

    /// Gives up what runs: another worker will be given it.
    package mutating func abandon() {
        for (id, run) in running.all where run.isBegun {
            backend.stop(TraceID(id), attempt: run.attempt)
        }
        running.removeAll()
        // What is refused now is reported again by who is given the attempt.
        try? settle(leaving: 0)
    }
}
