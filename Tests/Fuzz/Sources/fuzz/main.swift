import Captures
import Glibc
import Packets
import Traceflow

/// What is fed with made-up bytes, named by FUZZ_TARGET.
enum Target: String, CaseIterable {
    /// Capture files, plain and compressed.
    case files
    /// Frames of each link; the first byte chooses it.
    case packets
    /// The blocks of archived captures.
    case blocks
    /// An archive's file; the first bytes say where in it a capture lies.
    case archive

    func feed(_ bytes: [UInt8]) {
        switch self {
        case .files:
            guard let file = try? PacketFile.read(bytes: bytes, file: "f") else { return }
            for record in file.records { look(record.frame) }
        case .packets:
            guard let first = bytes.first else { return }
            let links = LinkType.allCases
            look(
                PacketFrame(
                    nanoseconds: 0, link: links[Int(first) % links.count],
                    bytes: bytes.dropFirst()))
        case .blocks:
            let interfaces = [UInt32(0): PacketFile.Interface(name: "n/p", link: .ethernet)]
            guard
                let file = try? PacketFile.read(
                    blocks: bytes, file: "f", interfaces: interfaces)
            else { return }
            for record in file.records { look(record.frame) }
        case .archive: readArchive(bytes)
        }
    }

    /// Whatever is decoded can be rewritten, and lies within its frame.
    private func look(_ frame: PacketFrame) {
        guard let packet = TrafficPacket(decoding: frame) else { return }
        let routed = packet.frame(
            after: PacketRewrite(
                source: packet.destination, destination: packet.source, sourcePort: 1,
                destinationPort: 2, hops: 1))
        precondition(routed.bytes.count == packet.frame.bytes.count)
        precondition(packet.headerBytes <= packet.frame.bytes.count)
    }

    private func readArchive(_ bytes: [UInt8]) {
        guard bytes.count > 16 else { return }
        func number(_ place: Int) -> Int64 {
            bytes[place..<place + 4].reduce(Int64(0)) { $0 << 8 | Int64($1) }
        }
        let file = Memory(bytes: Array(bytes.dropFirst(16)))
        let place = ArchivedCapture(
            file: 1, frame: number(0), offset: Int(number(4)), length: number(8),
            packets: Int(bytes[12]), checksum: 0,
            interfaces: [.init(number: 0, name: "n", link: 1)], firstNanoseconds: 0,
            lastNanoseconds: 0)
        let reader = CaptureReader(folder: "/nonexistent") { _ in file }
        _ = try? reader.packets(of: place)
        _ = try? reader.end(of: place)
    }
}

private struct Memory: CaptureBytes {
    let bytes: [UInt8]

    func count() -> Int64 { Int64(bytes.count) }

    func read(from offset: Int64, count: Int) -> [UInt8] {
        guard offset >= 0, offset < Int64(bytes.count), count > 0 else { return [] }
        return Array(bytes[Int(offset)..<min(bytes.count, Int(offset) + count)])
    }
}

let target: Target = {
    let name = getenv("FUZZ_TARGET").map { String(cString: $0) } ?? ""
    guard let target = Target(rawValue: name) else {
        print("FUZZ_TARGET is one of \(Target.allCases.map(\.rawValue).joined(separator: ", "))")
        exit(2)
    }
    return target
}()

@_cdecl("LLVMFuzzerTestOneInput")
func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    target.feed(Array(UnsafeBufferPointer(start: bytes, count: count)))
    return 0
}

@_silgen_name("LLVMFuzzerRunDriver")
func runDriver(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ feed: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

var count = CommandLine.argc
var arguments = CommandLine.unsafeArgv
exit(runDriver(&count, &arguments, testOneInput))
