import JobLog
import Scheduler
import Synchronization
import TraceLog
import Traceflow
import Worker

/// What a worker has to say of itself and of its log: folds what it observes, and takes what it
/// is told.
///
///     committed events ──observe──▶ MetricsFold ──┐
///     decider's state ──know──▶ DeciderFigures ───┼──▶ MetricsReading ──▶ page
///     commits, slots ──▶ histograms ──────────────┘        ▲ end of the log, lease
///
/// Counts begin when it is made. Reading blocks on the log; being told never does.
public final class WorkerMetrics: WorkerMeter {
    private let log: JobLog
    private let coding: TraceCoding
    private let clock: Clock
    private let version: String
    private let notifier: Notifier?
    private let state: Mutex<State>

    private struct State {
        var fold: MetricsFold
        var figures: DeciderFigures?
        var commits: [CommitKind: Histogram] = [:]
        var slotLateness = Histogram.lateness
        var isDeciding = false
        var lastPass: Moment?
        var isStopping = false
        /// Monotonic microseconds at which the threads last came round.
        var lookedAt: Int64
        var executedAt: Int64
    }

    /// Events that are read at most to learn since when traces wait.
    private static let replayMax: Int64 = 200_000

    /// Reads since when traces wait and run, as far as the log's last events tell.
    public init(
        log: JobLog, clock: Clock = .system, version: String, notifier: Notifier? = nil
    ) throws {
        self.log = log
        self.clock = clock
        self.version = version
        self.notifier = notifier
        coding = TraceCoding(log: log)
        let last = try log.lastPosition()
        let checkpoint = try log.lastCheckpoint()?.position ?? 0
        var fold = MetricsFold(after: max(checkpoint, last - Self.replayMax, 0))
        let coding = coding
        try log.scan(after: fold.position) { row in
            Self.take(row, coding, &fold)
        }
        fold.beginCounting()
        let now = clock.monotonicMicroseconds()
        state = Mutex(State(fold: fold, lookedAt: now, executedAt: now))
    }

    /// The place in the log from which on it has to be told of events.
    public var position: Int64 { state.withLock { $0.fold.position } }

    /// Takes in the next committed event.
    public func observe(_ row: EventRow) {
        state.withLock { Self.take(row, coding, &$0.fold) }
    }

    private static func take(_ row: EventRow, _ coding: TraceCoding, _ fold: inout MetricsFold) {
        // What cannot be read stops who decides, with an error; counting must not.
        let fact = (try? MetricsFact(row, coding)) ?? .other
        fold.evolve(
            fact, of: row.stream, position: row.position,
            at: Moment(microseconds: row.recordedAt))
    }

    /// The worker was told to stop: it is not ready any more.
    public func stopping() { state.withLock { $0.isStopping = true } }

    // MARK: told by the worker

    public func looked(isDeciding: Bool) {
        let (now, moment) = (clock.monotonicMicroseconds(), clock.now())
        state.withLock { state in
            state.lookedAt = now
            state.isDeciding = isDeciding
            if isDeciding { state.lastPass = moment }
        }
    }

    public func executed() {
        let now = clock.monotonicMicroseconds()
        state.withLock { $0.executedAt = now }
    }

    public func know(_ figures: DeciderFigures?) { state.withLock { $0.figures = figures } }

    public func committed(_ what: CommitKind, microseconds: Int64) {
        state.withLock { $0.commits[what, default: .commits].add(microseconds) }
    }

    public func slotFired(lateMicroseconds: Int64) {
        state.withLock { $0.slotLateness.add(lateMicroseconds) }
    }

    // MARK: asked by the server

    private static let staleMicroseconds: Int64 = 30_000_000

    /// The page of metrics. Waits for the log.
    func page() -> String {
        let known = state.withLock { $0 }
        // Figures of one who does not come round any more would stand beside its successor's.
        let isFresh = clock.monotonicMicroseconds() - known.lookedAt < Self.staleMicroseconds
        let work = MetricsReading.Work(
            fold: known.fold, figures: isFresh ? known.figures : nil, commits: known.commits,
            slotLateness: known.slotLateness, isDeciding: known.isDeciding,
            lastPass: known.isDeciding ? known.lastPass : nil,
            notificationFailures: notifier?.failures,
            log: logFigures())
        return MetricsPage.text(
            MetricsReading(version: version, process: .now(), work: work))
    }

    /// Whether its threads live. Does not wait.
    var liveness: Health.Answer { health(log: nil).liveness }

    /// Whether what is asked of the log gets done. Waits for the log.
    func readiness() -> Health.Answer { health(log: logFigures()).readiness }

    private func health(log: MetricsReading.LogFigures?) -> Health {
        let now = clock.monotonicMicroseconds()
        return state.withLock { state in
            Health(
                decidingStill: now - state.lookedAt, executingStill: now - state.executedAt,
                isStopping: state.isStopping, isDeciding: state.isDeciding,
                isDecided: log.map { $0.epoch != nil },
                lag: log.map { $0.lastPosition - state.fold.position })
        }
    }

    private func logFigures() -> MetricsReading.LogFigures? {
        // What keeps the log from being read ends the worker, and is said then.
        guard let last = try? log.lastPosition(),
            let leases = try? log.leases(rolePrefix: LeaseKeeper.deciderRole)
        else { return nil }
        return MetricsReading.LogFigures(
            lastPosition: last, epoch: leases.first { $0.role == LeaseKeeper.deciderRole }?.epoch)
    }
}
