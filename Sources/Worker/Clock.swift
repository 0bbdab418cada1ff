import Glibc
import Synchronization
import Traceflow

/// The only place that asks the system for the time.
public struct Clock: Sendable {
    /// The time of day; never less than before in this process.
    public var now: @Sendable () -> Moment
    /// Microseconds of a clock that nobody sets.
    public var monotonicMicroseconds: @Sendable () -> Int64

    public init(
        now: @escaping @Sendable () -> Moment,
        monotonicMicroseconds: @escaping @Sendable () -> Int64
    ) {
        self.now = now
        self.monotonicMicroseconds = monotonicMicroseconds
    }

    /// The system's clocks. When the wall clock is set back, time goes on from where it was.
    public static let system = Clock(
        now: {
            let monotonic = read(CLOCK_MONOTONIC)
            let difference = read(CLOCK_REALTIME) - monotonic
            let ahead = furthest.withLock { known in
                known = max(known, difference)
                return known
            }
            return Moment(microseconds: monotonic + ahead)
        }, monotonicMicroseconds: { read(CLOCK_MONOTONIC) })

    /// The most that the wall clock was ever ahead of the monotonic one.
    private static let furthest = Mutex(Int64.min)

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }
}
