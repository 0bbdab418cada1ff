import Scheduler

/// What can go wrong in a run. Each run has some of them.
public enum Fault: String, CaseIterable, Sendable, Hashable {
    /// A process dies between two steps.
    case killed
    /// A process dies within an operation of the disk, that is at any wait.
    case diedInOperation
    /// A commit stands, and who made it died before knowing.
    case diedAfterCommit
    /// A worker is told to stop, and leaves in order.
    case stopped
    /// A process does nothing for longer than a lease, then goes on with what it knew.
    case paused
    /// A process stops in the middle of an operation while others go on.
    case overtaken
    case clockJumpedAhead, clockSetBack, clockSkewed
    case nodeFailed, nodeSilent
    case reportLost, reportDoubled, reportReordered
    /// A report of an attempt that has ended or was taken over.
    case reportLate
    case diskFull, writeError, syncError, lockBusy
    case powerCut
    /// Something that was not synced is gone after a power cut.
    case powerCutLost
    /// Of something that was not synced, a part is there after a power cut.
    case powerCutTore
    /// Who was making a new segment of the log ended in the middle of it.
    case diedInRoll
    /// A holder of an older epoch was refused.
    case refused
}

/// What happened in a run, or in many.
public struct Tally: Sendable, Equatable {
    public var faults: [Fault: Int] = [:]
    public var traces = 0
    public var sweeps = 0
    /// Traces that sweeps asked for.
    public var members = 0
    /// Slots of schedules that began, and those that were missed.
    public var slots = 0
    public var missedSlots = 0
    /// What was said of probes, and results that were held back or in maintenance.
    public var findings: [ProbeChange.Kind: Int] = [:]
    public var resultsHeld = 0
    public var resultsExcused = 0
    public var attempts = 0
    public var takeovers = 0
    public var deciders = 0
    public var checkpoints = 0
    public var segments = 0
    public var retries = 0
    public var events = 0
    public var steps = 0
    public var operations = 0
    public var acknowledged = 0

    public init() {}

    mutating func count(_ fault: Fault, _ times: Int = 1) {
        if times > 0 { faults[fault, default: 0] += times }
    }

    public mutating func add(_ other: Tally) {
        for fault in Fault.allCases {
            if let count = other.faults[fault] { faults[fault, default: 0] += count }
        }
        traces += other.traces
        sweeps += other.sweeps
        members += other.members
        slots += other.slots
        missedSlots += other.missedSlots
        for kind in ProbeChange.Kind.allCases {
            findings[kind, default: 0] += other.findings[kind] ?? 0
        }
        resultsHeld += other.resultsHeld
        resultsExcused += other.resultsExcused
        attempts += other.attempts
        takeovers += other.takeovers
        deciders += other.deciders
        checkpoints += other.checkpoints
        segments += other.segments
        retries += other.retries
        events += other.events
        steps += other.steps
        operations += other.operations
        acknowledged += other.acknowledged
    }
}

/// Something that must never be so.
public struct Violation: Error, Sendable, Hashable, CustomStringConvertible {
    public let description: String
    public init(_ description: String) { self.description = description }
}
