import Traceflow

/// What is to be done when: CronJob's words and meanings, where it has them.
public struct ScheduleSpec: Hashable, Sendable {
    public enum Timing: Hashable, Sendable {
        /// At moments whose distance from 1970 is a multiple of so many seconds.
        case every(seconds: Int64)
        case cron(CronExpression, zone: String)
    }

    public enum Work: Hashable, Sendable {
        indirect case trace(TraceTemplate)
        indirect case sweep(SweepRequest)
    }

    /// What happens to a slot while what the one before began still runs.
    public enum Concurrency: String, Hashable, Sendable, CaseIterable {
        case allow = "Allow"
        /// The slot is missed.
        case forbid = "Forbid"
        /// What runs is cancelled.
        case replace = "Replace"
    }

    /// What happens to slots for which nobody was there.
    public enum Missed: Hashable, Sendable {
        case none
        /// The latest is made up for.
        case latest
        /// So many of the latest are.
        case all(max: Int)
    }

    public enum Expectation: Hashable, Sendable {
        case verdict(Verdict)
        /// What the model says of the cluster as it is when the slot comes.
        case model
    }

    /// Unique among the schedules of a log; part of the names of what it begins.
    public var name: String
    public var labels: [String: String]
    public var timing: Timing
    public var work: Work
    /// How late a slot may begin; nil for however late.
    public var startingDeadlineSeconds: Int64?
    public var concurrency: Concurrency
    public var missed: Missed
    /// Each slot begins up to so many seconds later, the same ones whoever reckons.
    public var jitterSeconds: Int64
    /// What makes a probe of it; nil for one that is only recorded.
    public var expectation: Expectation?
    /// So many unexpected results in a row mean that the probe is broken.
    public var failureThreshold: Int
    /// For so long after a change of the cluster results count for nothing: policies take effect
    /// late, and restarted Pods are away for a while. 0 for not at all.
    public var settleSeconds: Int64
    /// When results count for nothing either.
    public var maintenance: [Maintenance]

    public init(
        name: String, labels: [String: String] = [:], timing: Timing, work: Work,
        startingDeadlineSeconds: Int64? = nil, concurrency: Concurrency = .allow,
        missed: Missed = .latest, jitterSeconds: Int64 = 0, expectation: Expectation? = nil,
        failureThreshold: Int = ScheduleSpec.defaultFailureThreshold, settleSeconds: Int64 = 0,
        maintenance: [Maintenance] = []
    ) {
        self.name = name
        self.labels = labels
        self.timing = timing
        self.work = work
        self.startingDeadlineSeconds = startingDeadlineSeconds
        self.concurrency = concurrency
        self.missed = missed
        self.jitterSeconds = jitterSeconds
        self.expectation = expectation
        self.failureThreshold = failureThreshold
        self.settleSeconds = settleSeconds
        self.maintenance = maintenance
    }

    public static let defaultFailureThreshold = 3
    /// What people get who do not say how long a cluster takes to settle (docs/decisions/0012).
    public static let defaultSettleSeconds: Int64 = 30
    public static let settleSecondsMax: Int64 = 3600
    /// Results are held back for so many settle windows at most, however often the cluster changes.
    public static let settleWindowsMax: Int64 = 10
    /// The longest length of time in a schedule, in seconds: a hundred years.
    public static let secondsMax: Int64 = 3_155_760_000
    /// As Kubernetes bounds the names of CronJobs, which become parts of other names.
    public static let nameLengthMax = 52

    /// The zone whose rules the slots need.
    public var zone: String {
        switch timing {
        case .every: ZoneOffsets.utc.name
        case .cron(_, let zone): zone
        }
    }

    /// The first slot after the moment; nil when none comes.
    public func slot(after moment: Moment, in zone: ZoneOffsets) -> Moment? {
        switch timing {
        case .cron(let expression, _): return expression.next(after: moment, in: zone)
        case .every(let seconds):
            let step = seconds * 1_000_000
            guard step > 0 else { return nil }
            let remainder = moment.microseconds % step
            return moment.advanced(
                byMicroseconds: step - (remainder < 0 ? remainder + step : remainder))
        }
    }

    /// When the slot is to begin, its jitter included.
    public func begin(of slot: Moment) -> Moment {
        guard jitterSeconds > 0 else { return slot }
        // FNV-1a over name and slot: spread evenly, and the same for everybody.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        func mix(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        for byte in name.utf8 { mix(byte) }
        for shift in 0..<8 {
            mix(UInt8(truncatingIfNeeded: slot.microseconds >> Int64(8 * shift)))
        }
        let spread = UInt64(jitterSeconds) * 1_000_000
        return slot.advanced(byMicroseconds: Int64(hash % spread))
    }
}

/// A trace that a schedule begins again and again.
public struct TraceTemplate: Hashable, Sendable {
    public var apiVersion: APIVersion
    public var spec: TraceflowSpec
    public var labels: [String: String]
    public var priority: Int
    public var retries: Int

    public init(
        apiVersion: APIVersion = .v1beta1, spec: TraceflowSpec, labels: [String: String] = [:],
        priority: Int = TraceRequest.defaultPriority, retries: Int = 0
    ) {
        self.apiVersion = apiVersion
        self.spec = spec
        self.labels = labels
        self.priority = priority
        self.retries = retries
    }
}

/// A schedule's place in the log: the number of its stream.
public struct ScheduleID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let rawValue: Int64

    public init(_ rawValue: Int64) { self.rawValue = rawValue }

    public static func < (a: ScheduleID, b: ScheduleID) -> Bool { a.rawValue < b.rawValue }

    public var description: String { String(rawValue) }
}
