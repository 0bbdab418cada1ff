/// Writes the blocks of a pcapng section (draft-ietf-opsawg-pcapng), little-endian, with
/// timestamps in nanoseconds.
public struct PcapngWriter: Sendable {
    /// What was written and not taken yet.
    public private(set) var bytes: [UInt8] = []

    /// A comment is cut to this many bytes of UTF-8.
    public static let commentBytesMax = 4096
    private static let nameBytesMax = 1024

    public init() {}

    public var count: Int { bytes.count }

    public mutating func reserve(_ count: Int) { bytes.reserveCapacity(count) }

    /// Gives what was written and begins anew, with the room it had.
    public mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

    /// A section header block: numbers of interfaces begin at 0 again.
    public mutating func section(application: String) {
        let start = begin(0x0a0d_0d0a)
        u32(0x1a2b_3c4d)
        u16(1)
        u16(0)
        u64(.max)
        option(4, application.utf8)
        endOptions()
        end(start)
    }

    /// An interface description block; `name` is what tools show for it.
    public mutating func interface(name: String, link: LinkType, snaplen: Int) {
        let start = begin(1)
        u16(link.rawValue)
        u16(0)
        u32(UInt32(clamping: snaplen))
        option(2, name.utf8.prefix(Self.nameBytesMax))
        option(9, CollectionOfOne(9))
        endOptions()
        end(start)
    }

    /// An enhanced packet block.
    public mutating func packet(interface: UInt32, _ frame: PacketFrame, comment: String = "") {
        let start = begin(6)
        let time = UInt64(bitPattern: frame.nanoseconds)
        u32(interface)
        u32(UInt32(time >> 32))
        u32(UInt32(truncatingIfNeeded: time))
        u32(UInt32(clamping: frame.bytes.count))
        u32(UInt32(clamping: frame.originalLength))
        bytes += frame.bytes
        pad()
        if !comment.isEmpty {
            option(1, comment.utf8.prefix(Self.commentBytesMax))
            endOptions()
        }
        end(start)
    }

    private mutating func begin(_ type: UInt32) -> Int {
        let start = bytes.count
        u32(type)
        u32(0)
        return start
    }

    private mutating func end(_ start: Int) {
        let length = UInt32(bytes.count - start + 4)
        u32(length)
        withUnsafeBytes(of: length.littleEndian) { length in
            for place in 0..<4 { bytes[start + 4 + place] = length[place] }
        }
    }

    private mutating func option(_ code: UInt16, _ value: some Collection<UInt8>) {
        guard !value.isEmpty else { return }
        u16(code)
        u16(UInt16(clamping: value.count))
        bytes += value
        pad()
    }

    private mutating func endOptions() { u32(0) }

    private mutating func pad() {
        while bytes.count % 4 != 0 { bytes.append(0) }
    }

    private mutating func u16(_ value: UInt16) {
        withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
    }

    private mutating func u32(_ value: UInt32) {
        withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
    }

    private mutating func u64(_ value: UInt64) {
        withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
    }
}
