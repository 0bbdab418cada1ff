import CLZ4
import Captures
import Foundation
import Packets
import Traceflow

/// How fast packets are archived, and how small they become, beside LZ4 alone on the same bytes.
enum Capturing: Scenario {
    static let name = "captures"
    static let summary = "MB/s and ratio of archived packets, beside LZ4 alone on the same bytes"

    static func run(_ setting: Setting) throws {
        // Where a sync costs nothing: it is the work that is measured.
        let folder = "/dev/shm/tracectl-bench-\(getpid())"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var captures = Wire(seed: 7).captures(
            count: setting.pick(quick: 20, full: 1000), packets: 1000)
        let packets = captures.reduce(0) { $0 + $1.count }
        let plain = try pcapng(captures)
        captures = try fromFile(plain, captures)
        for round in 1...3 {
            let alone = Stopwatch()
            let compressed = try lz4(plain)
            let floor = alone.seconds
            let subfolder = folder + "/\(round)"
            let watch = Stopwatch()
            let archived = try archive(captures, in: subfolder)
            let seconds = watch.seconds
            Output.figure(name, "LZ4 alone", Double(plain.count) / 1e6 / floor, "MB/s")
            Output.figure(name, "archived", Double(plain.count) / 1e6 / seconds, "MB/s")
            let bytes = try Setting.bytes(in: subfolder)
            Output.figure(
                name, "LZ4 alone, ratio", Double(plain.count) / Double(compressed), "ratio")
            Output.figure(name, "archived, ratio", Double(plain.count) / Double(bytes), "ratio")
            if round == 1 {
                let reading = Stopwatch()
                try compare(captures, archived, subfolder)
                Output.figure(
                    name, "read back and compared", Double(packets) / reading.seconds, "packets/s")
            }
            try FileManager.default.removeItem(atPath: subfolder)
        }
        try single(setting, folder)
    }

    /// Captures of one packet each, that share frames.
    private static func single(_ setting: Setting, _ folder: String) throws {
        let captures = Wire(seed: 9).texts(setting.pick(quick: 2000, full: 40_000)).map { [$0] }
        let archived = try archive(captures, in: folder)
        try compare(captures, archived, folder)
        let plain = try pcapng(captures).count
        Output.figure(
            name, "one packet each, text, ratio",
            Double(plain) / Double(try Setting.bytes(in: folder)), "ratio")
    }

    /// The same packets as a file of them gives them: pieces of its bytes.
    private static func fromFile(
        _ pcapng: [UInt8], _ captures: [[SeenPacket]]
    ) throws -> [[SeenPacket]] {
        var records = try PacketFile.read(bytes: pcapng, file: "bench").records[...]
        return captures.map { capture in
            defer { records.removeFirst(capture.count) }
            let interface = capture.first?.interface ?? ""
            return zip(records, capture).map { record, _ in
                SeenPacket(frame: record.frame, interface: interface, comment: record.comment)
            }
        }
    }

    private static func archive(
        _ captures: [[SeenPacket]], in folder: String
    ) throws -> [ArchivedCapture] {
        let writer = try CaptureWriter(folder: folder, now: { 0 }, index: NothingKnown())
        var archived: [ArchivedCapture] = []
        for (number, capture) in captures.enumerated() {
            try writer.add(capture)
            if number % 64 == 63 { archived += try writer.commit() }
        }
        return try archived + writer.commit()
    }

    private static func compare(
        _ captures: [[SeenPacket]], _ archived: [ArchivedCapture], _ folder: String
    ) throws {
        let reader = CaptureReader(folder: folder)
        for (capture, place) in zip(captures, archived) {
            let read = try reader.packets(of: place)
            guard read.count == capture.count,
                zip(read, capture).allSatisfy({
                    $0.frame == $1.frame && $0.interface == $1.interface
                        && $0.comment == $1.comment
                })
            else { throw BenchError("a capture came back changed") }
        }
        guard captures.count == archived.count else { throw BenchError("captures are missing") }
    }

    private static func pcapng(_ captures: [[SeenPacket]]) throws -> [UInt8] {
        var bytes: [UInt8] = []
        var output = try CaptureOutput(isCompressed: false) { bytes += $0 }
        for packet in captures.joined() {
            try output.add(
                PacketFile.Record(
                    frame: packet.frame, interface: packet.interface, comment: packet.comment))
        }
        try output.end()
        return bytes
    }

