import Traceflow

/// A request as it is recorded: the Traceflow, and what it was asked against.
public struct TraceRequest: Hashable, Sendable {
    public var naming: TraceName
    public var apiVersion: APIVersion
    public var spec: TraceflowSpec
    /// What is asked, where that is a PacketCapture: `spec` is its `traceflow` then.
    public var packetCapture: PacketCaptureSpec?
    public var labels: [String: String]
    public var annotations: [String: String]
    /// 0 to 9; 9 is the most urgent (as in Kubernetes, the larger value goes first).
    public var priority: Int
    /// How many attempts may follow a failed one without being asked for.
    public var retries: Int
    public var scope: TagScope
    /// Digest of the cluster the request was made against; nil when there was none.
    public var clusterDigest: [UInt8]?
    public var traffic: [TrafficReference]

    /// What users call the trace.
    public var name: String { naming.text }

    public init(
        name: String, apiVersion: APIVersion, spec: TraceflowSpec, labels: [String: String] = [:],
        annotations: [String: String] = [:], priority: Int = TraceRequest.defaultPriority,
        retries: Int = 0, scope: TagScope = .allNodes, clusterDigest: [UInt8]? = nil,
        traffic: [TrafficReference] = [], packetCapture: PacketCaptureSpec? = nil
    ) {
        naming = .given(name)
        self.apiVersion = apiVersion
        self.spec = spec
        self.labels = labels
        self.annotations = annotations
        self.priority = priority
        self.retries = retries
        self.scope = scope
        self.clusterDigest = clusterDigest
        self.traffic = traffic
        self.packetCapture = packetCapture
    }

    public static let defaultPriority = 5
    public static let priorities = 0...9
    public static let retriesMax = 100

    /// The part of the request that scheduling looks at.
    public var facts: SchedulingFacts {
        SchedulingFacts(
            priority: priority, retries: retries, scope: scope,
            timeoutSeconds: spec.timeoutSeconds, droppedOnly: spec.isDroppedOnly,
            needsSender: spec.hasSourcePod, sweep: naming.sweep, schedule: naming.schedule,
            isCapture: packetCapture != nil)
    }
}

/// How a trace came to its name.
public enum TraceName: Hashable, Sendable {
    /// By people; unique while the trace is in the current views.
    case given(String)
    /// By its place in a sweep, which needs no index: `sweep/17/000123`.
    case member(sweep: Int64, number: Int64)
    /// By the slot of a schedule that began it: `schedule/web-db/2026-11-23T10:05:00Z`.
    case slot(schedule: ScheduleID, name: String, at: Moment)

    public var text: String {
        switch self {
        case .given(let name): return name
        case .member(let sweep, let number):
            let digits = String(number)
            let zeros = String(repeating: "0", count: max(0, Self.memberDigits - digits.count))
            return "sweep/\(sweep)/\(zeros)\(digits)"
        case .slot(_, let name, let moment): return "schedule/\(name)/\(moment.text)"
        }
    }

    /// The sweep that the trace is a member of.
    public var sweep: SweepID? {
        switch self {
        case .given, .slot: nil
        case .member(let sweep, _): SweepID(sweep)
        }
    }

    /// The schedule that began the trace.
    public var schedule: ScheduleID? {
        switch self {
        case .given, .member: nil
        case .slot(let schedule, _, _): schedule
        }
    }

    private static let memberDigits = 6
}

/// A traffic file by where it was and what it held; or an interface, whose packets are to come.
public struct TrafficReference: Hashable, Sendable {
    /// Of an interface its address, `iface:NAME@NETNS`.
    public var path: String
    /// Empty of an interface: nothing of it is in the log.
    public var digest: [UInt8]

    public var isInterface: Bool { digest.isEmpty }

    public static func interface(_ address: String) -> TrafficReference {
        TrafficReference(path: address, digest: [])
    }

    public init(path: String, digest: [UInt8]) {
        self.path = path
        self.digest = digest
    }
}

/// What scheduling must know of a trace; small, so that a retry can carry it.
public struct SchedulingFacts: Hashable, Sendable {
    public var priority: Int
    public var retries: Int
    public var scope: TagScope
    public var timeoutSeconds: Int
    public var droppedOnly: Bool
    public var needsSender: Bool
    /// The sweep that counts the trace as its own.
    public var sweep: SweepID?
    /// The schedule that counts the trace as a run of its own.
    public var schedule: ScheduleID?
    /// A PacketCapture: it needs no tag, and is done once a node reports.
    public var isCapture: Bool

    public init(
        priority: Int, retries: Int, scope: TagScope, timeoutSeconds: Int, droppedOnly: Bool,
        needsSender: Bool, sweep: SweepID? = nil, schedule: ScheduleID? = nil,
        isCapture: Bool = false
    ) {
        self.priority = priority
        self.retries = retries
        self.scope = scope
        self.timeoutSeconds = timeoutSeconds
        self.droppedOnly = droppedOnly
        self.needsSender = needsSender
        self.sweep = sweep
        self.schedule = schedule
        self.isCapture = isCapture
    }
}
