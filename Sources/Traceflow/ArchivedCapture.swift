/// Where a capture lies in the archive: what the log says of it.
public struct ArchivedCapture: Hashable, Sendable {
    /// The number of the file, `000001.pcapng.lz4` and so on.
    public var file: Int64
    /// Where in the file the LZ4 frame begins that holds its first packet.
    public var frame: Int64
    /// Where in what that frame expands to the first packet's block begins.
    public var offset: Int
    /// Bytes of the blocks of its packets, which may go on in the frames behind.
    public var length: Int64
    public var packets: Int
    /// Of the content of all frames it lies in: FNV-1a over their LZ4 content checksums.
    public var checksum: UInt64
    /// The interfaces its blocks name, by their numbers in their section.
    public var interfaces: [Interface]
    /// When the earliest and the latest packet were seen, since 1970-01-01 UTC.
    public var firstNanoseconds: Int64
    public var lastNanoseconds: Int64

    public struct Interface: Hashable, Sendable {
        public var number: UInt32
        public var name: String
        /// Its link-layer type (tcpdump.org/linktypes.html).
        public var link: UInt16

        public init(number: UInt32, name: String, link: UInt16) {
            self.number = number
            self.name = name
            self.link = link
        }
    }

    public init(
        file: Int64, frame: Int64, offset: Int, length: Int64, packets: Int, checksum: UInt64,
        interfaces: [Interface], firstNanoseconds: Int64, lastNanoseconds: Int64
    ) {
        self.file = file
        self.frame = frame
        self.offset = offset
        self.length = length
        self.packets = packets
        self.checksum = checksum
        self.interfaces = interfaces
        self.firstNanoseconds = firstNanoseconds
        self.lastNanoseconds = lastNanoseconds
    }

    /// What the file is called in the archive's folder.
    public var fileName: String { Self.fileName(file) }

    public static let fileEnding = ".pcapng.lz4"

    public static func fileName(_ number: Int64) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 6 - digits.count)) + digits + fileEnding
    }
}
