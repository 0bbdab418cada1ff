import Packets
import Testing
import Traceflow

/// Packets between nodes, with those of Pods in them.
struct TunnelTests {
    private static func ethernet(
        _ from: String, _ to: String, _ number: UInt8, _ transport: TrafficPacket.Transport
    ) throws -> [UInt8] {
        PacketBuilder(
            sourceMAC: [2, 0, 0, 0, 0, 1], destinationMAC: [2, 0, 0, 0, 0, 2],
            source: try #require(IPAddress(from)), destination: try #require(IPAddress(to)),
            protocol: number, ttl: 64, flags: 2, transport: transport
        ).frame()
    }

    private static func word(_ value: Int) -> [UInt8] {
        [UInt8(truncatingIfNeeded: value >> 8), UInt8(truncatingIfNeeded: value)]
    }

    /// The payload in UDP to the port, or without one in the protocol, between nodes.
    static func outer(
        _ payload: [UInt8], port: Int = 0, number: UInt8 = 17, isV6: Bool = false
    ) -> [UInt8] {
        let segment =
            number == 17
            ? word(40_000) + word(port) + word(payload.count + 8) + [0, 0] + payload
            : payload
        var bytes = [UInt8](repeating: 4, count: 12)
        if isV6 {
            bytes += [0x86, 0xdd, 0x60, 0, 0, 0] + word(segment.count) + [number, 60]
            bytes += [0xfd] + [UInt8](repeating: 0, count: 14) + [1]
            bytes += [0xfd] + [UInt8](repeating: 0, count: 14) + [2]
        } else {
            bytes += [8, 0, 0x45, 0] + word(segment.count + 20) + [0, 1, 0, 0, 60, number, 0, 0]
            bytes += [192, 168, 0, 1, 192, 168, 0, 2]
        }
        return bytes + segment
    }

    static func geneve(
        _ inner: [UInt8], type: Int = 0x6558, options: Int = 0, first: UInt8 = 0, flags: UInt8 = 0
    ) -> [UInt8] {
        [first | UInt8(options), flags] + word(type) + [0, 0, 1, 0]
            + [UInt8](repeating: 0xaa, count: options * 4) + inner
    }

    static func vxlan(_ inner: [UInt8], flags: UInt8 = 8) -> [UInt8] {
        [flags, 0, 0, 0, 0, 0, 1, 0] + inner
    }

    private static func decoded(_ bytes: [UInt8]) -> TrafficPacket? {
        TrafficPacket(
            decoding: PacketFrame(nanoseconds: 7, link: .ethernet, bytes: bytes[...]))
    }

    static let syn = TrafficPacket.Transport.tcp(srcPort: 4000, dstPort: 80, flags: 2)

    @Test(
        arguments: [
            ("geneve", false), ("geneve with options", false), ("geneve", true), ("vxlan", false),
            ("vxlan, old port", true), ("vlan within", false), ("gre", false),
            ("gre with all fields", true),
        ])
    func aTunnelIsUnwrapped(kind: String, isV6: Bool) throws {
        for ends in [("10.0.1.10", "10.0.2.10"), ("fd00:1::10", "fd00:2::10")] {
            let inner = try Self.ethernet(ends.0, ends.1, 6, Self.syn)
            let tagged = Array(inner[..<12]) + [0x81, 0, 0, 5] + Array(inner[12...])
            let bytes =
                switch kind {
                case "geneve": Self.outer(Self.geneve(inner), port: 6081, isV6: isV6)
                case "geneve with options":
                    Self.outer(Self.geneve(inner, options: 3), port: 6081, isV6: isV6)
                case "vxlan": Self.outer(Self.vxlan(inner), port: 4789, isV6: isV6)
                case "vxlan, old port": Self.outer(Self.vxlan(inner), port: 8472, isV6: isV6)
                case "vlan within": Self.outer(Self.vxlan(tagged), port: 4789, isV6: isV6)
                case "gre": Self.outer([0, 0, 0x65, 0x58] + inner, number: 47, isV6: isV6)
                default:
                    Self.outer(
                        [0xb0, 0, 0x65, 0x58] + [UInt8](repeating: 1, count: 12) + inner,
                        number: 47, isV6: isV6)
                }
            let packet = try #require(Self.decoded(bytes))
            #expect(packet.source.description == ends.0, "\(kind)")
            #expect(packet.destination.description == ends.1)
            #expect(packet.transport == Self.syn)
            #expect(packet.ttl == 64)
            // What a Pod's interface would see, and when it was seen.
            #expect(Array(packet.frame.bytes) == (kind == "vlan within" ? tagged : inner))
            #expect(packet.frame.nanoseconds == 7)
            #expect(packet.headerBytes == packet.frame.bytes.count)
        }
    }

