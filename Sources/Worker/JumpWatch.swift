import Traceflow

/// Notices when the log's time jumps ahead, and holds deadlines for one lease: reports that were
/// on their way must not lose to a time that nobody lived through.
struct JumpWatch {
    private let clock: Clock
    private let leaseMicroseconds: Int64
    private var last: (now: Moment, monotonic: Int64)
    private var hold: (until: Int64, at: Moment)?

    init(clock: Clock, now: Moment, leaseMicroseconds: Int64) {
        self.clock = clock
        self.leaseMicroseconds = leaseMicroseconds
        last = (now, clock.monotonicMicroseconds())
    }

    /// The moment to hold deadlines against, which is `now` unless it was just jumped to.
    mutating func overdueAt(_ now: Moment) -> Moment {
        let monotonic = clock.monotonicMicroseconds()
        let jump = now.microseconds - last.now.microseconds - (monotonic - last.monotonic)
        if jump > leaseMicroseconds {
            hold = (until: monotonic + leaseMicroseconds, at: hold?.at ?? last.now)
        }
        last = (now, monotonic)
        if let held = hold, monotonic >= held.until { hold = nil }
        return hold?.at ?? now
    }

    /// When to look again: not before a hold is over.
    func due(_ moment: Moment, now: Int64) -> Moment {
        guard let hold else { return moment }
        let wait = max(0, hold.until - clock.monotonicMicroseconds())
        return max(moment, Moment(microseconds: now).advanced(byMicroseconds: wait))
    }
}
