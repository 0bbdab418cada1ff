import Traceflow

/// Why a capture file cannot be read, and where.
public struct TrafficFileError: Error, Hashable, Sendable, CustomStringConvertible {
    public var file: String
    public var byteOffset: Int
    public var message: String

    public var description: String { "\(file): byte \(byteOffset): \(message)" }
}

/// The packets of a pcap or pcapng file.
///
/// A malformed file is refused with the byte where it goes wrong; a malformed packet, or one that
/// is not IP, is skipped and counted.
public struct TrafficFile: Sendable {
    public var packets: [TrafficPacket] = []
    public var skipped = 0

    /// A packet may be this long in a file; more is a sign of damage.
    static let packetBytesMax = 1 << 20

    public static func read(
        bytes: [UInt8], file: String
    ) throws(TrafficFileError) -> TrafficFile {
        var input = ByteReader(bytes: bytes, file: file)
        let magic = try input.peek32("a capture file begins with four bytes that say its format")
        switch magic {
        case 0xa1b2_c3d4, 0xd4c3_b2a1, 0xa1b2_3c4d, 0x4d3c_b2a1: return try pcap(&input)
        case 0x0a0d_0d0a: return try pcapng(&input)
        default:
            throw input.error("neither pcap nor pcapng; record it with `tcpdump -w FILE`")
        }
    }

    mutating func take(
        _ frame: ArraySlice<UInt8>, _ link: LinkType?, _ microseconds: Int64
    ) {
        guard let link, let packet = PacketDecoder.packet(frame, link, microseconds) else {
            skipped += 1
            return
        }
        packets.append(packet)
    }
}

/// Link-layer types (tcpdump.org/linktypes.html) that carry IP.
enum LinkType: Sendable {
    case ethernet, rawIP, linuxSLL, linuxSLL2

    init?(_ number: UInt32) {
        switch number {
        case 1: self = .ethernet
        case 12, 14, 101, 228, 229: self = .rawIP
        case 113: self = .linuxSLL
        case 276: self = .linuxSLL2
        default: return nil
        }
    }
}

/// Reads numbers of either byte order from a file, and names the place when it ends early.
struct ByteReader {
    let bytes: [UInt8]
    let file: String
    var offset = 0
    var isBigEndian = false

    init(bytes: [UInt8], file: String) {
        self.bytes = bytes
        self.file = file
    }

    var isAtEnd: Bool { offset >= bytes.count }

    func error(_ message: String, at place: Int? = nil) -> TrafficFileError {
        TrafficFileError(file: file, byteOffset: place ?? offset, message: message)
    }

    func peek32(_ expectation: String) throws(TrafficFileError) -> UInt32 {
        guard bytes.count - offset >= 4 else { throw error("the file ends; \(expectation)") }
        return bytes[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) }
    }

    mutating func u16() throws(TrafficFileError) -> UInt16 {
        let two = try take(2)
        return isBigEndian
            ? two.reduce(0) { $0 << 8 | UInt16($1) }
            : two.reversed().reduce(0) { $0 << 8 | UInt16($1) }
    }

    mutating func u32() throws(TrafficFileError) -> UInt32 {
        let four = try take(4)
        return isBigEndian
            ? four.reduce(0) { $0 << 8 | UInt32($1) }
            : four.reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }

    mutating func take(_ count: Int) throws(TrafficFileError) -> ArraySlice<UInt8> {
        guard count >= 0, bytes.count - offset >= count else {
            throw error("the file ends within a record; it was cut off, record it again")
        }
        defer { offset += count }
        return bytes[offset..<offset + count]
    }
}
