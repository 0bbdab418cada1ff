import Traceflow

/// A fact about one schedule.
public enum ScheduleEvent: Hashable, Sendable {
    /// It was made, or is another from now on.
    indirect case changed(ScheduleSpec)
    case paused
    case resumed
    case deleted
    /// Somebody wants it to begin now, whatever the time is.
    case runRequested
    /// The request of what the slot begins follows at once, within the same transaction.
    case fired(SlotFiring)
    case missed(MissedSlots)
    case probeBroken(ProbeChange)
    case probeHealthy(ProbeChange)
    /// The verdict is the same, and the packet comes to it in another way.
    case pathChanged(ProbeChange)
    /// Somebody was told of the change with this number, and of those before it.
    case notified(number: Int)
}

/// A change of a probe that somebody is to be told of.
public struct ProbeNotice: Hashable, Sendable {
    public var schedule: ScheduleID
    public var name: String
    public var labels: [String: String]
    /// The how manieth change of the schedule it is, from 1.
    public var number: Int
    public var change: ProbeChange

    public init(
        schedule: ScheduleID, name: String, labels: [String: String], number: Int,
        change: ProbeChange
    ) {
        self.schedule = schedule
        self.name = name
        self.labels = labels
        self.number = number
        self.change = change
    }
}

/// A slot that begins.
public struct SlotFiring: Hashable, Sendable {
    /// The slot's own moment, not that at which it was noticed.
    public var slot: Moment
    /// What is expected to come of it; nil where nothing is.
    public var expected: Verdict?
    /// Somebody asked for it: the slots of the calendar go on as they were.
    public var isByHand: Bool
    /// The time of maintenance that lasts as it begins, or the next one; nil when none is to come.
    public var maintenance: Range<Moment>?

    public init(
        slot: Moment, expected: Verdict? = nil, isByHand: Bool = false,
        maintenance: Range<Moment>? = nil
    ) {
        self.slot = slot
        self.expected = expected
        self.isByHand = isByHand
        self.maintenance = maintenance
    }

    /// Whether a run that ended at the moment was under way in a time of maintenance. (The window
    /// had not ended when the run began, so it only matters whether it had begun.)
    public static func isExcused(_ maintenance: Range<Moment>?, endedAt moment: Moment) -> Bool {
        maintenance.map { $0.lowerBound <= moment } ?? false
    }
}

/// Slots that nobody began, one after the other.
public struct MissedSlots: Hashable, Sendable {
    public enum Reason: String, Hashable, Sendable, CaseIterable {
        /// Nobody was there, or not in time.
        case late
        /// What was begun before still ran.
        case running
        /// There was nothing to begin: no cluster, or no pair of Pods in it.
        case unable
    }

    public var first: Moment
    public var last: Moment
    public var count: Int
    public var reason: Reason

    public init(first: Moment, last: Moment, count: Int, reason: Reason) {
        self.first = first
        self.last = last
        self.count = count
        self.reason = reason
    }
}

/// The result that changed what is thought of a probe, or that came about in another way.
public struct ProbeChange: Hashable, Sendable {
    public var slot: Moment
    public var verdict: Verdict
    public var expected: Verdict
    /// How many results in a row were unexpected; 0 for one that is healthy again.
    public var mismatches: Int
    /// How the path is another; nil where that is not what is said.
    public var path: PathTurn?

    public enum Kind: String, Hashable, Sendable, CaseIterable {
        case broken, healthy, pathChanged
    }

    public var kind: Kind {
        if path != nil { return .pathChanged }
        return mismatches > 0 ? .broken : .healthy
    }

    public init(
        slot: Moment, verdict: Verdict, expected: Verdict, mismatches: Int, path: PathTurn? = nil
    ) {
        self.slot = slot
        self.verdict = verdict
        self.expected = expected
        self.mismatches = mismatches
        self.path = path
    }
}

/// Two paths to the same verdict.
public struct PathTurn: Hashable, Sendable {
    public var before: PathDigest
    public var after: PathDigest
    /// The last run that found it as it was before.
    public var beforeSlot: Moment

    public init(before: PathDigest, after: PathDigest, beforeSlot: Moment) {
        self.before = before
        self.after = after
        self.beforeSlot = beforeSlot
    }
}

/// A decision about a schedule.
public struct ScheduleDecision: Hashable, Sendable {
    public var schedule: ScheduleID
    public var event: ScheduleEvent

    public init(schedule: ScheduleID, event: ScheduleEvent) {
        self.schedule = schedule
        self.event = event
    }
}
