import Traceflow

/// An IP packet made of its headers, in an Ethernet frame, with no payload.
public struct PacketBuilder: Hashable, Sendable {
    public var sourceMAC: [UInt8]
    public var destinationMAC: [UInt8]
    public var source: IPAddress
    public var destination: IPAddress
    public var `protocol`: UInt8
    public var ttl: UInt8
    /// The three flag bits of IPv4.
    public var flags: UInt8
    public var transport: TrafficPacket.Transport

    public init(
        sourceMAC: [UInt8], destinationMAC: [UInt8], source: IPAddress, destination: IPAddress,
        protocol: UInt8, ttl: UInt8, flags: UInt8, transport: TrafficPacket.Transport
    ) {
        self.sourceMAC = sourceMAC
        self.destinationMAC = destinationMAC
        self.source = source
        self.destination = destination
        self.protocol = `protocol`
        self.ttl = ttl
        self.flags = flags
        self.transport = transport
    }

    /// The frame, with the checksums of RFC 791, 792, 4443, 768 and 9293.
    public func frame() -> [UInt8] {
        var bytes = destinationMAC + sourceMAC
        let payload = segment()
        switch source.family {
        case .v4:
            bytes += [0x08, 0x00]
            var header: [UInt8] = [0x45, 0] + Self.word(UInt16(20 + payload.count))
            header += [0, 0, flags << 5, 0, ttl, self.protocol, 0, 0]
            header += source.bytes + destination.bytes
            let sum = InternetChecksum(of: header).value
            header[10] = UInt8(sum >> 8)
            header[11] = UInt8(sum & 0xff)
            bytes += header
        case .v6:
            bytes += [0x86, 0xdd, 0x60, 0, 0, 0] + Self.word(UInt16(payload.count))
            bytes += [self.protocol, ttl] + source.bytes + destination.bytes
        }
        return bytes + payload
    }

    private func segment() -> [UInt8] {
        var bytes: [UInt8]
        let checksumAt: Int
        var isPseudo = true
        switch transport {
        case .tcp(let source, let destination, let flags):
            bytes = Self.word(source) + Self.word(destination) + [0, 0, 0, 0, 0, 0, 0, 0]
            bytes += [0x50, flags, 0xff, 0xff, 0, 0, 0, 0]
            checksumAt = 16
        case .udp(let source, let destination):
            bytes = Self.word(source) + Self.word(destination) + [0, 8, 0, 0]
            checksumAt = 6
        case .icmp(let type, let code, let id, let sequence):
            bytes = [type, code, 0, 0] + Self.word(id) + Self.word(sequence)
            checksumAt = 2
            isPseudo = source.family == .v6
        case .other: return []
        }
        var sum = InternetChecksum(of: bytes)
        if isPseudo {
            sum.add(source.bytes + destination.bytes)
            sum.add([0, self.protocol] + Self.word(UInt16(bytes.count)))
        }
        // In UDP zero means that there is none.
        let value = sum.value == 0 && self.protocol == 17 ? 0xffff : sum.value
        bytes[checksumAt] = UInt8(value >> 8)
        bytes[checksumAt + 1] = UInt8(value & 0xff)
        return bytes
    }

    static func word(_ value: UInt16) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 0xff)] }
}

/// The ones' complement sum of RFC 1071.
struct InternetChecksum {
    private var sum: UInt64 = 0

    init(of bytes: [UInt8]) { add(bytes) }

    /// Adds a run that begins at an even place.
    mutating func add(_ bytes: [UInt8]) {
        for (place, byte) in bytes.enumerated() {
            sum += UInt64(byte) << (place % 2 == 0 ? 8 : 0)
        }
    }

    var value: UInt16 {
        var sum = sum
        while sum >> 16 != 0 { sum = (sum & 0xffff) + (sum >> 16) }
        return ~UInt16(sum)
    }
}

extension IPAddress {
    /// The address as it is in a packet.
    public var bytes: [UInt8] {
        stride(from: width - 8, through: 0, by: -8).map {
            UInt8(truncatingIfNeeded: bits >> UInt128($0))
        }
    }
}
