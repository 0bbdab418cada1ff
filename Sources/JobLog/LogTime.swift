import Synchronization

/// The time of a log: what an event would be stamped with now.
///
///     follows the clock ──an event is later──▶ goes on from there ──clock passes──▶ follows
///
/// A clock that was set back, or one of another host that runs ahead, must not make the log's time
/// stand still until this one has caught up: deadlines and leases would stand still with it. So it
/// goes on from the last event, at half the pace, until the clock has passed it.
///
/// Invariant: `now` never falls in one process unless the clock does while it is followed.
final class LogTime: Sendable {
    private let clock: @Sendable () -> Int64
    private let monotonic: @Sendable () -> Int64
    /// Where time went on from: a moment of the log, and what the monotonic clock showed then.
    private let start = Mutex<(moment: Int64, monotonic: Int64)?>(nil)

    init(clock: @escaping @Sendable () -> Int64, monotonic: @escaping @Sendable () -> Int64) {
        self.clock = clock
        self.monotonic = monotonic
    }

    var now: Int64 {
        let clock = clock()
        return start.withLock { start in
            guard let known = start else { return clock }
            let gone = known.moment + (monotonic() - known.monotonic) / 2
            if clock >= gone { start = nil }
            return max(clock, gone)
        }
    }

    /// The log has an event of that moment.
    func notice(_ recordedAt: Int64) {
        guard recordedAt > now else { return }
        start.withLock { $0 = (recordedAt, monotonic()) }
    }
}
