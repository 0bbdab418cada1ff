import Cluster
import JobLog
import Scheduler
import Synchronization
import TraceLog
import Traceflow

/// Drives the log: decides when nobody else does, and runs the attempts it is given.
///
///     standby ──decider's lease free──▶ deciding ◀──▶ executing ──stop()──▶ draining ──▶ stopped
///
/// One thread runs the loop. Each turn: leases, decisions, effects of committed events, reports of
/// the backend into the log, then a wait for whatever comes first. Invariants:
/// - only committed `TagAllocated` events that name this incarnation start attempts;
/// - a report is appended before anybody acts on it.
public final class Worker: Sendable {
    public struct Options: Sendable {
        public var id: String
        public var inFlightMax: Int
        public var leaseMicroseconds: Int64
        /// The tag profile to put in force; nil leaves the log's.
        public var profile: TagProfile?
        /// Whether to offer hands while another worker decides.
        public var helpsOthers: Bool
        /// How long running attempts may take after `stop()`.
        public var drainMicroseconds: Int64

        public init(
            id: String, inFlightMax: Int = 1024, leaseMicroseconds: Int64 = 10_000_000,
            profile: TagProfile? = nil, helpsOthers: Bool = true,
            drainMicroseconds: Int64 = 5_000_000
        ) {
            self.id = id
            self.inFlightMax = inFlightMax
            self.leaseMicroseconds = leaseMicroseconds
            self.profile = profile
            self.helpsOthers = helpsOthers
            self.drainMicroseconds = drainMicroseconds
        }
    }

    private let log: JobLog
    private let backend: any Backend
    private let clock: Clock
    private let options: Options
    private let outbox = Mutex<[BackendReport]>([])
    private let isStopping = Atomic(false)

    public init(log: JobLog, backend: any Backend, clock: Clock = .system, options: Options) {
        self.log = log
        self.backend = backend
        self.clock = clock
        self.options = options
    }

    /// Lets running attempts end, hands over, and returns from `run`. May be called anywhere.
    public func stop() {
        isStopping.store(true, ordering: .releasing)
        log.wake()
    }

    /// Works until `isDone` or `stop()`. Blocks; call it on a thread of its own.
    ///
    /// `isDone` is handed the scheduling state while this worker decides, else nil.
    /// `observe` is told every committed event once, in order, from the ones after `position` on.
    public func run(
        after position: Int64, observe: (RecordedEvent) throws -> Void,
        isDone: (SchedulerState?) throws -> Bool
    ) throws {
        var turn = Turn(
            decider: Decider(
                log: log, clock: clock, holder: options.id,
                leaseMicroseconds: options.leaseMicroseconds),
            position: position)
        defer { leave(&turn) }
        while true {
            try keepLeases(&turn)
            let decided = try turn.decider.decide(
                executors: try executors(turn), profile: options.profile)
            let worked = try follow(&turn, observe)
            let reported = try appendReports()
            if try isDone(turn.decider.state) { return }
            if try drained(&turn) { return }
            if !decided, !worked, !reported { try wait(turn) }
        }
    }

    private struct Turn {
        var decider: Decider
        var position: Int64
        var executorLease: Lease?
        var renewAt: Int64 = 0
        var running: [TraceID: Int] = [:]
        var drainUntil: Int64?
    }

    private static let executorRole = "executor/"
    private static let standbyPollMicroseconds: Int64 = 200_000
    private static let chunk = 10_000

    // MARK: leases

    private func keepLeases(_ turn: inout Turn) throws {
        let isDraining = isStopping.load(ordering: .acquiring)
        let leads = try isDraining ? turn.decider.isDeciding : turn.decider.tryToLead()
        if turn.executorLease == nil, leads || options.helpsOthers, !isDraining {
            turn.executorLease = try log.acquireLease(
                role: Self.executorRole + options.id, holder: String(options.inFlightMax),
                durationMicroseconds: options.leaseMicroseconds)
        }
        let now = clock.monotonicMicroseconds()
        guard now >= turn.renewAt else { return }
        // The first look only sets the date: the leases are fresh.
        if turn.renewAt > 0 {
            try turn.decider.renew()
            turn.executorLease = try turn.executorLease.flatMap { lease in
                do {
                    return try log.renewLease(
                        lease, durationMicroseconds: options.leaseMicroseconds)
                } catch let error as JobLogError where error.code == .leaseLost {
                    return nil
                }
            }
        }
        turn.renewAt = now + options.leaseMicroseconds * 3 / 10
    }

    private func executors(_ turn: Turn) throws -> [Executor] {
        guard turn.decider.isDeciding else { return [] }
        let isDraining = isStopping.load(ordering: .acquiring)
        return try log.leases(rolePrefix: Self.executorRole).map { lease in
            let id = String(lease.role.dropFirst(Self.executorRole.count))
            let room = id == options.id && isDraining ? 0 : Int(lease.holder) ?? 0
            return Executor(id: id, inFlightMax: min(room, backend.abilities.inFlightMax))
        }
    }

