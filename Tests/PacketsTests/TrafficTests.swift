import Packets
import Testing
import Traceflow

/// Capture files made here, byte by byte.
enum Capture {
    static func number(_ value: UInt32, _ big: Bool) -> [UInt8] {
        let bytes = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> UInt32($0)) }
        return big ? bytes : bytes.reversed()
    }

    static func short(_ value: UInt16, _ big: Bool) -> [UInt8] {
        let bytes = [UInt8(value >> 8), UInt8(value & 255)]
        return big ? bytes : bytes.reversed()
    }

    static func ipv4(
        _ proto: UInt8, _ payload: [UInt8], from: [UInt8] = [10, 0, 0, 1],
        to: [UInt8] = [10, 0, 0, 2]
    ) -> [UInt8] {
        [0x45, 0, 0, UInt8(20 + payload.count), 0, 1, 0x40, 0, 64, proto, 0, 0] + from + to
            + payload
    }

    static func tcp(_ flags: UInt8, from: UInt8 = 100, to: UInt8 = 80) -> [UInt8] {
        [0, from, 0, to, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, flags, 0, 0, 0, 0, 0, 0]
    }

    static func ethernet(_ packet: [UInt8], type: [UInt8] = [8, 0]) -> [UInt8] {
        [UInt8](repeating: 2, count: 12) + type + packet
    }

    static func pcap(
        _ frames: [[UInt8]], big: Bool = false, nano: Bool = false, link: UInt32 = 1
    ) -> [UInt8] {
        var bytes = number(nano ? 0xa1b2_3c4d : 0xa1b2_c3d4, big) + short(2, big) + short(4, big)
        bytes += number(0, big) + number(0, big) + number(65535, big) + number(link, big)
        for (index, frame) in frames.enumerated() {
            let count = UInt32(frame.count)
            bytes += number(UInt32(100 + index), big) + number(nano ? 5000 : 5, big)
            bytes += number(count, big) + number(count, big) + frame
        }
        return bytes
    }

    static func pcapng(_ frames: [[UInt8]], big: Bool = false) -> [UInt8] {
        func block(_ type: UInt32, _ body: [UInt8]) -> [UInt8] {
            let padded = body + [UInt8](repeating: 0, count: (4 - body.count % 4) % 4)
            let length = number(UInt32(padded.count + 12), big)
            return number(type, big) + length + padded + length
        }
        var bytes = block(
            0x0a0d_0d0a,
            number(0x1a2b_3c4d, big) + short(1, big) + short(0, big) + number(.max, big)
                + number(.max, big))
        // Nanoseconds, by the option if_tsresol.
        bytes += block(
            1,
            short(1, big) + short(0, big) + number(0, big) + short(9, big) + short(1, big)
                + [9, 0, 0, 0] + short(0, big) + short(0, big))
        bytes += block(0x0000_0bad, [1, 2, 3])
        for (index, frame) in frames.enumerated() {
            let ticks = UInt64(100 + index) * 1_000_000_000 + 5000
            let count = UInt32(frame.count)
            bytes += block(
                6,
                number(0, big) + number(UInt32(ticks >> 32), big)
                    + number(UInt32(ticks & 0xffff_ffff), big)
                    + number(count, big) + number(count, big) + frame)
        }
        return bytes
    }
}

struct TrafficTests {
    static let packet = Capture.ipv4(6, Capture.tcp(2))
    static let frames = [Capture.ethernet(packet)]

    static let files: [[UInt8]] = [
        Capture.pcap(frames), Capture.pcap(frames, big: true), Capture.pcap(frames, nano: true),
        Capture.pcap(frames, big: true, nano: true), Capture.pcapng(frames),
        Capture.pcapng(frames, big: true), Capture.pcap([packet], link: 101),
        Capture.pcap([[UInt8](repeating: 0, count: 14) + [8, 0] + packet], link: 113),
        Capture.pcap([[8, 0] + [UInt8](repeating: 0, count: 18) + packet], link: 276),
        Capture.pcap([Capture.ethernet(packet, type: [0x81, 0, 0, 7, 8, 0])]),
    ]

