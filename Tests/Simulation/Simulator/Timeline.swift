import Synchronization
import Traceflow
import Worker

/// The time of the simulated world: microseconds since it began.
final class Timeline: Sendable {
    private let microseconds = Atomic<Int64>(0)
    /// Microseconds through which the whole world slept: monotonic clocks leave them out.
    private let slept = Atomic<Int64>(0)
    /// How far the host's clock of the day is from the time of the world.
    private let offset = Atomic<Int64>(0)

    /// 2027-01-15T08:00:00Z.
    private static let began: Int64 = 1_800_000_000_000_000

    var now: Int64 { microseconds.load(ordering: .relaxed) }
    var timeOfDay: Int64 { Self.began + now + offset.load(ordering: .relaxed) }
    var monotonic: Int64 { now - slept.load(ordering: .relaxed) }

    func pass(_ span: Int64) { microseconds.wrappingAdd(span, ordering: .relaxed) }

    func pass(to moment: Int64) { if moment > now { pass(moment - now) } }

    func sleep(_ span: Int64, countsMonotonic: Bool) {
        if !countsMonotonic { slept.wrappingAdd(span, ordering: .relaxed) }
        pass(span)
    }

    func setTimeOfDay(by span: Int64) { offset.wrappingAdd(span, ordering: .relaxed) }
}

/// The clocks of one process, which keep what `Clock.now` promises: set back, time goes on.
final class ProcessClocks: Sendable {
    private let time: Timeline
    private let skew: Int64
    private let booted: Int64
    private let ahead = Atomic(Int64.min)

    init(_ time: Timeline, skew: Int64, booted: Int64) {
        self.time = time
        self.skew = skew
        self.booted = booted
    }

    private var monotonic: Int64 { time.monotonic + booted }

    private var now: Int64 {
        let difference = time.timeOfDay + skew - monotonic
        let known = max(ahead.load(ordering: .relaxed), difference)
        ahead.store(known, ordering: .relaxed)
        return monotonic + known
    }

    var clock: Clock {
        Clock(now: { Moment(microseconds: self.now) }, monotonicMicroseconds: { self.monotonic })
    }
}