    private func leave(_ turn: inout Turn) {
        // On the way out nothing can be mended: a lease that stays runs out by itself.
        for (trace, attempt) in turn.running { backend.stop(trace, attempt: attempt) }
        if let lease = turn.executorLease { try? log.releaseLease(lease, forgetting: true) }
        try? turn.decider.release()
    }

    private func drained(_ turn: inout Turn) throws -> Bool {
        guard isStopping.load(ordering: .acquiring) else { return false }
        let now = clock.monotonicMicroseconds()
        let until = turn.drainUntil ?? now + options.drainMicroseconds
        turn.drainUntil = until
        return turn.running.isEmpty || now >= until
    }

    // MARK: effects

    /// Acts on committed events; returns whether there were any.
    private func follow(
        _ turn: inout Turn, _ observe: (RecordedEvent) throws -> Void
    ) throws -> Bool {
        let events = try log.read(after: turn.position, limit: Self.chunk)
        for event in events {
            turn.position = event.position
            try observe(event)
            switch LogEventType(rawValue: event.type) {
            case .tagAllocated, .traceSucceeded, .traceTimedOut, .traceFailed:
                try act(on: event, &turn)
            case .traceRequested, .nodeReported, .nodeFailed, .packetCaptured, .retryRequested,
                .cancelRequested, .traceDeleted, .clusterObserved, .logCreated, .deciderTookOver,
                .tagProfileChanged, nil:
                break
            }
        }
        return !events.isEmpty
    }

    private func act(on recorded: RecordedEvent, _ turn: inout Turn) throws {
        guard case .trace(let event) = try EventCoding.event(recorded) else { return }
        let id = TraceID(recorded.stream)
        if case .tagAllocated(let allocation) = event {
            if let attempt = turn.running.removeValue(forKey: id) {
                backend.stop(id, attempt: attempt)
            }
            guard allocation.executor == options.id else { return }
            try start(id, allocation, &turn)
        } else if let attempt = turn.running.removeValue(forKey: id) {
            backend.stop(id, attempt: attempt)
        }
    }

    private func start(_ id: TraceID, _ allocation: TagAllocation, _ turn: inout Turn) throws {
        guard let request = try readRequest(id) else {
            throw TraceLogError(.missingContent, position: id.rawValue, detail: "a request")
        }
        turn.running[id] = allocation.attempt
        let attempt = StartedAttempt(
            trace: id, attempt: allocation.attempt, tag: allocation.tag,
            deadline: allocation.deadline, request: request)
        backend.start(attempt) { [self] report in
            outbox.withLock { $0.append(report) }
            log.wake()
        }
    }

    private func readRequest(_ id: TraceID) throws -> TraceRequest? {
        guard let first = try log.read(stream: id.rawValue).first,
            case .trace(.requested(let request)) = try EventCoding.event(first)
        else { return nil }
        return request
    }

    /// Puts what the backend reported into the log; returns whether there was anything.
    private func appendReports() throws -> Bool {
        let reports = outbox.withLock { reports in
            defer { reports = [] }
            return reports
        }
        guard !reports.isEmpty else { return false }
        let seconds = clock.now().seconds
        var drafts: [Draft] = []
        for report in reports {
            for event in Self.events(of: report, seconds) {
                drafts.append(
                    try EventCoding.draft(
                        .trace(event), stream: .existing(report.trace.rawValue)))
            }
        }
        try log.append(AppendRequest(drafts: drafts))
        return true
    }

    private static func events(of report: BackendReport, _ seconds: Int64) -> [TraceEvent] {
        switch report.content {
        case .failed(let error): return [.nodeFailed(report.id, error: error)]
        case .observed(let observations, let captured):
            let result = NodeResult(
                node: report.id.node, timestamp: seconds, observations: observations)
            return [captured.map { .packetCaptured(report.id, $0) }].compactMap { $0 }
                + [.nodeReported(report.id, result)]
        }
    }

    // MARK: waiting

    private func wait(_ turn: Turn) throws {
        var timeout = max(0, turn.renewAt - clock.monotonicMicroseconds())
        if let next = turn.decider.nextMoment {
            timeout = min(timeout, max(0, next.microseconds - clock.now().microseconds))
        }
        if !turn.decider.isDeciding || isStopping.load(ordering: .acquiring) {
            timeout = min(timeout, Self.standbyPollMicroseconds)
        }
        if outbox.withLock({ !$0.isEmpty }) { return }
        _ = try log.waitForNews(after: turn.position, timeoutMicroseconds: timeout)
    }
}
