import Testing
import Traceflow

@testable import Packets

/// Files and packets with faults in them, the same ones in each run: an answer or a refusal that names
/// a byte, and what was read is whole. `make fuzz` looks for what these do not find.
struct MutationTests {
    /// Changes bytes where it hurts.
    struct Mutator {
        private var state: UInt64

        init(seed: UInt64) { state = seed | 1 }

        mutating func number(below bound: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int(state % UInt64(max(1, bound)))
        }

        private static let edges: [UInt8] = [0, 1, 4, 0x7f, 0x80, 0xff]

        mutating func mutated(_ seed: [UInt8], with other: [UInt8]) -> [UInt8] {
            var bytes = seed
            for _ in 0...number(below: 3) {
                guard !bytes.isEmpty else { return other }
                let place = number(below: bytes.count)
                switch number(below: 6) {
                case 0: bytes[place] ^= 1 << UInt8(number(below: 8))
                case 1: bytes[place] = Self.edges[number(below: Self.edges.count)]
                case 2:
                    let edge = Self.edges[number(below: Self.edges.count)]
                    for at in place..<min(bytes.count, place + 4) { bytes[at] = edge }
                case 3: bytes.removeLast(number(below: bytes.count))
                case 4: bytes.removeSubrange(place..<min(bytes.count, place + number(below: 9)))
                default:
                    let from = number(below: other.count)
                    let count = number(below: min(64, other.count - from))
                    bytes.replaceSubrange(
                        place..<min(bytes.count, place + count), with: other[from..<from + count])
                }
            }
            return bytes
        }
    }

    static let frames: [[UInt8]] = [
        Capture.ethernet(Capture.ipv4(6, Capture.tcp(2))),
        Capture.ethernet(Capture.ipv4(17, [0, 53, 0, 53, 0, 8, 0, 0])),
        Capture.ethernet(Capture.ipv4(1, [8, 0, 0, 0, 0, 7, 0, 1])),
        TunnelTests.outer(
            TunnelTests.geneve(Capture.ethernet(Capture.ipv4(6, Capture.tcp(2))), options: 2),
            port: 6081),
        TunnelTests.outer(
            TunnelTests.vxlan(Capture.ethernet(Capture.ipv4(6, Capture.tcp(2)))), port: 4789,
            isV6: true),
    ]

    static let seeds: [[UInt8]] = [
        Capture.pcap(frames), Capture.pcap(frames, big: true, nano: true), Capture.pcapng(frames),
        Capture.pcapng(frames, big: true) + Capture.pcapng(frames),
    ]

    @Test func aFileWithFaultsIsReadOrRefusedByByte() {
        var mutator = Mutator(seed: 0x5eed)
        for round in 0..<12_000 {
            let seed = Self.seeds[round % Self.seeds.count]
            let other = Self.seeds[mutator.number(below: Self.seeds.count)]
            let bytes = mutator.mutated(seed, with: other)
            do throws(PacketFileError) {
                let file = try PacketFile.read(bytes: bytes, file: "f")
                var held = 0
                for record in file.records {
                    held += record.frame.bytes.count
                    check(record.frame)
                }
                guard held <= bytes.count else {
                    Issue.record("round \(round): more bytes in packets than in the file")
                    return
                }
            } catch {
                guard (0...bytes.count).contains(error.byteOffset) else {
                    Issue.record("round \(round): byte \(error.byteOffset) of \(bytes.count)")
                    return
                }
            }
        }
    }

    @Test(arguments: LinkType.allCases) func aPacketWithFaultsIsDecodedOrPassedOver(
        link: LinkType
    ) {
        var mutator = Mutator(seed: UInt64(link.rawValue) + 77)
        for round in 0..<8_000 {
            let seed = Self.frames[round % Self.frames.count]
            let bytes = mutator.mutated(
                link == .ethernet ? seed : Array(seed.dropFirst(14)),
                with: Self.frames[mutator.number(below: Self.frames.count)])
            check(PacketFrame(nanoseconds: 1, link: link, bytes: bytes[...]))
        }
    }

    /// Whatever is decoded lies within the frame, and can be rewritten and cut.
    private func check(_ frame: PacketFrame) {
        guard let packet = TrafficPacket(decoding: frame) else { return }
        let inner = packet.frame
        guard packet.ipStart >= 0, packet.segmentStart >= packet.ipStart,
            packet.ipStart <= inner.bytes.count, inner.bytes.count <= frame.bytes.count,
            inner.originalLength >= inner.bytes.count, packet.headerBytes <= inner.bytes.count
        else {
            Issue.record("a packet that reaches over its frame")
            return
        }
        let routed = packet.frame(
            after: PacketRewrite(
                source: packet.destination, destination: packet.source, sourcePort: 1,
                destinationPort: 2, hops: 3))
        #expect(routed.bytes.count == inner.bytes.count)
        _ = routed.cut(to: packet.headerBytes)
        _ = ConnectionTuple(packet)
    }
}
