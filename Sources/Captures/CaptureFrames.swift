import CLZ4

/// LZ4 frames as archive files hold them: independent, of some 64 KiB of content each, with the
/// content's size and checksum (LZ4 frame format 1.6), so that `lz4 -dc` reads the whole file.
///
/// A file begins with a skippable frame of 8 bytes: the seconds since 1970 at which it was begun.
public enum CaptureFrames {
    /// What a frame holds at most, but for a single block that is longer.
    public static let contentBytes = 1 << 16
    private static let magic: UInt32 = 0x184d_2204
    /// Magic, flags, block size, content size, header checksum.
    static let headerBytes = 15
    /// No more is believed of a frame, whatever its header says.
    static let contentBytesMax = 1 << 21

    static func fileHeader(beganSeconds: Int64) -> [UInt8] {
        let words: [UInt32] = [
            skippable, 8, UInt32(truncatingIfNeeded: beganSeconds),
            UInt32(truncatingIfNeeded: beganSeconds >> 32),
        ]
        return words.flatMap { word in withUnsafeBytes(of: word.littleEndian) { Array($0) } }
    }

    /// When a file was begun, from its first 16 bytes; nil where these are no header.
    static func beganSeconds(_ header: [UInt8]) -> Int64? {
        guard header.count >= fileHeaderBytes else { return nil }
        return header.withUnsafeBytes { bytes in
            let words = (0..<4).map {
                UInt32(
                    littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self))
            }
            guard words[0] == skippable, words[1] == 8 else { return nil }
            return Int64(words[2]) | Int64(bitPattern: UInt64(words[3]) << 32)
        }
    }

    static let fileHeaderBytes = 16
    private static let skippable: UInt32 = 0x184d_2a54

    /// Carries the content checksum of one frame into that of several.
    public static func checksum(_ sum: UInt64, with frame: UInt32) -> UInt64 {
        (sum ^ UInt64(frame)) &* 0x0000_0100_0000_01b3
    }

    /// Of no frame yet.
    public static let noChecksum: UInt64 = 0xcbf2_9ce4_8422_2325

    /// Where a frame ends and what its header says, read from its bytes.
    struct Extent: Hashable {
        /// Bytes in the file.
        var bytes: Int
        /// Bytes of content.
        var content: Int
        var checksum: UInt32
    }

    /// Nil where the bytes do not begin with a whole frame as they are written here.
    static func extent(of bytes: UnsafeRawBufferPointer) -> Extent? {
        func word(_ place: Int) -> UInt32 {
            UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt32.self))
        }
        // Version 1, independent blocks, content size and checksum, no dictionary; 64 KiB blocks.
        guard bytes.count >= headerBytes, word(0) == magic, bytes[4] == 0x6c, bytes[5] == 0x40
        else {
            return nil
        }
        let content = UInt64(
            littleEndian: bytes.loadUnaligned(fromByteOffset: 6, as: UInt64.self))
        guard content <= UInt64(contentBytesMax) else { return nil }
        var place = headerBytes
        while place + 4 <= bytes.count {
            let size = Int(word(place) & 0x7fff_ffff)
            let isEnd = word(place) == 0
            place += 4
            if isEnd {
                guard place + 4 <= bytes.count else { return nil }
                return Extent(bytes: place + 4, content: Int(content), checksum: word(place))
            }
            guard size <= contentBytes, size <= bytes.count - place else { return nil }
            place += size
        }
        return nil
    }

    /// How long a frame may be in a file.
    static let frameBytesMax = contentBytesMax + (contentBytesMax / contentBytes + 2) * 4 + 32
}

/// Makes frames, one after the other, with one context.
final class FrameCompressor {
    private let context: OpaquePointer
    private var preferences = LZ4F_preferences_t()
    private var room: [UInt8] = []

    init() throws(CaptureError) {
        var context: OpaquePointer?
        guard LZ4F_isError(LZ4F_createCompressionContext(&context, UInt32(LZ4F_VERSION))) == 0,
            let context
        else { throw CaptureError(.failed, "LZ4: out of memory", remedy: "") }
        self.context = context
        preferences.frameInfo.blockSizeID = LZ4F_max64KB
        preferences.frameInfo.blockMode = LZ4F_blockIndependent
        preferences.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled
        preferences.autoFlush = 1
    }

    deinit { LZ4F_freeCompressionContext(context) }

    /// Hands over the frame of the content, whose bytes are lent; returns what the body made of it,
    /// and the content's checksum.
    func frame<T>(
        of content: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) throws -> T
    ) throws -> (made: T, checksum: UInt32) {
        preferences.frameInfo.contentSize = UInt64(content.count)
        let needed = Int(LZ4F_HEADER_SIZE_MAX) + LZ4F_compressBound(content.count, &preferences)
        if room.count < needed { room = [UInt8](repeating: 0, count: needed) }
        return try room.withUnsafeMutableBytes { room in
            var filled = 0
            func step(_ body: (UnsafeMutableRawPointer?, Int) -> Int) throws {
                let code = body(room.baseAddress.map { $0 + filled }, room.count - filled)
                guard LZ4F_isError(code) == 0 else {
                    throw CaptureError(
                        .failed, "LZ4: " + String(cString: LZ4F_getErrorName(code)), remedy: "")
                }
                filled += code
            }
            try step { LZ4F_compressBegin(context, $0, $1, &preferences) }
            try step {
                LZ4F_compressUpdate(context, $0, $1, content.baseAddress, content.count, nil)
            }
            try step { LZ4F_compressEnd(context, $0, $1, nil) }
            let checksum = room.loadUnaligned(fromByteOffset: filled - 4, as: UInt32.self)
            let made = try body(UnsafeRawBufferPointer(rebasing: room[..<filled]))
            return (made, UInt32(littleEndian: checksum))
        }
    }
}

/// Expands frames, one after the other, with one context.
final class FrameExpander {
    private let context: OpaquePointer

    init() throws(CaptureError) {
        var context: OpaquePointer?
        guard LZ4F_isError(LZ4F_createDecompressionContext(&context, UInt32(LZ4F_VERSION))) == 0,
            let context
        else { throw CaptureError(.failed, "LZ4: out of memory", remedy: "") }
        self.context = context
    }

    deinit { LZ4F_freeDecompressionContext(context) }

    /// The content of one whole frame; nil when its checksum is another or it is none.
    func content(_ frame: UnsafeRawBufferPointer, _ extent: CaptureFrames.Extent) -> [UInt8]? {
        LZ4F_resetDecompressionContext(context)
        var isWhole = false
        let content = [UInt8](unsafeUninitializedCapacity: extent.content + 1) { buffer, filled in
            var read = 0
            while read < extent.bytes {
                var source = extent.bytes - read
                var room = extent.content + 1 - filled
                let code = LZ4F_decompress(
                    context, buffer.baseAddress.map { $0 + filled }, &room,
                    frame.baseAddress.map { $0 + read }, &source, nil)
                guard LZ4F_isError(code) == 0, source > 0 || room > 0 else { return }
                read += source
                filled += room
                if code == 0 { break }
            }
            isWhole = read == extent.bytes && filled == extent.content
        }
        return isWhole ? content : nil
    }
}
