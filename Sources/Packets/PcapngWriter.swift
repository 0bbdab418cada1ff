/// Writes the blocks of a pcapng section (draft-ietf-opsawg-pcapng), little-endian, with
/// timestamps in nanoseconds.
public struct PcapngWriter: Sendable {
    /// Room, of which the first `count` bytes were written.
    private var room: [UInt8] = []
    public private(set) var count = 0

    /// A comment is cut to this many bytes of UTF-8.
    public static let commentBytesMax = 4096
    private static let nameBytesMax = 1024

    public init() {}

    /// What was written and not taken yet.
    public var bytes: [UInt8] { Array(room[..<count]) }

    /// Lends what was written.
    public func withBytes<T>(_ body: (UnsafeRawBufferPointer) throws -> T) rethrows -> T {
        try room.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
    }

    /// Makes room for so many bytes more.
    public mutating func reserve(_ more: Int) {
        guard room.count - count < more else { return }
        room += [UInt8](repeating: 0, count: max(more, room.count))
    }

    /// Begins anew, with the room it had.
    public mutating func removeAll() { count = 0 }

    /// A section header block: numbers of interfaces begin at 0 again.
    public mutating func section(application: String) {
        let start = begin(0x0a0d_0d0a)
        append(u32: 0x1a2b_3c4d)
        // Version 1.0, and a section of any length.
        append(u32: 1)
        append(u32: .max)
        append(u32: .max)
        option(4, application.utf8)
        endOptions()
        end(start)
    }

    /// An interface description block; `name` is what tools show for it.
    public mutating func interface(name: String, link: LinkType, snaplen: Int) {
        let start = begin(1)
        append(u32: UInt32(link.rawValue))
        append(u32: UInt32(clamping: snaplen))
        option(2, name.utf8.prefix(Self.nameBytesMax))
        option(9, CollectionOfOne(9))
        endOptions()
        end(start)
    }

    /// An enhanced packet block.
    ///
    /// Written for speed: archiving packets is this and compressing, and little else.
    public mutating func packet(interface: UInt32, _ frame: PacketFrame, comment: String = "") {
        var comment = comment
        comment.withUTF8 { comment in
            let said = UnsafeRawBufferPointer(
                rebasing: UnsafeRawBufferPointer(comment).prefix(Self.commentBytesMax))
            let kept = frame.bytes.count
            let options = said.isEmpty ? 0 : 4 + Self.padded(said.count) + 4
            let length = 28 + Self.padded(kept) + options + 4
            reserve(length)
            let time = UInt64(bitPattern: frame.nanoseconds)
            room.withUnsafeMutableBytes { room in
                var pen = Pen(UnsafeMutableRawBufferPointer(rebasing: room[count...]))
                pen.u32(6)
                pen.u32(UInt32(truncatingIfNeeded: length))
                pen.u32(interface)
                pen.u32(UInt32(time >> 32))
                pen.u32(UInt32(truncatingIfNeeded: time))
                pen.u32(UInt32(truncatingIfNeeded: kept))
                pen.u32(UInt32(clamping: frame.originalLength))
                frame.bytes.withUnsafeBytes { pen.padded($0) }
                if !said.isEmpty {
                    pen.u32(1 | UInt32(truncatingIfNeeded: said.count) << 16)
                    pen.padded(said)
                    pen.u32(0)
                }
                pen.u32(UInt32(truncatingIfNeeded: length))
            }
            count += length
        }
    }

    /// Writes into room that is there.
    private struct Pen {
        let room: UnsafeMutableRawBufferPointer
        var place = 0

        init(_ room: UnsafeMutableRawBufferPointer) { self.room = room }

        mutating func u32(_ value: UInt32) {
            room.storeBytes(of: value.littleEndian, toByteOffset: place, as: UInt32.self)
            place += 4
        }

        /// The bytes, and zeros up to the next multiple of four.
        mutating func padded(_ bytes: UnsafeRawBufferPointer) {
            guard !bytes.isEmpty else { return }
            let end = place + PcapngWriter.padded(bytes.count)
            room.storeBytes(of: 0, toByteOffset: end - 4, as: UInt32.self)
            UnsafeMutableRawBufferPointer(rebasing: room[place...]).copyMemory(from: bytes)
            place = end
        }
    }

    fileprivate static func padded(_ count: Int) -> Int { (count + 3) & ~3 }

    private mutating func begin(_ type: UInt32) -> Int {
        let start = count
        append(u32: type)
        append(u32: 0)
        return start
    }

    private mutating func end(_ start: Int) {
        let length = UInt32(count - start + 4)
        append(u32: length)
        room.withUnsafeMutableBytes {
            $0.storeBytes(of: length.littleEndian, toByteOffset: start + 4, as: UInt32.self)
        }
    }

    private mutating func option(_ code: UInt16, _ value: some Collection<UInt8>) {
        guard !value.isEmpty else { return }
        append(u32: UInt32(code) | UInt32(UInt16(clamping: value.count)) << 16)
        append(value)
        append(repeatElement(0, count: Self.padded(value.count) - value.count))
    }

    private mutating func endOptions() { append(u32: 0) }

    private mutating func append(u32 value: UInt32) {
        withUnsafeBytes(of: value.littleEndian) { append($0) }
    }

    private mutating func append(_ bytes: some Collection<UInt8>) {
        reserve(bytes.count)
        room.replaceSubrange(count..<count + bytes.count, with: bytes)
        count += bytes.count
    }
}
