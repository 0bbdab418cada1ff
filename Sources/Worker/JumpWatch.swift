import Traceflow

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