    @Test func anIPPacketWithoutAnEthernetHeaderIsUnwrappedAsSuch() throws {
        let inner = try Self.ethernet("10.0.1.10", "10.0.2.10", 6, Self.syn)
        let plain = Array(inner.dropFirst(14))
        for bytes in [
            Self.outer(Self.geneve(plain, type: 0x0800), port: 6081),
            Self.outer([0, 0, 8, 0] + plain, number: 47),
        ] {
            let packet = try #require(Self.decoded(bytes))
            #expect(packet.frame.link == .rawIP)
            #expect(Array(packet.frame.bytes) == plain)
        }
    }

    /// What is no tunnel, or carries no IP, is the packet that it is.
    @Test(
        arguments: [
            ("geneve of another version", 6081, geneve([], first: 0x40)),
            ("a control packet", 6081, geneve([1], flags: 0x80)),
            ("geneve of something else", 6081, geneve([1], type: 0x8847)),
            ("options longer than the packet", 6081, geneve([], first: 0x3f)),
            ("vxlan without a network", 4789, vxlan([UInt8](repeating: 0, count: 60), flags: 0)),
            (
                "an ARP request within", 4789,
                vxlan([UInt8](repeating: 1, count: 12) + [8, 6, 0, 1])
            ),
            ("DNS that uses the port", 4789, [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
            ("nothing at all", 8472, []),
        ] as [(String, Int, [UInt8])])
    func whatIsNoTunnelStaysWhatItIs(about: String, port: Int, payload: [UInt8]) throws {
        let packet = try #require(Self.decoded(Self.outer(payload, port: port)))
        #expect(packet.source.description == "192.168.0.1", "\(about)")
        #expect(packet.transport == .udp(srcPort: 40_000, dstPort: UInt16(port)))
    }

    @Test func aFragmentIsNotUnwrapped() throws {
        let inner = try Self.ethernet("10.0.1.10", "10.0.2.10", 6, Self.syn)
        for fragment in [0x2000, 0x0001] {
            var bytes = Self.outer([0, 0, 0x65, 0x58] + inner, number: 47)
            bytes.replaceSubrange(20..<22, with: Self.word(fragment))
            #expect(Self.decoded(bytes)?.source.description == "192.168.0.1")
        }
    }

    @Test func tunnelsWithinTunnelsAreUnwrappedFourDeep() throws {
        var bytes = try Self.ethernet("10.0.1.10", "10.0.2.10", 6, Self.syn)
        for depth in 1...5 {
            bytes = Self.outer(Self.vxlan(bytes), port: 4789)
            let packet = try #require(Self.decoded(bytes))
            #expect((packet.source.description == "10.0.1.10") == (depth <= 4))
        }
    }

    /// Wherever it was cut: an answer, and never a frame that reaches over the end.
    @Test func aTunnelThatWasCutIsNoTrap() throws {
        let inner = try Self.ethernet("fd00:1::10", "fd00:2::10", 6, Self.syn)
        let bytes = Self.outer(Self.geneve(inner, options: 2), port: 6081)
        for count in 0...bytes.count {
            guard let packet = Self.decoded(Array(bytes[..<count])) else { continue }
            #expect(packet.frame.bytes.count <= count)
            #expect(packet.frame.originalLength >= packet.frame.bytes.count)
            if count == bytes.count { #expect(packet.frame.originalLength == inner.count) }
        }
        // What the link added behind the packet is none of the inner frame's.
        let padded = bytes + [UInt8](repeating: 0, count: 20)
        #expect(Self.decoded(padded).map { Array($0.frame.bytes) } == inner)
    }

    @Test func theInnerPacketIsRewrittenWithRightChecksums() throws {
        let inner = try Self.ethernet("10.0.1.10", "10.96.0.2", 6, Self.syn)
        let packet = try #require(Self.decoded(Self.outer(Self.geneve(inner), port: 6081)))
        let routed = packet.frame(
            after: PacketRewrite(
                destination: IPAddress("10.0.2.10"), destinationPort: 80, hops: 0))
        let made = try Self.ethernet("10.0.1.10", "10.0.2.10", 6, Self.syn)
        #expect(Array(routed.bytes) == made)
    }
}
