import Traceflow

/// What the rules know of one sweep that has not finished.
///
///     absent ──requested──▶ expanding ──last member──▶ ending ──all ended──▶ absent (finished)
///                               └───────cancelled─────────┴──────────▶ absent
///
/// Members become traces in chunks, so that what waits of a sweep is a number. Invariants:
/// - members below `expanded` have been requested, each once, in one transaction with the event
///   that says so; no other has;
/// - `open` counts the members that wait, run, or are about to be retried.
public struct SweepLife: Hashable, Sendable {
    public let request: SweepRequest
    public internal(set) var expanded: Int64
    public internal(set) var open: Int
    /// Members that failed, and whose retry is the next event.
    var retriesDue = 0
    public internal(set) var tally: SweepTally
    public internal(set) var isCancelled: Bool
    /// The moment from which the next member may be asked for; nil before the first, and without
    /// a pace.
    public internal(set) var nextAt: Moment?

    public init(
        request: SweepRequest, expanded: Int64 = 0, open: Int = 0, tally: SweepTally = SweepTally(),
        isCancelled: Bool = false, nextAt: Moment? = nil
    ) {
        self.request = request
        self.expanded = expanded
        self.open = open
        self.tally = tally
        self.isCancelled = isCancelled
        self.nextAt = nextAt
    }

    /// Members that are open at once, where the request says nothing: enough that no pass of the
    /// decider runs dry, few enough that they need no memory.
    static let openMax = 20_000
    /// The longest time of idleness that may be made up for.
    private static let catchUpMicroseconds: Int64 = 1_000_000
    /// Members that are to come faster than this come together.
    private static let quantumMicroseconds: Int64 = 20_000

    private var openMax: Int { min(request.openMax ?? Self.openMax, Self.openMax) }

    public var isExpanded: Bool { expanded >= request.total }
    public var isOver: Bool { open == 0 && (isExpanded || isCancelled) }

    /// How many members may be asked for now.
    func room(at now: Moment) -> Int {
        guard !isCancelled, !isExpanded else { return 0 }
        guard hasPlace else { return 0 }
        let left = Int(clamping: request.total - expanded)
        return min(left, openMax - open, allowance(at: now))
    }

    /// Whether so few are open that another chunk of members is worth its while.
    private var hasPlace: Bool {
        let left = Int(clamping: request.total - expanded)
        return openMax - open >= min(left, max(1, openMax / 4))
    }

    private func allowance(at now: Moment) -> Int {
        guard let interval = request.intervalMicroseconds, interval > 0 else { return .max }
        guard let nextAt else { return 1 }
        guard let dueAt, now >= dueAt else { return 0 }
        let since = max(nextAt.microseconds, now.microseconds - Self.catchUpMicroseconds)
        return Int(clamping: (now.microseconds - since) / interval) + 1
    }

    private var dueAt: Moment? {
        guard let interval = request.intervalMicroseconds else { return nil }
        return nextAt?.advanced(byMicroseconds: max(0, Self.quantumMicroseconds - interval))
    }

    /// The moment at which time alone lets another member in; nil when time is not what is lacking.
    var nextMoment: Moment? {
        guard !isCancelled, !isExpanded, hasPlace else { return nil }
        return dueAt
    }

    mutating func expand(_ count: Int, at moment: Moment) {
        expanded += Int64(count)
        guard let interval = request.intervalMicroseconds, interval > 0 else { return }
        let since = max(
            nextAt?.microseconds ?? moment.microseconds,
            moment.microseconds - Self.catchUpMicroseconds)
        nextAt = Moment(microseconds: since + Int64(count) * interval)
    }

    /// A member's attempt ended; `isRetried` when another follows.
    mutating func end(_ event: TraceEvent, isRetried: Bool) {
        if isRetried, !isCancelled {
            retriesDue += 1
        } else {
            open -= 1
            tally.add(event)
        }
    }
}
