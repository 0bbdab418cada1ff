import Traceflow

/// Finds the IP packet in a frame, and in it what a Traceflow speaks of.
enum PacketDecoder {
    /// Of what a tunnel carries, where the packet is one between nodes.
    static func packet(_ frame: PacketFrame) -> TrafficPacket? {
        guard var packet = plain(frame) else { return nil }
        for _ in 0..<TunnelDecoder.depthMax {
            guard let carried = TunnelDecoder.inner(of: packet), let inner = plain(carried) else {
                break
            }
            packet = inner
        }
        return packet
    }

    /// The packet as it is.
    private static func plain(_ frame: PacketFrame) -> TrafficPacket? {
        guard let (type, payload) = payload(of: frame.bytes, frame.link) else { return nil }
        let packet: TrafficPacket? =
            switch type {
            case 0x0800: ipv4(payload, frame)
            case 0x86dd: ipv6(payload, frame)
            default: nil
            }
        guard var packet else { return nil }
        packet.ipStart = payload.startIndex - frame.bytes.startIndex
        let segment = frame.bytes.dropFirst(packet.segmentStart)
        packet.headerBytes = min(
            frame.bytes.count, packet.segmentStart + headerBytes(segment, packet.transport))
        return packet
    }

    private static func headerBytes(
        _ segment: ArraySlice<UInt8>, _ transport: TrafficPacket.Transport
    ) -> Int {
        switch transport {
        // The data offset, in words of 32 bits.
        case .tcp: max(20, Int(u8(segment, 12) ?? 0) >> 4 * 4)
        case .udp, .icmp: 8
        case .other: 0
        }
    }

    private static func payload(
        of frame: ArraySlice<UInt8>, _ link: LinkType
    ) -> (type: UInt16, ArraySlice<UInt8>)? {
        switch link {
        case .ethernet: return tagged(frame, typeAt: 12)
        case .linuxSLL: return tagged(frame, typeAt: 14)
        case .linuxSLL2:
            guard let type = u16(frame, 0), frame.count >= 20 else { return nil }
            return (type, frame.dropFirst(20))
        case .rawIP:
            guard let first = frame.first else { return nil }
            return (first >> 4 == 6 ? 0x86dd : 0x0800, frame)
        }
    }

    /// Steps over 802.1Q and 802.1ad tags.
    private static func tagged(
        _ frame: ArraySlice<UInt8>, typeAt start: Int
    ) -> (type: UInt16, ArraySlice<UInt8>)? {
        var place = start
        for _ in 0..<4 {
            guard let type = u16(frame, place) else { return nil }
            guard type == 0x8100 || type == 0x88a8 || type == 0x9100 else {
                return (type, frame.dropFirst(place + 2))
            }
            place += 4
        }
        return nil
    }

    private static func ipv4(_ bytes: ArraySlice<UInt8>, _ frame: PacketFrame) -> TrafficPacket? {
        guard let first = u8(bytes, 0), first >> 4 == 4, let length = u16(bytes, 2),
            let fragment = u16(bytes, 6), let ttl = u8(bytes, 8), let number = u8(bytes, 9)
        else { return nil }
        let header = Int(first & 15) * 4
        guard header >= 20, bytes.count >= header, Int(length) >= header,
            let source = address(bytes, 12, 4), let destination = address(bytes, 16, 4)
        else { return nil }
        let isFirst = fragment & 0x1fff == 0
        var packet = TrafficPacket(
            frame: frame, source: source, destination: destination, protocol: number, ttl: ttl,
            flags: UInt8(fragment >> 13), length: Int(length),
            transport: isFirst ? transport(bytes.dropFirst(header), number) : .other)
        packet.segmentStart = bytes.startIndex - frame.bytes.startIndex + header
        return packet
    }

    private static func ipv6(_ bytes: ArraySlice<UInt8>, _ frame: PacketFrame) -> TrafficPacket? {
        guard let first = u8(bytes, 0), first >> 4 == 6, let payload = u16(bytes, 4),
            var next = u8(bytes, 6), let hops = u8(bytes, 7),
            let source = address(bytes, 8, 16), let destination = address(bytes, 24, 16)
        else { return nil }
        var rest = bytes.dropFirst(40)
        var isFirst = true
        // Hop-by-hop, routing, fragment and destination options (RFC 8200, section 4).
        for _ in 0..<8 where [0, 43, 44, 60].contains(next) {
            guard let following = u8(rest, 0), let size = u8(rest, 1) else { break }
            if next == 44, let offset = u16(rest, 2) { isFirst = offset >> 3 == 0 }
            let length = next == 44 ? 8 : (Int(size) + 1) * 8
            next = following
            rest = rest.dropFirst(length)
        }
        var packet = TrafficPacket(
            frame: frame, source: source, destination: destination, protocol: next, ttl: hops,
            flags: 0, length: Int(payload) + 40,
            transport: isFirst ? transport(rest, next) : .other)
        packet.segmentStart = rest.startIndex - frame.bytes.startIndex
        return packet
    }

    private static func transport(
        _ bytes: ArraySlice<UInt8>, _ number: UInt8
    ) -> TrafficPacket.Transport {
        switch number {
        case 6:
            guard let source = u16(bytes, 0), let destination = u16(bytes, 2),
                let flags = u8(bytes, 13)
            else { return .other }
            return .tcp(srcPort: source, dstPort: destination, flags: flags)
        case 17:
            guard let source = u16(bytes, 0), let destination = u16(bytes, 2) else { return .other }
            return .udp(srcPort: source, dstPort: destination)
        case 1, 58:
            guard let type = u8(bytes, 0), let code = u8(bytes, 1) else { return .other }
            let isEcho = number == 1 ? type == 8 || type == 0 : type == 128 || type == 129
            return .icmp(
                type: type, code: code, id: isEcho ? u16(bytes, 4) ?? 0 : 0,
                sequence: isEcho ? u16(bytes, 6) ?? 0 : 0)
        default: return .other
        }
    }

    private static func u8(_ bytes: ArraySlice<UInt8>, _ offset: Int) -> UInt8? {
        offset < bytes.count ? bytes[bytes.startIndex + offset] : nil
    }

    private static func u16(_ bytes: ArraySlice<UInt8>, _ offset: Int) -> UInt16? {
        guard let high = u8(bytes, offset), let low = u8(bytes, offset + 1) else { return nil }
        return UInt16(high) << 8 | UInt16(low)
    }

    private static func address(
        _ bytes: ArraySlice<UInt8>, _ offset: Int, _ count: Int
    ) -> IPAddress? {
        guard bytes.count >= offset + count else { return nil }
        return IPAddress(bytes: bytes.dropFirst(offset).prefix(count))
    }
}