    @Test(arguments: files)
    func everyFormatHoldsTheSamePacket(bytes: [UInt8]) throws {
        let file = try TrafficFile.read(bytes: bytes, file: "t.pcap")
        #expect(file.skipped == 0)
        let packet = try #require(file.packets.first)
        #expect(packet.source.description == "10.0.0.1")
        #expect(packet.destination.description == "10.0.0.2")
        #expect(packet.transport == .tcp(srcPort: 100, dstPort: 80, flags: 2))
        #expect((packet.ttl, packet.flags, packet.length) == (64, 2, 40))
        #expect(packet.frame.nanoseconds == 100_000_005_000)
    }

    @Test(
        arguments: [
            ([], 0), ([1, 2, 3], 0), ([UInt8](repeating: 0, count: 30), 0),
            (Array(Capture.pcap(frames).dropLast()), 40),
            (Array(Capture.pcap(frames).prefix(10)), 4),
            (Array(Capture.pcap(frames).prefix(30)), 28),
            (Array(Capture.pcapng(frames).dropLast(4)), 72),
            (Capture.pcap(frames, link: 147), 20),
        ] as [([UInt8], Int)])
    func aMalformedFileIsRefusedWithThePlace(bytes: [UInt8], offset: Int) {
        #expect { try TrafficFile.read(bytes: bytes, file: "t.pcap") } throws: {
            guard let error = $0 as? PacketFileError else { return false }
            return error.file == "t.pcap" && error.byteOffset <= max(bytes.count, offset)
        }
    }

    @Test func aMalformedPacketIsSkippedAndCounted() throws {
        let bytes = Capture.pcap([
            Capture.ethernet([0x45, 0]), Capture.ethernet([8, 6], type: [8, 6]), [], Self.frames[0],
        ])
        let file = try TrafficFile.read(bytes: bytes, file: "t.pcap")
        #expect(file.packets.count == 1)
        #expect(file.skipped == 3)
    }

    @Test func noDamageToAFileIsACrash() {
        for original in Self.files {
            for place in original.indices {
                for change: UInt8 in [0xff, 0x80, 0x01] {
                    var bytes = original
                    bytes[place] ^= change
                    _ = try? TrafficFile.read(bytes: bytes, file: "t")
                }
                _ = try? TrafficFile.read(bytes: Array(original.prefix(place)), file: "t")
            }
        }
    }

    @Test func onlyPacketsThatStartAConnectionCount() throws {
        let there: [UInt8] = [10, 0, 0, 1]
        let back: [UInt8] = [10, 0, 0, 2]
        let echo: (UInt8, UInt8) -> [UInt8] = { [$0, 0, 0, 0, 0, 9, 0, $1] }
        let frames = [
            Capture.ipv4(6, Capture.tcp(0x10)), Capture.ipv4(6, Capture.tcp(0x02)),
            Capture.ipv4(6, Capture.tcp(0x12, from: 80, to: 100), from: back, to: there),
            Capture.ipv4(17, [0, 7, 0, 53, 0, 8, 0, 0]),
            Capture.ipv4(17, [0, 7, 0, 53, 0, 8, 0, 0]),
            Capture.ipv4(17, [0, 53, 0, 7, 0, 8, 0, 0], from: back, to: there),
            Capture.ipv4(1, echo(8, 1)), Capture.ipv4(1, echo(0, 1), from: back, to: there),
            Capture.ipv4(1, echo(8, 2)),
        ]
        let file = try TrafficFile.read(bytes: Capture.pcap(frames, link: 101), file: "t")
        let starts = ConnectionStarts.of(file.packets)
        #expect(starts.map { $0.frame.nanoseconds / 1_000_000_000 } == [101, 103, 106])
    }
}
