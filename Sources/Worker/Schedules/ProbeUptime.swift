import Scheduler
import Traceflow

/// How often a probe found what was expected.
public struct ProbeUptime: Sendable {
    public struct Day: Hashable, Sendable {
        /// The day's beginning, in UTC.
        public var begin: Moment
        public var runs: Int
        public var expected: Int
        /// Runs in times of maintenance, which are not among the others.
        public var excused: Int
    }

    /// From the first unexpected result to the first expected one after it.
    public struct Outage: Hashable, Sendable {
        public var begin: Moment
        /// Nil while it lasts.
        public var end: Moment?
        public var verdict: Verdict
        public var runs: Int
    }

    public private(set) var days: [Day] = []
    public private(set) var outages: [Outage] = []

    /// Runs in order; those that expected nothing do not count, nor do those in times
    /// of maintenance.
    public init(_ runs: [ProbeRun]) {
        let dayMicroseconds: Int64 = 86_400_000_000
        for run in runs {
            guard let isExpected = run.isExpected else { continue }
            let begin = Moment(
                microseconds: run.slot.microseconds / dayMicroseconds * dayMicroseconds)
            if days.last?.begin != begin {
                days.append(Day(begin: begin, runs: 0, expected: 0, excused: 0))
            }
            if run.isExcused {
                days[days.count - 1].excused += 1
                continue
            }
            days[days.count - 1].runs += 1
            if isExpected {
                days[days.count - 1].expected += 1
                if let open = outages.last, open.end == nil {
                    outages[outages.count - 1].end = run.slot
                }
            } else if let open = outages.last, open.end == nil {
                outages[outages.count - 1].runs += 1
            } else {
                outages.append(Outage(begin: run.slot, end: nil, verdict: run.verdict, runs: 1))
            }
        }
    }
}
