import Cluster
import Foundation
import JobLog
import Scheduler
import Synchronization
import TraceLog
import Traceflow

/// Drives the log: decides when nobody else does, and runs the attempts it is given.
///
///     standby ──decider's lease free──▶ deciding ◀──▶ executing ──stop()──▶ draining ──▶ stopped
///
/// Two threads, so that one can work while the other waits for the disk: a thread of its own
/// keeps the leases and decides (`DecidingLoop`), the caller's follows the log, runs attempts and
/// appends their reports (`Execution`). They speak through the log alone. Invariants:
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
        /// Who is told of probes that change, while this worker decides.
        public var notifier: Notifier?
        /// Who is told how the work goes; nil for nobody.
        public var meter: (any WorkerMeter)?
        package var checkpoints = CheckpointOptions()

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

    /// What a worker knows of the work.
    public struct Status: Hashable, Sendable {
        /// Whether this worker decides.
        public var isDeciding: Bool
        /// Whether, as far as this worker decides, nothing waits or runs.
        public var isIdle: Bool
    }

    let log: JobLog
    let coding: TraceCoding
    let clusters: ClusterStore
    let backend: any Backend
    let clock: Clock
    let options: Options
    private let outbox = Execution.Outbox()
    private let shared = WorkerShared()

    /// `clusters` may be shared with the backend, so that each cluster is held once.
    public init(
        log: JobLog, backend: any Backend, clusters: ClusterStore? = nil, clock: Clock = .system,
        options: Options
    ) {
        self.log = log
        self.clusters = clusters ?? ClusterStore(log: log)
        coding = TraceCoding(log: log)
        self.backend = backend
        self.clock = clock
        self.options = options
    }

    /// The name of the worker that decides for the log now; nil when none does.
    public static func decider(of log: JobLog) -> String? {
        try? log.leases(rolePrefix: LeaseKeeper.deciderRole).first?.holder
    }

    /// Lets running attempts end, hands over, and returns from `run`. May be called anywhere.
    public func stop() {
        shared.drain()
        log.wake(shared.deciding)
        log.wake(shared.executing)
    }

    /// Works until `isDone` or `stop()`. Blocks; call it on a thread of its own.
    ///
    /// `observe` is told every committed event once, in order, from the ones after `position` on.
    public func run(
        after position: Int64, observe: (EventRow) throws -> Void,
        isDone: (Status) throws -> Bool
    ) throws {
        let ended = DispatchSemaphore(value: 0)
        let loop = DecidingLoop(worker: self, shared: shared)
        let thread = Thread {
            loop.run()
            ended.signal()
        }
        thread.stackSize = 8 << 20
        thread.start()
        defer {
            shared.finish()
            log.wake(shared.deciding)
            ended.wait()
        }
        let wake: @Sendable () -> Void = { [log, shared] in log.wake(shared.executing) }
        var execution = Execution(
            log: log, coding: coding, backend: backend, clock: clock, options: options,
            outbox: outbox, after: position, whenSettled: wake)
        defer { execution.abandon() }
        try execute(&execution, observe, isDone)
        try execution.settle(leaving: 0)
        try shared.rethrow()
    }

    private func execute(
        _ execution: inout Execution, _ observe: (EventRow) throws -> Void,
        _ isDone: (Status) throws -> Bool
    ) throws {
        let (log, outbox, executing) = (log, outbox, shared.executing)
        let report: @Sendable (BackendReport) -> Void = { report in
            if outbox.put(report) { log.wake(executing) }
        }
        var drainUntil: Int64?
        while true {
            let worked = try execution.step(report: report, observe: observe)
            options.meter?.executed()
            try shared.rethrow()
            if try isDone(shared.status(at: execution.position, isQuiet: execution.isQuiet)) {
                return
            }
            if shared.isDraining {
                let now = clock.monotonicMicroseconds()
                let until = drainUntil ?? now + options.drainMicroseconds
                drainUntil = until
                if execution.isIdle || now >= until { return }
            }
            if !worked, outbox.isEmpty {
                let left = drainUntil.map { max(0, $0 - clock.monotonicMicroseconds()) }
                _ = try log.waitForNews(
                    after: execution.position,
                    timeoutMicroseconds: left ?? Self.waitMicroseconds, waker: executing)
            }
        }
    }

    private static let waitMicroseconds: Int64 = 60_000_000
}

/// What a worker's two threads tell each other besides the log.
final class WorkerShared: Sendable {
    let deciding = Waker()
    let executing = Waker()
    private let state = Mutex(State())

    private struct State {
        var isDraining = false
        var isFinished = false
        var error: (any Error)?
        var isDeciding = false
        var idleAt: Int64?
    }

    var isDraining: Bool { state.withLock { $0.isDraining } }
    var isFinished: Bool { state.withLock { $0.isFinished } }

    func drain() { state.withLock { $0.isDraining = true } }
    func finish() { state.withLock { $0.isFinished = true } }
    func fail(_ error: any Error) { state.withLock { $0.error = error } }

    func rethrow() throws {
        if let error = state.withLock({ $0.error }) { throw error }
    }

    /// The deciding thread says what it knows; `idleAt` is where the log ends with nothing to do.
    /// Returns whether that is new.
    func publish(isDeciding: Bool, idleAt: Int64?) -> Bool {
        state.withLock { state in
            defer { (state.isDeciding, state.idleAt) = (isDeciding, idleAt) }
            return state.isDeciding != isDeciding || state.idleAt != idleAt
        }
    }

    /// Idle only counts for one who has seen the log up to there and has nothing to add.
    func status(at position: Int64, isQuiet: Bool) -> Worker.Status {
        state.withLock { state in
            Worker.Status(
                isDeciding: state.isDeciding,
                isIdle: isQuiet && state.idleAt.map { $0 == position } == true)
        }
    }
}
