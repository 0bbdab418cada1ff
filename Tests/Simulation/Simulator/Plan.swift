import Scheduler
import Worker

/// What a run is like, made of its seed: how many take part, how busy they are, and which faults
/// may happen. Each run has a random part of the faults, so that some go far in spite of others.
public struct Plan: Sendable {
    public let seed: UInt64
    /// Microseconds that requesters go on for.
    var length: Int64
    var hosts: Int
    var clients: Int
    var nodes: Int
    var leaseMicroseconds: Int64
    /// Attempts at once of each host.
    var inFlightMax: [Int]
    /// The tag profile that each host wants.
    var profiles: [TagProfile?]
    var checkpoints: CheckpointOptions
    /// How large and old a segment grows before the log goes on in the next.
    var segments: SegmentLimits
    /// How much later than it wanted a thread may run, in microseconds.
    var lateness: Int64
    /// Longest delay of a report, in microseconds.
    var latency: Int64
    /// Whether processes learn at once that another on their host is gone.
    var seesDeaths: Bool
    /// Whether clocks of processes differ.
    var skew: Int64
    /// When requesters begin to ask.
    var bursts: [Int64]
    /// Microseconds between two faults of a kind, about; faults that are not here do not happen.
    var spans: [Fault: Int64] = [:]
    /// Chances in thousandths of what happens to reports.
    var chances: [Fault: Int] = [:]
    public var sabotage: Sabotage?

    public init(seed: UInt64, hours: Double = 1, sabotage: Sabotage? = nil) {
        var dice = Dice(seed, .plan)
        self.seed = seed
        self.sabotage = sabotage
        length = Int64(hours * 3_600_000_000)
        hosts = 2 + dice.below(4)
        clients = 1 + dice.below(3)
        nodes = 1 + dice.below(6)
        leaseMicroseconds = [4_000_000, 10_000_000, 10_000_000][dice.below(3)]
        inFlightMax = (0..<hosts).map { _ in [1, 4, 20, 64][dice.below(4)] }
        checkpoints = CheckpointOptions()
        checkpoints.events = dice.within(20...800)
        checkpoints.handoverEvents = dice.within(1...100)
        // Mostly as small as can be: a segment has a hundred events at least.
        segments = SegmentLimits()
        if dice.happens(750) { segments.bytesMax = dice.within(1...200_000) }
        if dice.happens(300) { segments.ageMaxMicroseconds = dice.within(1...1_800_000_000) }
        lateness = dice.happens(500) ? 1_500_000 : 50_000
        latency = [2000, 200_000, 3_000_000][dice.below(3)]
        seesDeaths = dice.happens(500)
        skew = 0
        let everyone = Self.profile(&dice)
        profiles = []
        for _ in 0..<hosts { profiles.append(dice.happens(100) ? Self.profile(&dice) : everyone) }
        bursts = []
        var at: Int64 = 0
        while at < length {
            bursts.append(at)
            at += dice.within(120_000_000...900_000_000)
        }
        chooseFaults(&dice)
    }

    private static func profile(_ dice: inout Dice) -> TagProfile? {
        switch dice.below(6) {
        case 0: .antrea
        case 1: .external(reserve: dice.below(6), foreign: dice.below(6))
        case 2: .perNode
        case _: nil
        }
    }

    private mutating func chooseFaults(_ dice: inout Dice) {
        let share = [150, 400, 700][dice.below(3)]
        for fault in Fault.allCases where dice.happens(share) {
            switch fault {
            case .killed, .diedInOperation, .stopped, .paused, .diskFull, .writeError,
                .syncError, .lockBusy, .clockJumpedAhead, .clockSetBack, .powerCut, .diedInRoll:
                spans[fault] = [30, 100, 300][dice.below(3)] * 1_000_000
            case .overtaken:
                spans[fault] = [10, 40][dice.below(2)] * 1_000_000
            case .nodeFailed, .nodeSilent, .reportLost, .reportDoubled, .reportReordered,
                .reportLate:
                chances[fault] = [20, 80, 200][dice.below(3)]
            case .clockSkewed:
                skew = [300_000, 3_000_000, 30_000_000][dice.below(3)]
            case .diedAfterCommit, .refused, .powerCutLost, .powerCutTore:
                // Consequences of others.
                break
            }
        }
    }
}

/// Lies that a run is told on purpose, to see that it notices.
public enum Sabotage: String, Sendable, CaseIterable {
    /// The disk says it synced, and did not.
    case lyingDisk
    /// Commits are acknowledged before they are synced.
    case unsyncedCommits
    /// Somebody who is not the decider ends attempts.
    case rogueDecider
    /// A requester believes that a failed append succeeded.
    case falseAcknowledgement
    /// Two workers go by the same name.
    case doubleName
    /// An executor drops what it was told to report.
    case lostOutbox
    /// A step goes on for ever.
    case endlessStep
    /// A step waits for what never comes.
    case standstill
    /// A step traps.
    case trap
}
