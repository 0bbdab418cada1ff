import Traceflow

/// Times at which somebody works on the cluster: what a probe finds then counts for nothing.
public struct Maintenance: Hashable, Sendable {
    public enum Beginning: Hashable, Sendable {
        /// Again and again.
        case cron(CronExpression, zone: String)
        case once(Moment)
    }

    public var beginning: Beginning
    public var durationSeconds: Int64
    /// For people; may be empty.
    public var reason: String

    public init(beginning: Beginning, durationSeconds: Int64, reason: String = "") {
        self.beginning = beginning
        self.durationSeconds = durationSeconds
        self.reason = reason
    }

    /// A year: what is longer is a paused schedule.
    public static let secondsMax: Int64 = 366 * 86_400
    /// So many of a schedule at most.
    public static let countMax = 100

    /// The zone whose rules are needed to say when it is; nil where none are.
    public var zone: String? {
        switch beginning {
        case .cron(_, let zone): zone
        case .once: nil
        }
    }

    /// The time that lasts at the moment, or else the next one; nil when none is to come, or when
    /// the zone is not known.
    public func window(at moment: Moment, _ zones: (String) -> ZoneOffsets?) -> Range<Moment>? {
        guard durationSeconds > 0 else { return nil }
        let length = min(durationSeconds, Self.secondsMax) * 1_000_000
        let begin: Moment
        switch beginning {
        case .once(let start): begin = start
        case .cron(let expression, let name):
            // The first to begin of those that have not ended.
            guard let zone = zones(name),
                let next = expression.next(
                    after: moment.advanced(byMicroseconds: -length), in: zone)
            else { return nil }
            begin = next
        }
        let end = begin.advanced(byMicroseconds: length)
        return begin < end && moment < end ? begin..<end : nil
    }
}

extension ScheduleSpec {
    /// The time of maintenance that lasts at the moment, or else the next one.
    public func maintenanceWindow(
        at moment: Moment, _ zones: (String) -> ZoneOffsets?
    ) -> (window: Range<Moment>, maintenance: Maintenance)? {
        var first: (window: Range<Moment>, maintenance: Maintenance)?
        for maintenance in self.maintenance {
            guard let window = maintenance.window(at: moment, zones) else { continue }
            if let known = first, known.window.lowerBound <= window.lowerBound { continue }
            first = (window, maintenance)
        }
        return first
    }
}
