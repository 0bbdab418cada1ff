import Scheduler
import Traceflow

/// Who is told how a worker's work goes, beside what the log says of it.
///
/// Called on the worker's own threads: an implementation must not wait.
public protocol WorkerMeter: Sendable {
    /// The deciding thread has looked at everything once.
    func looked(isDeciding: Bool)
    /// The executing thread has.
    func executed()
    /// What waits, runs and is held, as who decides knows it; nil from one who does not decide.
    func know(_ figures: DeciderFigures?)
    /// Something is durable, so long after it was ready to be written.
    func committed(_ what: CommitKind, microseconds: Int64)
    /// A slot of a schedule began so long after its moment, its jitter included.
    func slotFired(lateMicroseconds: Int64)
}

/// What a worker writes.
public enum CommitKind: String, CaseIterable, Sendable {
    case decisions
    case reports
}

/// What waits, runs and is held now, as a decider knows it.
public struct DeciderFigures: Hashable, Sendable {
    public var pendingCount = 0
    public var runningCount = 0
    public var tagsHeld = 0
    public var tagCapacity = 0
    public var sweepCount = 0
    /// Members of the sweeps that have not finished, and how many of those have ended.
    public var sweepMembers: Int64 = 0
    public var sweepMembersEnded: Int64 = 0
    public var schedulesActive = 0
    public var schedulesPaused = 0
    public var probes: [Probe] = []
    /// Changes of probes that nobody was told of yet.
    public var untoldCount = 0

    /// A schedule of which something is expected.
    public struct Probe: Hashable, Sendable {
        public var schedule: ScheduleID
        public var name: String
        public var isBroken: Bool
        /// Unexpected results in a row.
        public var mismatches: Int

        public init(schedule: ScheduleID, name: String, isBroken: Bool, mismatches: Int) {
            self.schedule = schedule
            self.name = name
            self.isBroken = isBroken
            self.mismatches = mismatches
        }
    }

    public init() {}

    /// What the state says.
    public init(_ state: SchedulerState) {
        (pendingCount, runningCount) = (state.pendingCount, state.runningCount)
        (tagsHeld, tagCapacity) = state.tags.use
        sweepCount = state.sweeps.count
        for life in state.sweeps.values {
            sweepMembers += life.request.total
            sweepMembersEnded += Int64(life.tally.ended)
        }
        for (id, life) in state.schedules {
            if life.isPaused { schedulesPaused += 1 } else { schedulesActive += 1 }
            untoldCount += life.untold.count
            guard life.spec.expectation != nil else { continue }
            probes.append(
                Probe(
                    schedule: id, name: life.spec.name, isBroken: life.isBroken,
                    mismatches: life.mismatches))
        }
    }
}
