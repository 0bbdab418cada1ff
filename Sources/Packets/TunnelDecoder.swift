/// Finds the frame that a tunnel between nodes carries: Geneve (RFC 8926), VXLAN (RFC 7348) and GRE
/// (RFC 2784, 2890), as Antrea's overlay modes have them.
///
/// What only looks like a tunnel stays what it is: whoever asks goes on with the outer packet where
/// no IP packet is within. Fragments are not put together.
enum TunnelDecoder {
    /// A tunnel within a tunnel, and so on: more is made up.
    static let depthMax = 4

    static let geneve: UInt16 = 6081
    static let vxlan: UInt16 = 4789
    /// What Linux used before the port was assigned.
    static let oldVXLAN: UInt16 = 8472
    static let gre: UInt8 = 47

    private static let bridged: UInt16 = 0x6558
    private static let ipv4: UInt16 = 0x0800
    private static let ipv6: UInt16 = 0x86dd

    /// The inner frame as a Pod's interface would see it; nil where the packet carries none.
    static func inner(of packet: TrafficPacket) -> PacketFrame? {
        guard !isFragment(packet) else { return nil }
        let segment = packet.frame.bytes.dropFirst(packet.segmentStart)
        switch packet.transport {
        case .udp(_, geneve): return geneve(segment.dropFirst(udpBytes), packet)
        case .udp(_, vxlan), .udp(_, oldVXLAN): return vxlan(segment.dropFirst(udpBytes), packet)
        case .other where packet.protocol == gre: return gre(segment, packet)
        case .tcp, .udp, .icmp, .other: return nil
        }
    }

    private static let udpBytes = 8

    private static func isFragment(_ packet: TrafficPacket) -> Bool {
        let header = packet.frame.bytes.dropFirst(packet.ipStart)
        switch packet.source.family {
        case .v4: return (u16(header, 6) ?? 0) & 0x3fff != 0
        // The fragment header comes first, but for options that are for each hop.
        case .v6:
            return packet.segmentStart - packet.ipStart > 40 && header.dropFirst(6).first == 44
        }
    }

    private static func geneve(
        _ bytes: ArraySlice<UInt8>, _ packet: TrafficPacket
    ) -> PacketFrame? {
        // Version 0; packets that control the tunnel carry nothing.
        guard let first = bytes.first, first >> 6 == 0, let flags = bytes.dropFirst().first,
            flags & 0x80 == 0, let type = u16(bytes, 2)
        else { return nil }
        return frame(type, bytes.dropFirst(8 + Int(first & 0x3f) * 4), packet)
    }

    private static func vxlan(
        _ bytes: ArraySlice<UInt8>, _ packet: TrafficPacket
    ) -> PacketFrame? {
        // Flag I: the network's number is valid.
        guard let flags = bytes.first, flags & 0x08 != 0 else { return nil }
        return frame(bridged, bytes.dropFirst(8), packet)
    }

    private static func gre(_ bytes: ArraySlice<UInt8>, _ packet: TrafficPacket) -> PacketFrame? {
        // Version 0, without routing.
        guard let flags = u16(bytes, 0), flags & 0x4007 == 0, let type = u16(bytes, 2) else {
            return nil
        }
        // Checksum, key, sequence number.
        let fields = [0x8000, 0x2000, 0x1000].count { flags & $0 != 0 }
        return frame(type, bytes.dropFirst(4 + fields * 4), packet)
    }

    private static func frame(
        _ type: UInt16, _ bytes: ArraySlice<UInt8>, _ packet: TrafficPacket
    ) -> PacketFrame? {
        let link: LinkType
        switch type {
        case bridged: link = .ethernet
        case ipv4, ipv6: link = .rawIP
        default: return nil
        }
        // The link may have added bytes behind the outer packet.
        let outerEnd = packet.frame.bytes.startIndex + packet.ipStart + packet.length
        let original = outerEnd - bytes.startIndex
        guard original > 0, !bytes.isEmpty else { return nil }
        return PacketFrame(
            nanoseconds: packet.frame.nanoseconds, link: link,
            bytes: bytes.prefix(max(0, min(bytes.count, original))), originalLength: original)
    }

    private static func u16(_ bytes: ArraySlice<UInt8>, _ offset: Int) -> UInt16? {
        guard offset + 1 < bytes.count else { return nil }
        let place = bytes.startIndex + offset
        return UInt16(bytes[place]) << 8 | UInt16(bytes[place + 1])
    }
}
