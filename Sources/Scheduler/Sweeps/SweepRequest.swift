import Traceflow

/// A sweep as it is recorded: which pairs of Pods are traced on which ports, and how fast.
public struct SweepRequest: Hashable, Sendable {
    /// Given by people, unique among the sweeps of a log; nil for one that is called by its number.
    public var name: String?
    public var labels: [String: String]
    public var pairs: SweepPairs
    /// 0 to 9; 9 is the most urgent. Less than that of a single trace, so that none waits long.
    public var priority: Int
    /// How many attempts of a trace may follow a failed one.
    public var retries: Int
    public var timeoutSeconds: Int
    /// So many traces that wait or run at once, at most; nil for as many as keep the workers busy.
    public var openMax: Int?
    /// The time from one trace to the next at least, in microseconds; nil for no such bound.
    public var intervalMicroseconds: Int64?
    /// Digest of the cluster that the pairs are of.
    public var clusterDigest: [UInt8]
    /// How many traces there are to be.
    public var total: Int64
    /// How many pairs and ports they stand for.
    public var cells: Int64
    /// The schedule that began it.
    public var schedule: ScheduleID?
    /// Which packets each of its traces keeps.
    public var capture: CaptureRequest?

    public init(
        name: String? = nil, labels: [String: String] = [:], pairs: SweepPairs,
        priority: Int = SweepRequest.defaultPriority, retries: Int = 0,
        timeoutSeconds: Int = TraceflowSpec.defaultTimeoutSeconds, openMax: Int? = nil,
        intervalMicroseconds: Int64? = nil, clusterDigest: [UInt8] = [], total: Int64 = 0,
        cells: Int64 = 0, schedule: ScheduleID? = nil, capture: CaptureRequest? = nil
    ) {
        self.name = name
        self.labels = labels
        self.pairs = pairs
        self.priority = priority
        self.retries = retries
        self.timeoutSeconds = timeoutSeconds
        self.openMax = openMax
        self.intervalMicroseconds = intervalMicroseconds
        self.clusterDigest = clusterDigest
        self.total = total
        self.cells = cells
        self.schedule = schedule
        self.capture = capture
    }

    public static let defaultPriority = 3
    /// Members of a sweep at most; those that are asked for at once; and the slowest pace.
    public static let totalMax: Int64 = 1 << 40
    public static let chunkMax: Int64 = 1 << 20
    public static let intervalMax: Int64 = 1 << 45

    /// Whether the other asks for the same, in whichever cluster.
    public func isSame(as other: SweepRequest) -> Bool {
        var other = other
        (other.clusterDigest, other.total, other.cells) = (clusterDigest, total, cells)
        return self == other
    }
}

/// The pairs of a sweep, as people ask for them.
public struct SweepPairs: Hashable, Sendable {
    /// A protocol, and the port for those that have ports.
    public struct Port: Hashable, Sendable, CustomStringConvertible {
        /// TCP, UDP or ICMP.
        public var `protocol`: String
        /// 0 for ICMP.
        public var number: Int

        public init(protocol: String, number: Int) {
            self.protocol = `protocol`
            self.number = number
        }

        public var description: String {
            number == 0 ? `protocol`.lowercased() : "\(`protocol`.lowercased())/\(number)"
        }
    }

    public enum Coverage: String, Hashable, Sendable, CaseIterable {
        /// Every pair is traced.
        case pairs
        /// One pair is traced of those that the cluster's model cannot tell apart.
        case classes
    }

    /// Label selectors as text; nil for all Pods.
    public var from: String?
    public var to: String?
    public var ports: [Port]
    public var prefersV6: Bool
    public var coverage: Coverage

    public init(
        from: String? = nil, to: String? = nil, ports: [Port], prefersV6: Bool = false,
        coverage: Coverage = .pairs
    ) {
        self.from = from
        self.to = to
        self.ports = ports
        self.prefersV6 = prefersV6
        self.coverage = coverage
    }
}
