import JobLog
import Scheduler
import TraceLog
import Traceflow

/// One trace that a schedule began, as its events tell it.
public struct ProbeRun: Sendable {
    /// The slot that began it.
    public var slot: Moment
    public var expected: Verdict?
    public var id: TraceID
    /// Where its request stands in the log.
    public var position: Int64
    public var requestedAt: Moment
    public var request: TraceRequest
    public var trace: Trace

    /// Nil until it has ended.
    public var verdict: Verdict? { trace.phase.isTerminal ? trace.verdict ?? .unknown : nil }

    /// Whether it came to what was expected; nil where nothing was, and until it has ended.
    public var isExpected: Bool? {
        guard let expected, let verdict else { return nil }
        return verdict == expected
    }

    /// What components did with the packet, whichever Pod of a Service it went to, and wherever.
    public var pathShape: [[String]] {
        trace.results.map { result in
            result.observations.map { step in
                [
                    step.component.rawValue, step.componentInfo ?? "", step.action.rawValue,
                    step.networkPolicy ?? "", step.networkPolicyRule ?? "", step.egress ?? "",
                ].joined(separator: "|")
            }
        }.sorted { $0.lexicographicallyPrecedes($1) }
    }
}

/// A moment at which what a schedule finds turned.
public struct ProbeFlip: Sendable {
    public enum Kind: String, Sendable, CaseIterable {
        /// The verdict is another.
        case verdict
        /// The verdict is the same, and the packet comes to it in another way.
        case path
    }

    public var kind: Kind
    /// The last run that found it as before, and the first that did not.
    public var before: ProbeRun
    public var after: ProbeRun
}

/// What a schedule's traces found, read from its own stream and theirs alone.
public struct ProbeHistory {
    private let log: JobLog
    private let coding: TraceCoding

    public init(log: JobLog) {
        self.log = log
        coding = TraceCoding(log: log)
    }

    /// The runs whose slots lie in the time, in order; runs in archived segments are passed over.
    public func runs(
        of id: ScheduleID, from: Moment? = nil, until: Moment? = nil
    ) throws -> [ProbeRun] {
        var runs: [ProbeRun] = []
        for recorded in try log.read(stream: id.rawValue) {
            guard recorded.type == LogEventType.slotFired.rawValue,
                case .schedule(.fired(let firing)) = try coding.event(recorded)
            else { continue }
            if let from, firing.slot < from { continue }
            if let until, firing.slot > until { continue }
            if let run = try run(firing, after: recorded.position, of: id) { runs.append(run) }
        }
        return runs
    }

    /// The request of a slot follows the event that speaks of it.
    private func run(
        _ firing: SlotFiring, after position: Int64, of id: ScheduleID
    ) throws -> ProbeRun? {
        guard let next = try log.read(after: position, limit: 1).first,
            next.position == position + 1,
            case .trace(.requested(let request)) = try coding.event(next),
            request.naming.schedule == id
        else { return nil }
        return try coding.story(log.read(stream: next.stream)).map {
            ProbeRun(
                slot: firing.slot, expected: firing.expected, id: TraceID(next.stream),
                position: next.position, requestedAt: Moment(microseconds: next.recordedAt),
                request: request, trace: $0.trace)
        }
    }

    /// Where one run found something else than the one before it; runs that have not ended yet
    /// are left out.
    public static func flips(in runs: [ProbeRun]) -> [ProbeFlip] {
        var flips: [ProbeFlip] = []
        var last: ProbeRun?
        for run in runs where run.verdict != nil {
            defer { last = run }
            guard let before = last else { continue }
            if before.verdict != run.verdict {
                flips.append(ProbeFlip(kind: .verdict, before: before, after: run))
            } else if before.pathShape != run.pathShape {
                flips.append(ProbeFlip(kind: .path, before: before, after: run))
            }
        }
        return flips
    }
}

/// How often a probe found what was expected.
public struct ProbeUptime: Sendable {
    public struct Day: Hashable, Sendable {
        /// The day's beginning, in UTC.
        public var begin: Moment
        public var runs: Int
        public var expected: Int
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

    /// Runs in order; those that expected nothing do not count.
    public init(_ runs: [ProbeRun]) {
        let dayMicroseconds: Int64 = 86_400_000_000
        for run in runs {
            guard let isExpected = run.isExpected, let verdict = run.verdict else { continue }
            let begin = Moment(
                microseconds: run.slot.microseconds / dayMicroseconds * dayMicroseconds)
            if days.last?.begin != begin { days.append(Day(begin: begin, runs: 0, expected: 0)) }
            days[days.count - 1].runs += 1
            if isExpected {
                days[days.count - 1].expected += 1
                if let open = outages.last, open.end == nil {
                    outages[outages.count - 1].end = run.slot
                }
            } else if let open = outages.last, open.end == nil {
                outages[outages.count - 1].runs += 1
            } else {
                outages.append(Outage(begin: run.slot, end: nil, verdict: verdict, runs: 1))
            }
        }
    }
}
