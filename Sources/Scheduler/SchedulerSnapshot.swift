import Traceflow

/// A scheduler's state set down: all that later decisions depend on, in an order of its own.
///
/// It depends on what is so, not on how it came about: a state that was folded event by event and
/// one that made the decisions itself have equal snapshots. Ranges stay ranges, so ten million
/// traces that were requested in runs are a small value.
public struct SchedulerSnapshot: Hashable, Sendable {
    public var profile: TagProfile
    /// First attempts that wait, by the place of the first of each lane.
    public var lanes: [WaitingLane]
    /// All other Pending and Running traces, by number.
    public var lives: [Life]
    /// Sweeps that have not finished, by number.
    public var sweeps: [Sweep]
    /// Schedules that were not deleted, by number.
    public var schedules: [Schedule]
    /// When the cluster was last seen to have changed.
    public var clusterChangedAt: Moment?
    /// How much it tells (`SchedulerSnapshot+Shape.swift`).
    public var shape: Shape

    public init(
        profile: TagProfile, lanes: [WaitingLane], lives: [Life], sweeps: [Sweep] = [],
        schedules: [Schedule] = [], clusterChangedAt: Moment? = nil, shape: Shape = .newest
    ) {
        self.profile = profile
        self.lanes = lanes
        self.lives = lives
        self.sweeps = sweeps
        self.schedules = schedules
        self.clusterChangedAt = clusterChangedAt
        self.shape = shape
    }

    public struct Schedule: Hashable, Sendable {
        public var id: ScheduleID
        public var life: ScheduleLife

        public init(id: ScheduleID, life: ScheduleLife) {
            self.id = id
            self.life = life
        }
    }

    public struct Sweep: Hashable, Sendable {
        public var id: SweepID
        public var life: SweepLife

        public init(id: SweepID, life: SweepLife) {
            self.id = id
            self.life = life
        }
    }

    /// First attempts with the same facts.
    public struct WaitingLane: Hashable, Sendable {
        public var facts: SchedulingFacts
        /// In order, without those that no longer wait.
        public var ranges: [WaitingRange]

        public init(facts: SchedulingFacts, ranges: [WaitingRange]) {
            self.facts = facts
            self.ranges = ranges
        }
    }

    /// A trace of which more is known than that it waits.
    public struct Life: Hashable, Sendable {
        public var trace: TraceID
        /// Where the event stands that queued it; 0 once that no longer matters.
        public var position: Int64
        public var life: TraceLife

        public init(trace: TraceID, position: Int64, life: TraceLife) {
            self.trace = trace
            self.position = position
            self.life = life
        }
    }
}
