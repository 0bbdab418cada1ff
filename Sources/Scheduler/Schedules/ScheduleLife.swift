import Traceflow

/// What the rules know of one schedule.
///
///     absent ──changed──▶ waiting ──its moment has come──▶ fired ──▶ waiting
///                          │   ▲                             └──▶ run: open ──end──▶ judged
///                     paused   resumed        waiting ──nobody was there──▶ missed ──▶ waiting
///
/// Invariants:
/// - every slot after the schedule was made, up to `decidedThrough`, was fired or missed, once;
///   slots while it is paused are nobody's;
/// - `runs` are the traces and sweeps that it began and that have not ended.
public struct ScheduleLife: Hashable, Sendable {
    /// Something that the schedule began and that has not ended.
    public struct Run: Hashable, Sendable {
        public enum Subject: Hashable, Sendable {
            case trace(TraceID)
            case sweep(SweepID)
        }

        public var subject: Subject
        public var slot: Moment
        public var expected: Verdict?
        /// When it was asked for; nil for one of which an earlier version set down less.
        public var begunAt: Moment?
        /// As the event says that began it.
        public var maintenance: Range<Moment>?
        /// The schedule was another when it began: its path is compared with nothing.
        public var isOfOtherWork: Bool

        public init(
            subject: Subject, slot: Moment, expected: Verdict? = nil, begunAt: Moment? = nil,
            maintenance: Range<Moment>? = nil, isOfOtherWork: Bool = false
        ) {
            self.subject = subject
            self.slot = slot
            self.expected = expected
            self.begunAt = begunAt
            self.maintenance = maintenance
            self.isOfOtherWork = isOfOtherWork
        }
    }

    /// What the last result was that counted.
    public struct Found: Hashable, Sendable {
        public var verdict: Verdict
        /// Nil until a trace told all of its path.
        public var path: PathDigest?
        /// The slot of the last run with that path.
        public var pathSlot: Moment

        public init(verdict: Verdict, path: PathDigest?, pathSlot: Moment) {
            self.verdict = verdict
            self.path = path
            self.pathSlot = pathSlot
        }
    }

    /// Results that wait for the cluster to settle: if the first one after it is unexpected, they
    /// count as well; else they are forgotten.
    public struct Held: Hashable, Sendable {
        /// The change of the cluster that held the first of them back.
        public var since: Moment
        public var count: Int
        /// Unexpected ones in a row, the latest among them.
        public var mismatches: Int
        /// Whether one of them was as expected.
        public var hasExpected: Bool

        public init(since: Moment, count: Int, mismatches: Int, hasExpected: Bool) {
            self.since = since
            self.count = count
            self.mismatches = mismatches
            self.hasExpected = hasExpected
        }
    }

    public internal(set) var spec: ScheduleSpec
    public internal(set) var isPaused: Bool
    /// Slots up to here are decided.
    public internal(set) var decidedThrough: Moment
    /// How often somebody asked for it since it last began by hand.
    public internal(set) var runsRequested: Int
    public internal(set) var runs: [Run]
    /// Unexpected results in a row.
    public internal(set) var mismatches: Int
    public internal(set) var isBroken: Bool
    /// What the last result means for the probe, until it is said.
    public internal(set) var change: ProbeChange?
    /// What it means for the path, until it is said.
    public internal(set) var pathChange: ProbeChange?
    public internal(set) var found: Found?
    public internal(set) var held: Held?
    /// How many changes of the probe were said so far, and the last of them that nobody was told
    /// of yet, in order.
    public internal(set) var changesSaid: Int
    public internal(set) var untold: [ProbeChange]
    /// The slot that began last.
    public internal(set) var lastSlot: Moment?
    /// The slot whose request is the next event, and when that was recorded.
    var firing: SlotFiring?
    var firedAt: Moment?

    public init(
        spec: ScheduleSpec, decidedThrough: Moment, isPaused: Bool = false, runsRequested: Int = 0,
        runs: [Run] = [], mismatches: Int = 0, isBroken: Bool = false, change: ProbeChange? = nil,
        changesSaid: Int = 0, untold: [ProbeChange] = [], lastSlot: Moment? = nil,
        pathChange: ProbeChange? = nil, found: Found? = nil, held: Held? = nil
    ) {
        self.spec = spec
        self.decidedThrough = decidedThrough
        self.isPaused = isPaused
        self.runsRequested = runsRequested
        self.runs = runs
        self.mismatches = mismatches
        self.isBroken = isBroken
        self.change = change
        self.changesSaid = changesSaid
        self.untold = untold
        self.lastSlot = lastSlot
        self.pathChange = pathChange
        self.found = found
        self.held = held
    }

    /// How late a slot may be noticed and still count as one for which somebody was there.
    static let onTimeMicroseconds: Int64 = 10_000_000
    /// Slots that are counted at most of those that were missed.
    private static let countedMax = 100_000

