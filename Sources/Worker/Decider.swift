import JobLog
import Scheduler
import TraceLog
import Traceflow

/// Holds the decider's lease and decides under it.
///
///     idle ──lease granted──▶ catching up ──▶ deciding ──lease lost, commit failed──▶ idle
///
/// Invariants: the state equals the fold of the log up to `position`; a failed or unknown commit
/// throws the state away; nothing is published before its commit.
public struct Decider {
    static let role = "decider"

    let log: JobLog
    let clock: Clock
    let holder: String
    let leaseMicroseconds: Int64
    private(set) var lease: Lease?
    private(set) var state: SchedulerState?
    private var position: Int64 = 0
    private var jumps: JumpWatch

    public init(log: JobLog, clock: Clock, holder: String, leaseMicroseconds: Int64) {
        self.log = log
        self.clock = clock
        self.holder = holder
        self.leaseMicroseconds = leaseMicroseconds
        jumps = JumpWatch(clock: clock, leaseMicroseconds: leaseMicroseconds)
    }

    var isDeciding: Bool { lease != nil }

    /// Takes the role if nobody alive holds it; returns whether we have it.
    public mutating func tryToLead() throws -> Bool {
        if lease != nil { return true }
        guard try log.leases(rolePrefix: Self.role).isEmpty else { return false }
        let holder = holder
        lease = try log.acquireLease(
            role: Self.role, holder: holder, durationMicroseconds: leaseMicroseconds
        ) { epoch in
            try EventCoding.draft(
                .deciderTookOver(epoch: epoch, holder: holder), stream: .existing(JobLog.ownStream))
        }
        return lease != nil
    }

    mutating func renew() throws {
        guard let held = lease else { return }
        do {
            lease = try log.renewLease(held, durationMicroseconds: leaseMicroseconds)
        } catch let error as JobLogError where error.code == .leaseLost {
            stepDown()
        }
    }

    public mutating func release() throws {
        if let lease { try log.releaseLease(lease) }
        stepDown()
    }

    mutating func stepDown() {
        lease = nil
        state = nil
        position = 0
    }

    /// The next moment at which time alone makes a decision due.
    var nextMoment: Moment? { state?.nextMoment.map { jumps.due($0) } }

    /// One pass: what came since is folded, decisions are made and committed.
    ///
    /// Returns whether anything was decided.
    public mutating func decide(executors: [Executor], profile: TagProfile?) throws -> Bool {
        guard let lease else { return false }
        do {
            try catchUp()
            guard var working = state.take() else { return false }
            var folded = position
            let overdueAt = jumps.overdueAt()
            let appended = try log.decide(holding: lease, after: position) { news, moment in
                try news.forEach { try Self.fold($0.recorded, into: &working, &folded) }
                var drafts: [Draft] = []
                if let profile, working.tags.profile != profile {
                    working.evolve(profile)
                    drafts.append(
                        try EventCoding.draft(
                            .tagProfileChanged(profile), stream: .existing(JobLog.ownStream)))
                }
                let now = Moment(microseconds: moment)
                let context = DecisionContext(
                    now: now, overdueAt: overdueAt.map { min($0, now) }, executors: executors)
                let first = folded + Int64(drafts.count) + 1
                for decision in working.decide(context, position: first) {
                    drafts.append(
                        try EventCoding.draft(
                            .trace(decision.event), stream: .existing(decision.trace.rawValue)))
                }
                return AppendRequest(drafts: drafts)
            }
            state = working
            position = folded + Int64(appended.positions.count)
            return !appended.positions.isEmpty
        } catch let error as JobLogError where error.code == .leaseLost {
            stepDown()
            return false
        } catch {
            state = nil
            position = 0
            throw error
        }
    }

    /// Reads what is far behind without holding up other writers.
    private mutating func catchUp() throws {
        var working = state.take() ?? SchedulerState()
        if position == 0 { working = SchedulerState() }
        while true {
            let events = try log.read(after: position, limit: Self.chunk)
            for event in events { try Self.fold(event, into: &working, &position) }
            if events.count < Self.chunk { break }
        }
        state = working
    }

    private static let chunk = 10_000

    private static func fold(
        _ recorded: RecordedEvent, into state: inout SchedulerState, _ position: inout Int64
    ) throws {
        switch try EventCoding.event(recorded) {
        case .trace(let event):
            state.evolve(
                TraceID(recorded.stream), event, position: recorded.position,
                at: Moment(microseconds: recorded.recordedAt))
        case .tagProfileChanged(let profile): state.evolve(profile)
        case .clusterObserved, .logCreated, .deciderTookOver: break
        }
        position = recorded.position
    }
}

/// Notices when the clock jumps ahead, and holds deadlines for one lease: reports that were on
/// their way must not lose to a time that nobody lived through.
struct JumpWatch {
    private let clock: Clock
    private let leaseMicroseconds: Int64
    private var lastNow: Moment
    private var lastMonotonic: Int64
    private var hold: (until: Int64, at: Moment)?

    init(clock: Clock, leaseMicroseconds: Int64) {
        self.clock = clock
        self.leaseMicroseconds = leaseMicroseconds
        lastNow = clock.now()
        lastMonotonic = clock.monotonicMicroseconds()
    }

    /// The moment to hold deadlines against; nil when that is simply now.
    mutating func overdueAt() -> Moment? {
        let now = clock.now()
        let monotonic = clock.monotonicMicroseconds()
        let jump = now.microseconds - lastNow.microseconds - (monotonic - lastMonotonic)
        if jump > leaseMicroseconds {
            hold = (until: monotonic + leaseMicroseconds, at: hold?.at ?? lastNow)
        }
        lastNow = now
        lastMonotonic = monotonic
        if let held = hold, monotonic >= held.until { hold = nil }
        return hold?.at
    }

    /// When to look again: not before a hold is over.
    func due(_ moment: Moment) -> Moment {
        guard let hold else { return moment }
        let wait = max(0, hold.until - clock.monotonicMicroseconds())
        return max(moment, clock.now().advanced(byMicroseconds: wait))
    }
}
