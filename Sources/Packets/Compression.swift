import CLZ4
import CZlib

/// How a capture file is compressed from the outside, told by its first bytes.
enum Compression: Hashable {
    /// RFC 1952: one member or several.
    case gzip
    /// LZ4 frame format 1.6: one frame or several, and those that are to be skipped.
    case lz4

    init?(of bytes: [UInt8]) {
        if bytes.starts(with: [0x1f, 0x8b]) {
            self = .gzip
        } else if bytes.starts(with: [0x04, 0x22, 0x4d, 0x18])
            || (bytes.count > 3 && bytes[0] & 0xf0 == 0x50 && bytes[1...3] == [0x2a, 0x4d, 0x18])
        {
            self = .lz4
        } else {
            return nil
        }
    }

    private static let chunkBytes = 1 << 20

    /// All of the content. Refuses what is damaged or cut off, with the byte of the compressed file
    /// that was reached, and what expands to more than the limit.
    func expand(_ bytes: [UInt8], file: String, limit: Int) throws(PacketFileError) -> [UInt8] {
        var content: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: Self.chunkBytes)
        let reached: (at: Int, fault: String?)
        switch self {
        case .gzip:
            reached = Self.inflate(bytes, &chunk) { content.append(contentsOf: $0, limit) }
        case .lz4:
            reached = Self.expandLZ4(bytes, &chunk) { content.append(contentsOf: $0, limit) }
        }
        if let fault = reached.fault {
            throw PacketFileError(
                file: file, byteOffset: min(reached.at, bytes.count), message: fault)
        }
        return content
    }

    private static let cut = "the compressed file ends too early; it was cut off, fetch it again"
    private static let tooLarge = "the file expands to more than may be read; take a part of it"

    /// `take` tells whether there is room for more.
    private static func inflate(
        _ bytes: [UInt8], _ chunk: inout [UInt8], _ take: (ArraySlice<UInt8>) -> Bool
    ) -> (at: Int, fault: String?) {
        var stream = z_stream()
        guard czlib_begin(&stream) == Z_OK else { return (0, "zlib: out of memory") }
        defer { inflateEnd(&stream) }
        return bytes.withUnsafeBufferPointer { source in
            var read = 0
            while true {
                // Its counts are of 32 bits.
                let offered = min(source.count - read, 1 << 30)
                stream.next_in = UnsafeMutablePointer(
                    mutating: source.baseAddress.map { $0 + read })
                stream.avail_in = UInt32(offered)
                let (code, made) = chunk.withUnsafeMutableBufferPointer { room in
                    stream.next_out = room.baseAddress
                    stream.avail_out = UInt32(room.count)
                    let code = CZlib.inflate(&stream, Z_NO_FLUSH)
                    return (code, room.count - Int(stream.avail_out))
                }
                read += offered - Int(stream.avail_in)
                guard take(chunk[..<made]) else { return (read, tooLarge) }
                switch code {
                case Z_STREAM_END:
                    let rest = source[read...]
                    // Padding of tapes and disks.
                    if rest.allSatisfy({ $0 == 0 }) { return (read, nil) }
                    guard rest.starts(with: [0x1f, 0x8b]), inflateReset(&stream) == Z_OK else {
                        return (read, "what follows the compressed content is not compressed")
                    }
                case Z_OK: break
                case Z_BUF_ERROR where read == source.count: return (read, cut)
                default:
                    let why = stream.msg.map { String(cString: $0) } ?? "code \(code)"
                    return (read, "gzip: \(why); the file is damaged, fetch it again")
                }
            }
        }
    }

    private static func expandLZ4(
        _ bytes: [UInt8], _ chunk: inout [UInt8], _ take: (ArraySlice<UInt8>) -> Bool
    ) -> (at: Int, fault: String?) {
        var context: OpaquePointer?
        guard LZ4F_isError(LZ4F_createDecompressionContext(&context, UInt32(LZ4F_VERSION))) == 0,
            let context
        else { return (0, "LZ4: out of memory") }
        defer { LZ4F_freeDecompressionContext(context) }
        return bytes.withUnsafeBytes { source in
            var (read, isBetween) = (0, true)
            while read < source.count || !isBetween {
                var used = source.count - read
                var made = chunk.count
                let code = chunk.withUnsafeMutableBytes { room in
                    LZ4F_decompress(
                        context, room.baseAddress, &made, source.baseAddress.map { $0 + read },
                        &used, nil)
                }
                guard LZ4F_isError(code) == 0 else {
                    let why = String(cString: LZ4F_getErrorName(code))
                    return (read, "LZ4: \(why); the file is damaged, fetch it again")
                }
                read += used
                guard take(chunk[..<made]) else { return (read, tooLarge) }
                isBetween = code == 0
                if used == 0, made == 0, !isBetween { return (read, cut) }
            }
            return (read, nil)
        }
    }
}

extension [UInt8] {
    /// Appends as long as there are no more than the limit; tells whether there was room.
    fileprivate mutating func append(contentsOf more: ArraySlice<UInt8>, _ limit: Int) -> Bool {
        guard more.count <= limit - count else { return false }
        self += more
        return true
    }
}