    mutating func evolve(_ event: ScheduleEvent, at moment: Moment) {
        switch event {
        case .changed(let new):
            if new.timing != spec.timing { decidedThrough = max(decidedThrough, moment) }
            if new.expectation != spec.expectation {
                (mismatches, isBroken, change) = (0, false, nil)
                (found, held, pathChange) = (nil, nil, nil)
            }
            if new.work != spec.work {
                (found, pathChange) = (nil, nil)
                for place in runs.indices { runs[place].isOfOtherWork = true }
            }
            if new.work != spec.work || new.expectation != spec.expectation {
                // What was begun before speaks of something else.
                for place in runs.indices { runs[place].expected = nil }
            }
            spec = new
        case .paused: isPaused = true
        case .resumed:
            isPaused = false
            decidedThrough = max(decidedThrough, moment)
        case .runRequested: runsRequested += 1
        case .fired(let firing):
            (self.firing, firedAt) = (firing, moment)
            lastSlot = firing.slot
            if firing.isByHand {
                runsRequested = max(0, runsRequested - 1)
            } else {
                decidedThrough = max(decidedThrough, firing.slot)
            }
        case .missed(let missed):
            decidedThrough = max(decidedThrough, missed.last)
            (firing, firedAt) = (nil, nil)
        case .probeBroken(let said):
            (isBroken, change) = (true, nil)
            note(said)
        case .probeHealthy(let said):
            (isBroken, change) = (false, nil)
            note(said)
        case .pathChanged(let said):
            pathChange = nil
            note(said)
        case .notified(let number):
            let left = max(0, changesSaid - number)
            untold.removeFirst(max(0, untold.count - left))
        case .deleted: break
        }
    }

    /// Where nobody is to be told, only the latest are kept.
    private mutating func note(_ said: ProbeChange) {
        changesSaid += 1
        untold.append(said)
        if untold.count > Self.untoldMax { untold.removeFirst() }
    }

    private static let untoldMax = 16

    /// What the slot that was fired last began.
    mutating func begin(_ subject: Run.Subject) {
        guard let firing else { return }
        runs.append(
            Run(
                subject: subject, slot: firing.slot, expected: firing.expected, begunAt: firedAt,
                maintenance: firing.maintenance))
        (self.firing, firedAt) = (nil, nil)
    }

    /// The next slot and when it is to begin; nil while none is to come.
    func next(in zone: ZoneOffsets) -> (slot: Moment, begin: Moment)? {
        guard !isPaused, let slot = spec.slot(after: decidedThrough, in: zone) else { return nil }
        return (slot, spec.begin(of: slot))
    }

    /// What is to be done with the slots whose moment has come: which are missed, which begin.
    ///
    /// `beginMax` bounds the slots that begin; more are due again right after. `isBegun` when
    /// something was begun by hand in the same moment.
    func due(
        at now: Moment, in zone: ZoneOffsets, beginMax: Int = .max, isBegun: Bool = false
    ) -> (missed: MissedSlots?, begin: [Moment]) {
        guard !isPaused else { return (nil, []) }
        let keptMax: Int =
            switch spec.missed {
            case .none, .latest: 1
            case .all(let max): max
            }
        var kept: [Moment] = []
        var first: Moment?
        var last = decidedThrough
        var count = 0
        while count < Self.countedMax, let slot = spec.slot(after: last, in: zone),
            spec.begin(of: slot) <= now
        {
            last = slot
            first = first ?? slot
            count += 1
            kept.append(slot)
            if kept.count > 2 * keptMax { kept.removeFirst(kept.count - keptMax) }
        }
        kept.removeFirst(max(0, kept.count - keptMax))
        // The latest of them is still to be counted, and only that could begin.
        if count == Self.countedMax { kept = [] }
        let late = now.microseconds
        kept.removeAll { slot in
            let lateness = late - spec.begin(of: slot).microseconds
            if let deadline = spec.startingDeadlineSeconds {
                return lateness > deadline * 1_000_000
            }
            return spec.missed == .none && lateness > Self.onTimeMicroseconds
        }
        var reason = MissedSlots.Reason.late
        switch spec.concurrency {
        case .allow: break
        case .forbid:
            // One of them may begin, if nothing runs; the others would find it running.
            let allowed = runs.isEmpty && !isBegun ? 1 : 0
            if kept.count > allowed { reason = .running }
            kept = Array(kept.suffix(allowed))
        // Each would end the one before at once.
        case .replace: kept = Array(kept.suffix(1))
        }
        if kept.count > beginMax {
            count -= kept.count - beginMax
            kept.removeLast(kept.count - beginMax)
        }
        guard let first, count > kept.count else { return (nil, kept) }
        // Those that are missed come before those that begin.
        let lastMissed = kept.first.map { $0.advanced(byMicroseconds: -1) } ?? last
        return (
            MissedSlots(
                first: first, last: lastMissed, count: count - kept.count, reason: reason), kept
        )
    }
}