    /// What `lz4 -b1` does: level 1, large blocks, no checksum.
    private static func lz4(_ bytes: [UInt8]) throws -> Int {
        var preferences = LZ4F_preferences_t()
        preferences.frameInfo.blockSizeID = LZ4F_max4MB
        let room = LZ4F_compressFrameBound(bytes.count, &preferences)
        var code = 0
        _ = [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
            code = LZ4F_compressFrame(
                buffer.baseAddress, room, bytes, bytes.count, &preferences)
        }
        guard LZ4F_isError(code) == 0 else { throw BenchError("LZ4 failed") }
        return code
    }
}

/// Packets as clusters have them: HTTP and JSON, TLS, bare acknowledgements, DNS, echoes.
private struct Wire {
    private var generator: Random

    private struct Random: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state
        }
    }

    init(seed: UInt64) { generator = Random(state: seed &* 0x9e37_79b9_7f4a_7c15) }

    func captures(count: Int, packets: Int) -> [[SeenPacket]] {
        var wire = self
        return (0..<count).map { number in
            (0..<packets).map { wire.packet(number, $0) }
        }
    }

    func texts(_ count: Int) -> [SeenPacket] {
        var wire = self
        return (0..<count).map { wire.seen(wire.tcp(0x18, wire.text()), $0, 0) }
    }

    private mutating func packet(_ capture: Int, _ number: Int) -> SeenPacket {
        let kind = Int.random(in: 0..<100, using: &generator)
        let frame: [UInt8] =
            switch kind {
            case ..<25: tcp(0x18, text())
            case ..<50: tcp(0x18, noise(80...600))
            case ..<70: tcp(0x10, [])
            case ..<85:
                built(17, .udp(srcPort: 40_000, dstPort: 53)) + noise(12...12)
                    + Array("web.default.svc.cluster.local".utf8)
            default: built(1, .icmp(type: 8, code: 0, id: 77, sequence: UInt16(number))) + (0..<56)
            }
        return seen(frame, capture, number)
    }

    private func seen(_ frame: [UInt8], _ capture: Int, _ number: Int) -> SeenPacket {
        let node = "node-\(capture % 50)"
        return SeenPacket(
            frame: PacketFrame(
                nanoseconds: 1_790_000_000_000_000_000 + Int64(capture * 1000 + number) * 12_345,
                link: .ethernet, bytes: frame[...]),
            interface: "\(node)/default/pod-\(capture % 20)",
            comment: "sweep/17/\(capture) \(node) Forwarding Delivered")
    }

    private mutating func tcp(_ flags: UInt8, _ payload: [UInt8]) -> [UInt8] {
        built(
            6,
            .tcp(
                srcPort: UInt16.random(in: 32_768...60_999, using: &generator), dstPort: 80,
                flags: flags)) + payload
    }

    private mutating func built(
        _ number: UInt8, _ transport: TrafficPacket.Transport
    ) -> [UInt8] {
        func address(_ last: Int) -> IPAddress {
            IPAddress(family: .v4, bits: UInt128(0x0a00_0000 + last))
        }
        return PacketBuilder(
            sourceMAC: [10, 88, 10, 0, 0, 1], destinationMAC: [10, 88, 10, 0, 0, 2],
            source: address(Int.random(in: 1...250, using: &generator)),
            destination: address(Int.random(in: 1...250, using: &generator)), protocol: number,
            ttl: 64, flags: 2, transport: transport
        ).frame()
    }

    private mutating func text() -> [UInt8] {
        let id = Int.random(in: 0..<1_000_000, using: &generator)
        return Array(
            """
            POST /api/v1/orders/\(id) HTTP/1.1\r\nHost: orders.shop.svc.cluster.local\r\n\
            Content-Type: application/json\r\n\r\n{"id":\(id),"state":"paid","items":[{"sku":\
            "\(id % 977)","count":\(id % 9)}],"customer":{"name":"customer-\(id % 5000)"}}
            """.utf8)
    }

    private mutating func noise(_ size: ClosedRange<Int>) -> [UInt8] {
        (0..<Int.random(in: size, using: &generator)).map { _ in
            UInt8.random(in: 0...255, using: &generator)
        }
    }
}

/// No log speaks of the archive that is measured.
private struct NothingKnown: CaptureIndex {
    func promisedEnd(ofFile file: Int64) -> Int64 { 0 }
    func isClosed(_ file: Int64) -> Bool { false }
    func highestFile() -> Int64 { 0 }
}
