import JobLog
import Scheduler
import TraceLog
import Traceflow

/// Decides under a lease: folds the log, decides, appends.
///
///     idle ──lease granted──▶ catching up ──▶ deciding ──lease lost, commit failed──▶ idle
///
/// Invariants: the state equals the fold of the log up to `position`; a failed or unknown commit
/// throws the state away; nothing is published before its commit; the first transaction under a
/// lease begins with `DeciderTookOver`.
public struct Decider {
    private let log: JobLog
    let coding: TraceCoding
    package private(set) var state: SchedulerState?
    package private(set) var position: Int64 = 0
    /// Where the last checkpoint stands.
    private var checkpointed: Int64 = 0
    /// The epoch of the lease under which something was committed.
    private var announcedEpoch: Int64?
    private var jumps: JumpWatch
    private var passes: UInt64 = 0
    private let checkpoints: CheckpointOptions
    /// Nil for one who leaves sweeps as they are.
    let plans: (any SweepExpanding)?
    /// Nil for one who leaves schedules as they are.
    let runs: (any ScheduleRunning)?
    private let clock: Clock
    private let meter: (any WorkerMeter)?

    /// Events that are read at once while catching up.
    private static let chunk = 10_000
    /// Traces at most in a checkpoint that is made while others wait for the transaction.
    static let checkpointLives = 20_000
    static let checkpointPending = 2_000_000
    /// Events at most in a transaction, and how many of them sweeps may claim before all others.
    static let eventsMax = 10_000
    private static let membersReserved = 2_500
    /// Passes between two looks at the size of the segment.
    private static let passesBetweenLooks: UInt64 = 16

    public init(log: JobLog, coding: TraceCoding, clock: Clock, leaseMicroseconds: Int64) {
        self.init(
            log: log, coding: coding, clock: clock, leaseMicroseconds: leaseMicroseconds,
            checkpoints: CheckpointOptions(), plans: nil, runs: nil, meter: nil)
    }

    init(
        log: JobLog, coding: TraceCoding, clock: Clock, leaseMicroseconds: Int64,
        checkpoints: CheckpointOptions, plans: (any SweepExpanding)?, runs: (any ScheduleRunning)?,
        meter: (any WorkerMeter)? = nil
    ) {
        self.log = log
        self.coding = coding
        self.checkpoints = checkpoints
        self.plans = plans
        self.runs = runs
        self.clock = clock
        self.meter = meter
        jumps = JumpWatch(
            clock: clock, now: Moment(microseconds: log.now()),
            leaseMicroseconds: leaseMicroseconds)
    }

    /// The next moment at which time alone makes a decision due.
    package var nextMoment: Moment? { state?.nextMoment.map { jumps.due($0, now: log.now()) } }

    /// Forgets the state: somebody else decides now.
    mutating func stepDown() {
        state = nil
        position = 0
    }

    /// One pass: what came since is folded, decisions are made and committed.
    ///
    /// Returns whether anything was decided. Throws `leaseLost` when the lease is somebody
    /// else's.
    public mutating func decide(
        holding lease: Lease, executors: [Executor], profile: TagProfile?
    ) throws -> Bool {
        do {
            try catchUp()
            try makePlans()
            let isPrepared = try prepareRuns()
            var isPostponed = false
            guard var working = state.take() else { return false }
            var folded = position
            var decided = 0
            var added: [Expansion] = []
            var late: [Int64] = []
            var decidedAt: Int64?
            let appended = try log.decide(
                holding: lease, after: position, takesAlong: true
            ) { news, moment in
                let reading = coding.reading(news)
                let count = try news.forEach { row in
                    try reading.fold(row, into: &working)
                    folded = row.position
                }
                let now = Moment(microseconds: moment)
                let reserved =
                    plans == nil
                    ? 0
                    : working.expansions(at: now, countMax: Self.membersReserved)
                        .reduce(0) { $0 + $1.memberCount }
                let context = DecisionContext(
                    now: now, overdueAt: min(jumps.overdueAt(now), now), executors: executors,
                    decisionsMax: max(1, Self.eventsMax - reserved - count))
                var request = try request(&working, after: folded, context, lease, profile)
                decided = request.drafts.count
                // What became due since the cluster was looked at waits for the next pass.
                isPostponed = !isPrepared && runs != nil && working.hasSlot(at: now)
                var begun = Begun()
                if isPrepared { begun = try begin(&working, at: now, &request) }
                let beginsRuns = request.drafts.count > decided
                added = try expand(working, at: now, &request, without: begun.replaced)
                if beginsRuns { added = [] } else { decided = request.drafts.count }
                late = begun.lateMicroseconds
                decidedAt = meter.map { _ in clock.monotonicMicroseconds() }
                return request
            }
            if let meter, let decidedAt, !appended.positions.isEmpty {
                meter.committed(
                    .decisions, microseconds: clock.monotonicMicroseconds() - decidedAt)
                for microseconds in late { meter.slotFired(lateMicroseconds: microseconds) }
            }
            announcedEpoch = lease.epoch
            Self.takeIn(added, appended, &working)
            state = working
            // The runs that were begun, and members behind them, are taken in as whatever comes.
            position = folded + Int64(decided)
            return !appended.positions.isEmpty || isPostponed
        } catch {
            stepDown()
            throw error
        }
    }

