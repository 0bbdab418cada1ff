/// A packet's headers, as a request describes them and as a live trace captured them.
public struct Packet: Hashable, Sendable {
    public var ipHeader: IPHeader?
    public var ipv6Header: IPv6Header?
    public var transportHeader: TransportHeader?

    public init(
        ipHeader: IPHeader? = nil, ipv6Header: IPv6Header? = nil,
        transportHeader: TransportHeader? = nil
    ) {
        self.ipHeader = ipHeader
        self.ipv6Header = ipv6Header
        self.transportHeader = transportHeader
    }
}

/// The IPv4 header fields a Traceflow can state.
public struct IPHeader: Hashable, Sendable {
    /// Declared by v1alpha1, used by nothing.
    public var srcIP: String?
    public var `protocol`: Int?
    public var ttl: Int?
    /// The three flag bits; 2 is don't-fragment.
    public var flags: Int?

    public init(srcIP: String? = nil, protocol: Int? = nil, ttl: Int? = nil, flags: Int? = nil) {
        self.srcIP = srcIP
        self.protocol = `protocol`
        self.ttl = ttl
        self.flags = flags
    }
}

/// The IPv6 header fields a Traceflow can state.
public struct IPv6Header: Hashable, Sendable {
    /// Declared by v1alpha1, used by nothing.
    public var srcIP: String?
    public var nextHeader: Int?
    public var hopLimit: Int?

    public init(srcIP: String? = nil, nextHeader: Int? = nil, hopLimit: Int? = nil) {
        self.srcIP = srcIP
        self.nextHeader = nextHeader
        self.hopLimit = hopLimit
    }
}

/// The layer 4 header; TCP wins over UDP, UDP over ICMP, when several are given.
public struct TransportHeader: Hashable, Sendable {
    public var tcp: TCPHeader?
    public var udp: UDPHeader?
    public var icmp: ICMPEchoHeader?

    public init(tcp: TCPHeader? = nil, udp: UDPHeader? = nil, icmp: ICMPEchoHeader? = nil) {
        self.tcp = tcp
        self.udp = udp
        self.icmp = icmp
    }
}

public struct TCPHeader: Hashable, Sendable {
    public var srcPort: Int?
    public var dstPort: Int?
    public var flags: Int?

    public init(srcPort: Int? = nil, dstPort: Int? = nil, flags: Int? = nil) {
        self.srcPort = srcPort
        self.dstPort = dstPort
        self.flags = flags
    }
}

public struct UDPHeader: Hashable, Sendable {
    public var srcPort: Int?
    public var dstPort: Int?

    public init(srcPort: Int? = nil, dstPort: Int? = nil) {
        self.srcPort = srcPort
        self.dstPort = dstPort
    }
}

public struct ICMPEchoHeader: Hashable, Sendable {
    public var id: Int?
    public var sequence: Int?

    public init(id: Int? = nil, sequence: Int? = nil) {
        self.id = id
        self.sequence = sequence
    }
}

/// The packet a live trace saw (`status.capturedPacket`), as it was where it was reported.
public struct CapturedPacket: Hashable, Sendable {
    public var srcIP: String
    public var dstIP: String
    /// Total length of the IP packet in bytes.
    public var length: Int
    public var headers: Packet

    public init(srcIP: String, dstIP: String, length: Int, headers: Packet) {
        self.srcIP = srcIP
        self.dstIP = dstIP
        self.length = length
        self.headers = headers
    }
}
