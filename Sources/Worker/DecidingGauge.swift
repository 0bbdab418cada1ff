import Scheduler

/// Makes figures of a decider's state, not more often than is worth it.
struct DecidingGauge {
    private let meter: any WorkerMeter
    private let clock: Clock
    /// Where the log was, as far as the state had it; nil of one who does not decide.
    private var seen: Int64?
    private var isStale = true
    private var nextAt: Int64 = 0

    /// A look at ten thousand schedules takes about a millisecond.
    private static let intervalMicroseconds: Int64 = 250_000

    init(meter: any WorkerMeter, clock: Clock) {
        self.meter = meter
        self.clock = clock
    }

    /// The time until the figures are to be made anew; nil when they are right.
    var timeLeft: Int64? { isStale ? max(0, nextAt - clock.monotonicMicroseconds()) : nil }

    /// Takes a look after a pass; the state is nil of one who does not decide.
    mutating func look(at state: SchedulerState?, position: Int64) {
        let now = clock.monotonicMicroseconds()
        meter.looked(isDeciding: state != nil)
        let reached = state.map { _ in position }
        // Who begins or ceases to decide says so at once.
        if (reached == nil) != (seen == nil) { nextAt = now }
        if reached != seen { isStale = true }
        seen = reached
        guard isStale, now >= nextAt else { return }
        meter.know(state.map { DeciderFigures($0) })
        isStale = false
        nextAt = now + Self.intervalMicroseconds
    }
}
