import JobLog
import Scheduler
import TraceLog
import Traceflow

/// Decides under a lease: folds the log, decides, appends.
///
///     idle ──lease granted──▶ catching up ──▶ deciding ──lease lost, commit failed──▶ idle
///
/// Invariants: the state equals the fold of the log up to `position`; a failed or unknown commit
/// throws the state away; nothing is published before its commit.
public struct Decider {
    private let log: JobLog
    private let coding: TraceCoding
    private let clock: Clock
    private(set) var state: SchedulerState?
    private(set) var position: Int64 = 0
    /// Where the last checkpoint stands.
    private var checkpointed: Int64 = 0
    private var jumps: JumpWatch

    /// Events that are read at once while catching up.
    private static let chunk = 10_000
    /// Events between two checkpoints: a replay costs these at most.
    static let checkpointEvents: Int64 = 100_000
    /// The same when the decider hands over, since the next may be in a hurry.
    private static let handoverEvents: Int64 = 2000
    /// Traces at most in a checkpoint that is made while others wait for the transaction.
    static let checkpointLives = 20_000
    static let checkpointPending = 2_000_000

    public init(log: JobLog, coding: TraceCoding, clock: Clock, leaseMicroseconds: Int64) {
        self.log = log
        self.coding = coding
        self.clock = clock
        jumps = JumpWatch(clock: clock, leaseMicroseconds: leaseMicroseconds)
    }

    /// The next moment at which time alone makes a decision due.
    var nextMoment: Moment? { state?.nextMoment.map { jumps.due($0) } }

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
            guard var working = state.take() else { return false }
            var folded = position
            let overdueAt = jumps.overdueAt()
            let appended = try log.decide(holding: lease, after: position) { news, moment in
                try news.forEach { row in
                    try coding.fold(row, into: &working)
                    folded = row.position
                }
                let now = Moment(microseconds: moment)
                let context = DecisionContext(
                    now: now, overdueAt: overdueAt.map { min($0, now) }, executors: executors)
                return try request(&working, after: folded, context, profile)
            }
            state = working
            position = folded + Int64(appended.positions.count)
            return !appended.positions.isEmpty
        } catch {
            stepDown()
            throw error
        }
    }

    private mutating func request(
        _ state: inout SchedulerState, after position: Int64, _ context: DecisionContext,
        _ profile: TagProfile?
    ) throws -> AppendRequest {
        var request = AppendRequest()
        let ownStream = StreamRef.existing(JobLog.ownStream)
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
        let last = position + Int64(request.drafts.count)
        if last - checkpointed >= Self.checkpointEvents, !request.drafts.isEmpty,
            Self.isCheap(state)
        {
            request.drafts.append(
                try coding.draft(.checkpoint(state.snapshot), stream: ownStream))
            checkpointed = last + 1
        }
        return request
    }

    /// Sets the state down for who decides next, if a replay to here would take long.
    public mutating func handOver(holding lease: Lease) throws {
        guard var working = state.take(), position - checkpointed >= Self.handoverEvents,
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
        position = 0
        checkpointed = 0
        guard let checkpoint = try log.lastCheckpoint() else { return SchedulerState() }
        guard case .checkpoint(let snapshot) = try coding.event(checkpoint) else {
            throw TraceLogError(
                .malformedEvent, position: checkpoint.position, detail: "not a checkpoint")
        }
        position = checkpoint.position
        checkpointed = position
        return SchedulerState(snapshot: snapshot)
    }
}
