import CLZ4
import JobLog

/// The LZ4 frame format (lz4 frame specification 1.6), with size and checksum of the content, so
/// that `lz4 -d` reads what is written here and the other way round.
enum LZ4Frame {
    /// Sealed segments are written once and kept for years: the slow, dense form.
    static let level: Int32 = 9
    private static let chunk = 1 << 20

    /// The frame of so many bytes, piece by piece.
    static func compress(
        _ bytes: Int64, _ source: @escaping Archiving.Source
    ) throws -> Archiving.Source {
        let stream = try Compression(bytes)
        return { try stream.next(source) }
    }

    /// What a frame holds, piece by piece.
    static func expand(_ source: @escaping Archiving.Source) throws -> Archiving.Source {
        let stream = try Expansion()
        return { try stream.next(source) }
    }

    private static func check(_ code: Int) throws {
        guard LZ4F_isError(code) == 0 else {
            throw JobLogError(
                .damaged, "LZ4: " + String(cString: LZ4F_getErrorName(code)),
                remedy: "the file is not an intact LZ4 frame")
        }
    }

    /// begun ──▶ pieces ──the source ends──▶ the end mark ──▶ over
    private final class Compression {
        private let context: OpaquePointer
        private var preferences = LZ4F_preferences_t()
        private var hasBegun = false
        private var isOver = false

        init(_ bytes: Int64) throws {
            var context: OpaquePointer?
            try check(LZ4F_createCompressionContext(&context, UInt32(LZ4F_VERSION)))
            guard let context else { throw JobLogError(.failed, "LZ4: out of memory") }
            self.context = context
            preferences.frameInfo.blockSizeID = LZ4F_max4MB
            preferences.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled
            preferences.frameInfo.contentSize = UInt64(clamping: bytes)
            preferences.compressionLevel = LZ4Frame.level
        }

        deinit { LZ4F_freeCompressionContext(context) }

        func next(_ source: Archiving.Source) throws -> [UInt8]? {
            guard !isOver else { return nil }
            if !hasBegun {
                hasBegun = true
                return try filled(Int(LZ4F_HEADER_SIZE_MAX)) {
                    LZ4F_compressBegin(context, $0.baseAddress, $0.count, &preferences)
                }
            }
            guard let piece = try source() else {
                isOver = true
                return try filled(LZ4F_compressBound(0, &preferences)) {
                    LZ4F_compressEnd(context, $0.baseAddress, $0.count, nil)
                }
            }
            return try filled(LZ4F_compressBound(piece.count, &preferences)) { room in
                piece.withUnsafeBytes {
                    LZ4F_compressUpdate(
                        context, room.baseAddress, room.count, $0.baseAddress, $0.count, nil)
                }
            }
        }

        private func filled(
            _ size: Int, _ body: (UnsafeMutableBufferPointer<UInt8>) -> Int
        ) throws -> [UInt8] {
            var code = 0
            let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
                code = body(UnsafeMutableBufferPointer(rebasing: buffer[..<size]))
                count = LZ4F_isError(code) == 0 ? code : 0
            }
            try check(code)
            return bytes
        }
    }

    /// in the frame ──its end and its checksum are read──▶ over
    private final class Expansion {
        private let context: OpaquePointer
        private var input: [UInt8] = []
        private var used = 0
        private var isOver = false

        init() throws {
            var context: OpaquePointer?
            try check(LZ4F_createDecompressionContext(&context, UInt32(LZ4F_VERSION)))
            guard let context else { throw JobLogError(.failed, "LZ4: out of memory") }
            self.context = context
        }

        deinit { LZ4F_freeDecompressionContext(context) }

        func next(_ source: Archiving.Source) throws -> [UInt8]? {
            while !isOver {
                if used == input.count {
                    guard let piece = try source() else {
                        throw JobLogError(
                            .damaged, "LZ4: the frame ends too early",
                            remedy: "the file is not an intact LZ4 frame")
                    }
                    (input, used) = (piece, 0)
                }
                let output = try step()
                if !output.isEmpty { return output }
            }
            return nil
        }

        private func step() throws -> [UInt8] {
            var code = 0
            var read = 0
            let output = [UInt8](unsafeUninitializedCapacity: LZ4Frame.chunk) { buffer, count in
                count = LZ4Frame.chunk
                input.withUnsafeBytes { bytes in
                    read = bytes.count - used
                    code = LZ4F_decompress(
                        context, buffer.baseAddress, &count, bytes.baseAddress.map { $0 + used },
                        &read, nil)
                }
                if LZ4F_isError(code) != 0 { count = 0 }
            }
            try check(code)
            used += read
            if code == 0 { isOver = true }
            return output
        }
    }
}
