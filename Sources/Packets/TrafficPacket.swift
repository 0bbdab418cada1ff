import Traceflow

/// One packet that a Pod really sent, as a traffic file holds it.
public struct TrafficPacket: Hashable, Sendable {
    /// The layer 4 part, as far as a Traceflow speaks of it.
    public enum Transport: Hashable, Sendable {
        case tcp(srcPort: UInt16, dstPort: UInt16, flags: UInt8)
        case udp(srcPort: UInt16, dstPort: UInt16)
        /// ICMP or ICMPv6; `id` and `sequence` are 0 unless it is an echo message.
        case icmp(type: UInt8, code: UInt8, id: UInt16, sequence: UInt16)
        case other
    }

    /// The whole of it.
    public var frame: PacketFrame
    public var source: IPAddress
    public var destination: IPAddress
    /// The IP protocol number, or the last next header of IPv6.
    public var `protocol`: UInt8
    /// TTL or hop limit as written in the file.
    public var ttl: UInt8
    /// The three IPv4 flag bits; 0 for IPv6.
    public var flags: UInt8
    /// Total length of the IP packet in bytes.
    public var length: Int
    public var transport: Transport
    /// Where in the frame the IP header begins, and where the one of the transport.
    public internal(set) var ipStart = 0
    public internal(set) var segmentStart = 0
    /// How many bytes of the frame its headers are; where the transport is not known, those up to
    /// it.
    public internal(set) var headerBytes = 0

    public init(
        frame: PacketFrame, source: IPAddress, destination: IPAddress, protocol: UInt8, ttl: UInt8,
        flags: UInt8, length: Int, transport: Transport
    ) {
        self.frame = frame
        self.source = source
        self.destination = destination
        self.protocol = `protocol`
        self.ttl = ttl
        self.flags = flags
        self.length = length
        self.transport = transport
    }
}

extension TrafficPacket {
    /// The IP packet in a frame; nil when there is none, or it is malformed.
    public init?(decoding frame: PacketFrame) {
        guard let packet = PacketDecoder.packet(frame) else { return nil }
        self = packet
    }
}
