/// Why a capture file cannot be read, and where.
public struct PacketFileError: Error, Hashable, Sendable, CustomStringConvertible {
    public var file: String
    public var byteOffset: Int
    public var message: String

    public var description: String { "\(file): byte \(byteOffset): \(message)" }
}

/// What a pcap or pcapng file holds: frames, in the order of the file. It may be compressed, by
/// gzip or LZ4, once.
///
/// A malformed file is refused with the byte where it goes wrong; packets of links that carry no
/// IP are skipped and counted.
public struct PacketFile: Sendable {
    public struct Record: Hashable, Sendable {
        public var frame: PacketFrame
        /// What the file calls the interface; empty where it does not say.
        public var interface: String
        public var comment: String

        public init(frame: PacketFrame, interface: String = "", comment: String = "") {
            self.frame = frame
            self.interface = interface
            self.comment = comment
        }
    }

    public internal(set) var records: [Record] = []
    public internal(set) var skipped = 0

    /// A packet may be this long in a file; more is a sign of damage.
    static let packetBytesMax = 1 << 20

    public static func read(bytes: [UInt8], file: String) throws(PacketFileError) -> PacketFile {
        if let compression = Compression(of: bytes) {
            let content = try compression.expand(bytes, file: file, limit: contentBytesMax)
            guard Compression(of: content) == nil else {
                throw PacketFileError(
                    file: file, byteOffset: 0,
                    message: "is compressed twice; expand it once before")
            }
            do throws(PacketFileError) {
                return try read(plain: content, file: file)
            } catch {
                var error = error
                error.message += " (counted in what the file expands to)"
                throw error
            }
        }
        return try read(plain: bytes, file: file)
    }

    /// What a compressed file may expand to.
    static let contentBytesMax = 2 << 30

    private static func read(
        plain bytes: [UInt8], file: String
    ) throws(PacketFileError) -> PacketFile {
        var input = ByteReader(bytes: bytes, file: file)
        let magic = try input.peek32("a capture file begins with four bytes that say its format")
        switch magic {
        case 0xa1b2_c3d4, 0xd4c3_b2a1, 0xa1b2_3c4d, 0x4d3c_b2a1: return try pcap(&input)
        case 0x0a0d_0d0a: return try pcapng(&input)
        default:
            throw input.error("neither pcap nor pcapng; record it with `tcpdump -w FILE`")
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

    func error(_ message: String, at place: Int? = nil) -> PacketFileError {
        PacketFileError(file: file, byteOffset: place ?? offset, message: message)
    }

    func peek32(_ expectation: String) throws(PacketFileError) -> UInt32 {
        guard bytes.count - offset >= 4 else { throw error("the file ends; \(expectation)") }
        return bytes[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) }
    }

    mutating func u16() throws(PacketFileError) -> UInt16 {
        let place = try skip(2)
        let value = bytes.withUnsafeBytes {
            $0.loadUnaligned(fromByteOffset: place, as: UInt16.self)
        }
        return isBigEndian ? UInt16(bigEndian: value) : UInt16(littleEndian: value)
    }

    mutating func u32() throws(PacketFileError) -> UInt32 {
        let place = try skip(4)
        let value = bytes.withUnsafeBytes {
            $0.loadUnaligned(fromByteOffset: place, as: UInt32.self)
        }
        return isBigEndian ? UInt32(bigEndian: value) : UInt32(littleEndian: value)
    }

    mutating func take(_ count: Int) throws(PacketFileError) -> ArraySlice<UInt8> {
        let place = try skip(count)
        return bytes[place..<place + count]
    }

    private mutating func skip(_ count: Int) throws(PacketFileError) -> Int {
        guard count >= 0, bytes.count - offset >= count else {
            throw error("the file ends within a record; it was cut off, record it again")
        }
        defer { offset += count }
        return offset
    }
}
