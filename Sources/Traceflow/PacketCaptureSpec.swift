/// What a PacketCapture asks (`spec`, crd.antrea.io/v1alpha1), with Antrea's field names; absent
/// fields are nil.
///
/// Numbers are kept as written, in range or not: `violation` judges them.
public struct PacketCaptureSpec: Hashable, Sendable {
    public var source: Endpoint?
    public var destination: Endpoint?
    /// `captureConfig.firstN.number`; required, and nil where it is missing.
    public var firstN: Int?
    public var direction: CaptureRequest.Direction?
    public var capturePoint: CaptureRequest.Point?
    /// Seconds that a running capture waits for its packets.
    public var timeout: Int?
    public var packet: PacketSelection?
    public var fileServer: FileServer?

    public init(
        source: Endpoint? = nil, destination: Endpoint? = nil, firstN: Int? = nil,
        direction: CaptureRequest.Direction? = nil, capturePoint: CaptureRequest.Point? = nil,
        timeout: Int? = nil, packet: PacketSelection? = nil, fileServer: FileServer? = nil
    ) {
        self.source = source
        self.destination = destination
        self.firstN = firstN
        self.direction = direction
        self.capturePoint = capturePoint
        self.timeout = timeout
        self.packet = packet
        self.fileServer = fileServer
    }

    /// One side of the packets: a Pod or an address.
    public struct Endpoint: Hashable, Sendable {
        public var pod: PodReference?
        public var ip: String?

        public init(pod: PodReference? = nil, ip: String? = nil) {
            self.pod = pod
            self.ip = ip
        }
    }

    public struct PodReference: Hashable, Sendable {
        /// `default` where none is written.
        public var namespace: String?
        public var name: String

        public init(namespace: String? = nil, name: String) {
            self.namespace = namespace
            self.name = name
        }

        public var fullName: String { "\(namespace ?? "default")/\(name)" }
    }

    /// Where the file is put once it is there.
    public struct FileServer: Hashable, Sendable {
        public var url: String
        /// The server's key in SSH wire format, in base64; nil for any key.
        public var hostPublicKey: String?

        public init(url: String, hostPublicKey: String? = nil) {
            self.url = url
            self.hostPublicKey = hostPublicKey
        }
    }

    public static let defaultTimeoutSeconds = 60
    public static let timeoutRange = 1...300
    /// How many captures run on a node at once; what is more waits (pkg/agent/packetcapture).
    public static let runningMaxPerNode = 16

    public var timeoutSeconds: Int { timeout ?? Self.defaultTimeoutSeconds }

    /// Which end's interface is looked at: the source Pod's, unless there is none or another is
    /// asked for.
    public var point: CaptureRequest.Point {
        capturePoint ?? (source?.pod == nil ? .destination : .source)
    }

    /// The Pod whose interface is looked at; nil only where the schema is broken.
    public var capturedPod: PodReference? {
        point == .destination ? destination?.pod : source?.pod
    }

    /// The live Traceflow whose packets these are: what scheduling and lists of traces look at.
    public var traceflow: TraceflowSpec {
        var spec = TraceflowSpec(liveTraffic: true, timeout: timeoutSeconds)
        spec.source = source.map {
            TraceflowSpec.Source(
                namespace: $0.pod.map { $0.namespace ?? "default" }, pod: $0.pod?.name, ip: $0.ip)
        }
        spec.destination = destination.map {
            TraceflowSpec.Destination(
                namespace: $0.pod.map { $0.namespace ?? "default" }, pod: $0.pod?.name, ip: $0.ip)
        }
        spec.capture = CaptureRequest(
            firstN: firstN ?? 0, snaplen: CaptureRequest.snaplenRange.upperBound,
            point: capturePoint, direction: direction)
        return spec
    }
}

/// Which packets a PacketCapture takes (`spec.packet`), as written.
public struct PacketSelection: Hashable, Sendable {
    /// A number, or a name that Antrea knows.
    public enum NumberOrName: Hashable, Sendable {
        case number(Int)
        case name(String)
    }

    public struct Ports: Hashable, Sendable {
        public var srcPort: Int?
        public var dstPort: Int?

        public init(srcPort: Int? = nil, dstPort: Int? = nil) {
            self.srcPort = srcPort
            self.dstPort = dstPort
        }
    }

    /// The bits of `mask` are to be as in `value`.
    public struct Flags: Hashable, Sendable {
        public var value: Int
        /// The value where none is written.
        public var mask: Int?

        public init(value: Int, mask: Int? = nil) {
            self.value = value
            self.mask = mask
        }
    }

    public struct Message: Hashable, Sendable {
        public var type: NumberOrName
        /// Any where none is written.
        public var code: Int?

        public init(type: NumberOrName, code: Int? = nil) {
            self.type = type
            self.code = code
        }
    }

    public enum Transport: Hashable, Sendable {
        /// One of the flags is to fit, if there are any.
        case tcp(Ports, flags: [Flags])
        case udp(Ports)
        /// One of the messages is to fit, if there are any.
        case icmp([Message])
        case icmpv6([Message])
    }

    /// IPv4 or IPv6; IPv4 where nothing is written.
    public var ipFamily: IPAddress.Family?
    public var `protocol`: NumberOrName?
    /// The schema allows one.
    public var transports: [Transport]

    public init(
        ipFamily: IPAddress.Family? = nil, protocol: NumberOrName? = nil,
        transports: [Transport] = []
    ) {
        self.ipFamily = ipFamily
        self.protocol = `protocol`
        self.transports = transports
    }

    public var family: IPAddress.Family { ipFamily ?? .v4 }
}
