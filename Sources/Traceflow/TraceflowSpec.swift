/// The served version of the Traceflow resource a request was written in.
///
/// It decides the schema that judges the request and the vocabulary of the answer: `v1alpha1`
/// is answered as Antrea v1.0 did, `v1beta1` as Antrea does today.
public enum APIVersion: String, Sendable, CaseIterable {
    case v1alpha1 = "crd.antrea.io/v1alpha1"
    case v1beta1 = "crd.antrea.io/v1beta1"
}

/// What a Traceflow asks (`spec`), with Antrea's field names; absent fields are nil.
///
/// Numbers are kept as written, in range or not: `SchemaViolation.first(in:of:)` judges them.
public struct TraceflowSpec: Hashable, Sendable {
    public var source: Source?
    public var destination: Destination?
    public var packet: Packet?
    public var liveTraffic: Bool?
    public var droppedOnly: Bool?
    /// Seconds a running trace waits for its results.
    public var timeout: Int?
    /// Which packets are kept. Ours: Antrea's Traceflow has no such field.
    public var capture: CaptureRequest?

    public init(
        source: Source? = nil, destination: Destination? = nil, packet: Packet? = nil,
        liveTraffic: Bool? = nil, droppedOnly: Bool? = nil, timeout: Int? = nil,
        capture: CaptureRequest? = nil
    ) {
        self.source = source
        self.destination = destination
        self.packet = packet
        self.liveTraffic = liveTraffic
        self.droppedOnly = droppedOnly
        self.timeout = timeout
        self.capture = capture
    }

    /// Antrea's default (`DefaultTraceflowTimeout`), in seconds.
    public static let defaultTimeoutSeconds = 20

    /// The timeout that applies: unset and 0 mean the default.
    public var timeoutSeconds: Int {
        guard let timeout, timeout != 0 else { return Self.defaultTimeoutSeconds }
        return timeout
    }

    public var isLive: Bool { liveTraffic ?? false }

    /// `droppedOnly` counts only with `liveTraffic`.
    public var isDroppedOnly: Bool { isLive && (droppedOnly ?? false) }

    /// Whether the sender side is observed: a named source Pod wins over `source.ip`.
    public var hasSourcePod: Bool { !(source?.pod ?? "").isEmpty }

    /// The presence of `ipv6Header` is what makes a trace IPv6.
    public var family: IPAddress.Family { packet?.ipv6Header == nil ? .v4 : .v6 }
}

extension TraceflowSpec {
    /// Where the packet starts: a Pod, or for live traffic an address.
    public struct Source: Hashable, Sendable {
        public var namespace: String?
        public var pod: String?
        public var ip: String?

        public init(namespace: String? = nil, pod: String? = nil, ip: String? = nil) {
            self.namespace = namespace
            self.pod = pod
            self.ip = ip
        }
    }

    /// Where the packet goes. Several kinds together are legal: `ip` wins over `pod`, `pod`
    /// over `service`.
    public struct Destination: Hashable, Sendable {
        public var namespace: String?
        public var pod: String?
        public var service: String?
        public var ip: String?

        public init(
            namespace: String? = nil, pod: String? = nil, service: String? = nil, ip: String? = nil
        ) {
            self.namespace = namespace
            self.pod = pod
            self.service = service
            self.ip = ip
        }
    }
}