    private mutating func request(
        _ state: inout SchedulerState, after position: Int64, _ context: DecisionContext,
        _ lease: Lease, _ profile: TagProfile?
    ) throws -> AppendRequest {
        var request = AppendRequest()
        let ownStream = StreamRef.existing(JobLog.ownStream)
        if announcedEpoch != lease.epoch {
            request.drafts.append(
                try coding.draft(
                    .deciderTookOver(epoch: lease.epoch, holder: lease.holder), stream: ownStream))
        }
        if let profile, state.tags.profile != profile {
            state.evolve(profile)
            request.drafts.append(
                try coding.draft(.tagProfileChanged(profile), stream: ownStream))
        }
        let first = position + Int64(request.drafts.count) + 1
        for decision in state.decide(context, position: first) {
            request.drafts.append(
                try coding.draft(
                    .trace(decision.event), stream: .existing(decision.trace.rawValue),
                    recordedAt: context.now))
        }
        for decision in state.finishSweeps(at: context.now) {
            request.drafts.append(
                try coding.draft(
                    .sweep(decision.event), stream: .existing(decision.sweep.rawValue)))
        }
        for decision in state.probeChanges(at: context.now) {
            request.drafts.append(
                try coding.draft(
                    .schedule(decision.event), stream: .existing(decision.schedule.rawValue)))
        }
        let last = position + Int64(request.drafts.count)
        if last - checkpointed >= checkpoints.events, !request.drafts.isEmpty,
            Self.isCheap(state)
        {
            request.drafts.append(
                try coding.draft(.checkpoint(state.snapshot), stream: ownStream))
            checkpointed = last + 1
        }
        return request
    }

    /// Works out the next slots; returns whether one has come.
    mutating func planSlots() -> Bool {
        guard let runs, var working = state.take() else { return false }
        let now = Moment(microseconds: log.now())
        working.plan { runs.zone($0, around: now) }
        let isDue = working.hasSlot(at: now)
        state = working
        return isDue
    }

    /// Sets the state down for who decides next, if a replay to here would take long.
    public mutating func handOver(holding lease: Lease) throws {
        guard var working = state.take(), position - checkpointed >= checkpoints.handoverEvents,
            Self.isCheap(working)
        else { return }
        defer { stepDown() }
        try log.decide(holding: lease, after: position) { news, _ in
            try news.forEach { try coding.fold($0, into: &working) }
            return AppendRequest(drafts: [
                try coding.draft(
                    .checkpoint(working.snapshot), stream: .existing(JobLog.ownStream))
            ])
        }
    }

    /// Goes on in a new segment if the open one is large or old enough.
    ///
    /// The state is set down right before the seal, so that whoever begins the next segment need
    /// not replay this one.
    public mutating func rollIfDue(holding lease: Lease) throws -> Bool {
        passes += 1
        guard passes % Self.passesBetweenLooks == 1, try log.isRollDue() else { return false }
        try roll(holding: lease)
        return true
    }

    /// Goes on in a new segment.
    public mutating func roll(holding lease: Lease) throws {
        try catchUp()
        guard var working = state.take() else { return }
        let after = position
        stepDown()
        let sealedAt = try log.roll(holding: lease, after: after) { news, _ in
            try news.forEach { try coding.fold($0, into: &working) }
            return [
                try coding.draft(
                    .checkpoint(working.snapshot), stream: .existing(JobLog.ownStream))
            ]
        }
        // What comes after the seal says again what the state knows.
        (state, position, checkpointed) = (working, sealedAt, sealedAt)
    }

    private static func isCheap(_ state: SchedulerState) -> Bool {
        state.knownCount <= checkpointLives && state.pendingCount <= checkpointPending
    }

    /// Reads what is far behind without holding up other writers.
    private mutating func catchUp() throws {
        var working: SchedulerState
        if let known = state.take() {
            working = known
        } else {
            working = try restore()
        }
        while true {
            let count = try log.scan(after: position, limit: Self.chunk) { row in
                try coding.fold(row, into: &working)
                position = row.position
            }
            if count < Self.chunk { break }
        }
        state = working
    }

    /// The state at the last checkpoint, from which the replay begins.
    private mutating func restore() throws -> SchedulerState {
        let restored = try coding.restored()
        position = restored.position
        checkpointed = position
        return restored.state
    }
}

/// How often the state is set down.
package struct CheckpointOptions: Sendable {
    /// Events between two checkpoints: a replay costs these at most.
    package var events: Int64 = 100_000
    /// The same when the decider hands over, since the next may be in a hurry.
    package var handoverEvents: Int64 = 2000

    package init() {}
}
