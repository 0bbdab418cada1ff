import Traceflow

/// Everything scheduling knows: a fold of the log, and nothing else.
///
///     absent ──requested──▶ waiting in a lane ──tagAllocated──▶ running ──end──▶ absent
///                             ▲     │ cancelled, deleted          │  ▲
///                             │     └──────▶ touched ◀────────────┘  │
///                  backoff over             (to be ended)            │
///                             └── resting ◀──retryRequested── absent ┘
///
/// Finished traces leave the state; a retry brings what is needed to schedule one again. A first
/// attempt that waits costs a number, and a share of a range in its lane; what more there is to
/// know of it stays in the log. Deciding happens in `SchedulerState+Decide.swift`. Invariants,
/// after every event (`invariantFaults` looks at them):
/// - `tags` holds a tag or a credit for exactly the traces that are Running;
/// - a Pending trace has one entry in a lane, or one in `resting` until its backoff is over, or is
///   touched because somebody wants it gone;
/// - the first entry of every lane and agenda speaks of a trace that is still in that place;
/// - a sweep's open members are the traces that name it (`SweepLife`);
/// - nothing depends on the order of a dictionary.
public struct SchedulerState: Sendable {
    public internal(set) var tags = TagPool()
    var captures = CaptureSlots()
    public internal(set) var pendingCount = 0
    public internal(set) var runningCount = 0
    var book = TraceBook()
    var lines = LineUp()
    var nodes = NodeNames()
    var executors = ExecutorLoads()
    var touched = Agenda(.touched)
    var touchedCount = 0
    var resting = Agenda(.resting)
    var restingCount = 0
    var deadlines = Agenda(.deadline)
    /// Those that have not finished.
    public internal(set) var sweeps: [SweepID: SweepLife] = [:]
    /// Those that were not deleted.
    public internal(set) var schedules: [ScheduleID: ScheduleLife] = [:]
    /// When the cluster was last seen to have changed; nil for never.
    public internal(set) var clusterChangedAt: Moment?
    /// Schedules that somebody wants to begin, or whose probe has changed.
    var attentive: Set<ScheduleID> = []
    /// Schedules with changes that nobody was told of yet.
    var untold: Set<ScheduleID> = []
    /// Schedules whose next slot is to be worked out, what came of it for the others, and in order.
    var unplanned: Set<ScheduleID> = []
    var planned: [ScheduleID: Moment] = [:]
    var slotAgenda = MinHeap<PlannedSlot>()

    public init() {}

    /// Whether there is nothing left to do: nothing waits, rests, runs or is to be ended. Slots of
    /// schedules that are still to come do not count.
    public var isIdle: Bool {
        pendingCount == 0 && runningCount == 0 && sweeps.isEmpty && attentive.isEmpty
    }

    /// The next moment at which time alone changes something; nil when nothing waits for time.
    public var nextMoment: Moment? {
        let over = deadlines.first.map {
            Moment(microseconds: $0.key).advanced(byMicroseconds: 1)
        }
        let rested = resting.first.map { Moment(microseconds: $0.key) }
        let paced = sweeps.values.lazy.compactMap(\.nextMoment).min()
        return [over, rested, paced, nextSlot].compactMap { $0 }.min()
    }

    /// What the rules know of a trace that is Pending or Running; nil for any other.
    public func life(of id: TraceID) -> TraceLife? {
        switch book.place(of: id) {
        case .absent: nil
        case .waiting(let lane): TraceLife(facts: lines.lanes[lane].facts)
        case .known(let slot): book.slots[slot].life
        }
    }

    /// What a Running trace holds; nil for any other.
    public func allocation(of id: TraceID) -> TagAllocation? {
        guard let slot = book.slot(of: id) else { return nil }
        return book.slots[slot].life.allocation
    }

    /// What scheduling knows of a Pending trace; nil for any other.
    public func waitingFacts(of id: TraceID) -> SchedulingFacts? {
        switch book.place(of: id) {
        case .absent: nil
        case .waiting(let lane): lines.lanes[lane].facts
        case .known(let slot):
            book.slots[slot].life.phase == .pending ? book.slots[slot].life.facts : nil
        }
    }
}
