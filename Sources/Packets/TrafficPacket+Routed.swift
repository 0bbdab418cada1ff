import Traceflow

/// What becomes of a packet on its way.
public struct PacketRewrite: Hashable, Sendable {
    public var source: IPAddress?
    public var destination: IPAddress?
    public var sourcePort: UInt16?
    public var destinationPort: UInt16?
    /// How often it was routed.
    public var hops: Int

    public init(
        source: IPAddress? = nil, destination: IPAddress? = nil, sourcePort: UInt16? = nil,
        destinationPort: UInt16? = nil, hops: Int = 0
    ) {
        self.source = source
        self.destination = destination
        self.sourcePort = sourcePort
        self.destinationPort = destinationPort
        self.hops = hops
    }
}

extension TrafficPacket {
    /// The packet's frame as it is further on. Checksums are carried over (RFC 1624), so that one
    /// that was wrong stays wrong; addresses of another family change nothing.
    public func frame(after rewrite: PacketRewrite) -> PacketFrame {
        var bytes = Array(frame.bytes)
        var editor = HeaderEditor(packet: self)
        if let source = rewrite.source, source.family == self.source.family {
            editor.set(source.bytes, at: source.family == .v4 ? 12 : 8, isAddress: true, &bytes)
        }
        if let destination = rewrite.destination, destination.family == self.destination.family {
            let place = destination.family == .v4 ? 16 : 24
            editor.set(destination.bytes, at: place, isAddress: true, &bytes)
        }
        if hasPorts {
            if let port = rewrite.sourcePort { editor.setPort(port, at: 0, &bytes) }
            if let port = rewrite.destinationPort { editor.setPort(port, at: 2, &bytes) }
        }
        if rewrite.hops > 0 {
            let left = UInt8(clamping: max(0, Int(ttl) - rewrite.hops))
            editor.setTTL(left, &bytes)
        }
        editor.finish(&bytes)
        var routed = frame
        routed.bytes = bytes[...]
        return routed
    }

    private var hasPorts: Bool {
        switch transport {
        case .tcp, .udp: true
        case .icmp, .other: false
        }
    }
}

/// Changes fields of the headers, and carries the checksums along.
private struct HeaderEditor {
    private let ip: Int
    private let segment: Int
    private let isV4: Bool
    /// Where the transport's checksum is; nil where it has none, or is not in this fragment.
    private let checksum: Int?
    private let isUDP: Bool
    private let sumsAddresses: Bool
    /// What the fields that each checksum covers lost and won.
    private var ipChange: UInt64 = 0
    private var segmentChange: UInt64 = 0

    init(packet: TrafficPacket) {
        (ip, segment) = (packet.ipStart, packet.segmentStart)
        isV4 = packet.source.family == .v4
        switch packet.transport {
        case .tcp: (checksum, isUDP) = (segment + 16, false)
        case .udp: (checksum, isUDP) = (segment + 6, true)
        case .icmp: (checksum, isUDP) = (segment + 2, false)
        case .other: (checksum, isUDP) = (nil, false)
        }
        // Of ICMP in IPv4 the checksum covers the message alone.
        sumsAddresses = packet.protocol != 1
    }

    /// Returns what the change adds to a ones' complement sum.
    private func replace(_ new: [UInt8], at place: Int, _ bytes: inout [UInt8]) -> UInt64 {
        guard place >= 0, place + new.count <= bytes.count else { return 0 }
        var change: UInt64 = 0
        for (offset, byte) in new.enumerated() {
            let shift: UInt64 = (place + offset - ip) % 2 == 0 ? 8 : 0
            change += UInt64(byte) << shift
            // Minus in ones' complement.
            change += UInt64(0xffff ^ (UInt16(bytes[place + offset]) << UInt16(shift)))
            bytes[place + offset] = byte
        }
        return change
    }

    mutating func set(
        _ new: [UInt8], at place: Int, isAddress: Bool, _ bytes: inout [UInt8]
    ) {
        let change = replace(new, at: ip + place, &bytes)
        ipChange += change
        if isAddress, sumsAddresses { segmentChange += change }
    }

    mutating func setPort(_ port: UInt16, at place: Int, _ bytes: inout [UInt8]) {
        segmentChange += replace(PacketBuilder.word(port), at: segment + place, &bytes)
    }

    mutating func setTTL(_ ttl: UInt8, _ bytes: inout [UInt8]) {
        ipChange += replace([ttl], at: ip + (isV4 ? 8 : 7), &bytes)
    }

    func finish(_ bytes: inout [UInt8]) {
        if isV4 { carry(ipChange, at: ip + 10, isUDP: false, &bytes) }
        if let checksum { carry(segmentChange, at: checksum, isUDP: isUDP, &bytes) }
    }

    private func carry(_ change: UInt64, at place: Int, isUDP: Bool, _ bytes: inout [UInt8]) {
        guard change > 0, place >= 0, place + 2 <= bytes.count else { return }
        let old = UInt16(bytes[place]) << 8 | UInt16(bytes[place + 1])
        // A UDP packet may have none.
        if isUDP, old == 0 { return }
        var sum = UInt64(~old) + change
        while sum >> 16 != 0 { sum = (sum & 0xffff) + (sum >> 16) }
        var new = ~UInt16(sum)
        if isUDP, new == 0 { new = 0xffff }
        bytes[place] = UInt8(new >> 8)
        bytes[place + 1] = UInt8(new & 0xff)
    }
}
