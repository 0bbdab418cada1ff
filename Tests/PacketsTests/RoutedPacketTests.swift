import Testing
import Traceflow

@testable import Packets

/// A packet further on its way is the packet that would have been made so.
struct RoutedPacketTests {
    static let transports: [(UInt8, TrafficPacket.Transport)] = [
        (6, .tcp(srcPort: 40_000, dstPort: 80, flags: 2)), (17, .udp(srcPort: 53, dstPort: 53)),
        (1, .icmp(type: 8, code: 0, id: 7, sequence: 1)),
        (58, .icmp(type: 128, code: 0, id: 7, sequence: 1)), (132, .other),
    ]

    private func built(
        _ family: IPAddress.Family, _ number: UInt8, _ transport: TrafficPacket.Transport,
        moved: Bool
    ) throws -> [UInt8] {
        let addresses =
            moved
            ? ["10.255.0.1", "192.168.7.7", "fd00::ff:1", "fd07::7"]
            : ["10.0.0.1", "10.0.0.2", "fd00::1", "fd00::2"]
        let ends = addresses.compactMap { IPAddress($0) }.filter { $0.family == family }
        var transport = transport
        if moved {
            switch transport {
            case .tcp(_, _, let flags):
                transport = .tcp(srcPort: 1, dstPort: 65_535, flags: flags)
            case .udp: transport = .udp(srcPort: 1, dstPort: 65_535)
            case .icmp, .other: break
            }
        }
        return PacketBuilder(
            sourceMAC: [2, 0, 0, 0, 0, 1], destinationMAC: [2, 0, 0, 0, 0, 2],
            source: try #require(ends.first), destination: try #require(ends.last),
            protocol: number, ttl: moved ? 61 : 64, flags: 2, transport: transport
        ).frame()
    }

    @Test(arguments: [IPAddress.Family.v4, .v6])
    func itsHeadersAndChecksumsAreThoseOfOneMadeSo(family: IPAddress.Family) throws {
        // ICMP is of one family each.
        for (number, transport) in Self.transports where number != (family == .v4 ? 58 : 1) {
            let bytes = try built(family, number, transport, moved: false)
            let packet = try #require(
                TrafficPacket(
                    decoding: PacketFrame(nanoseconds: 0, link: .ethernet, bytes: bytes[...])))
            let after = PacketRewrite(
                source: IPAddress(family == .v4 ? "10.255.0.1" : "fd00::ff:1"),
                destination: IPAddress(family == .v4 ? "192.168.7.7" : "fd07::7"), sourcePort: 1,
                destinationPort: 65_535, hops: 3)
            let moved = try built(family, number, transport, moved: true)
            #expect(Array(packet.frame(after: after).bytes) == moved, "\(family) \(number)")
        }
    }

    @Test func aChecksumThatWasWrongStaysWrongAndOneThatIsMissingStaysMissing() throws {
        var bytes = try built(.v4, 17, .udp(srcPort: 53, dstPort: 53), moved: false)
        (bytes[40], bytes[41]) = (0, 0)
        let packet = try #require(
            TrafficPacket(
                decoding: PacketFrame(nanoseconds: 0, link: .ethernet, bytes: bytes[...])))
        let moved = packet.frame(after: PacketRewrite(destinationPort: 99)).bytes
        #expect(moved[40...41].allSatisfy { $0 == 0 })
        #expect(Array(moved[36...37]) == [0, 99])
    }

    @Test func aPacketThatWasCutIsChangedAsFarAsItGoes() throws {
        let bytes = try built(.v4, 6, .tcp(srcPort: 4, dstPort: 5, flags: 2), moved: false)
        for count in 14...bytes.count {
            let frame = PacketFrame(
                nanoseconds: 0, link: .ethernet, bytes: bytes[..<count], originalLength: bytes.count
            )
            guard let packet = TrafficPacket(decoding: frame) else { continue }
            let moved = packet.frame(
                after: PacketRewrite(
                    destination: IPAddress("1.2.3.4"), destinationPort: 9, hops: 70))
            #expect(moved.bytes.count == count)
            #expect(moved.bytes[22] == 0)
        }
    }
}
