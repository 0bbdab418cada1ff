import Scheduler
import Traceflow

/// Which ended attempts are asked for; all conditions hold at once.
public struct HistoryFilter: Hashable, Sendable {
    /// A Pod or Service as `namespace/name`, a name in any namespace, or an address.
    public var source: String?
    public var destination: String?
    /// Of either end.
    public var namespace: String?
    /// One that reported.
    public var node: String?
    /// As reports name it (`K8sNetworkPolicy:ns/name`), without its kind, or its bare name.
    public var policy: String?
    public var rule: String?
    /// Any of them; empty for all.
    public var verdicts: [Verdict] = []
    public var phase: Phase?
    public var sweep: SweepID?
    public var schedule: ScheduleID?
    /// Runs of schedules alone, whichever.
    public var isOfSchedules = false
    public var labels: [String: String] = [:]
    /// Of the end of the attempt, both inclusive.
    public var since: Moment?
    public var until: Moment?

    public init() {}
}
