import Glibc

/// Content against content.
enum ContentComparison {
    private struct Different: Error {}

    /// Reads what is in the store until it differs.
    static func isSame(
        _ local: LocalFile, _ there: RemoteFile, in store: any RemoteStore, _ watch: TransferWatch
    ) throws -> Bool {
        guard local.bytes == there.bytes else { return false }
        var quiet = watch
        quiet.progress = { _, _ in }
        return try startsWith(local, bytes: local.bytes) { sink in
            try store.read(there.name, from: 0, count: there.bytes, quiet, into: sink)
        }
    }

    /// Whether what is read are the local file's bytes from one to another.
    static func startsWith(
        _ local: LocalFile, from start: Int64 = 0, bytes: Int64,
        reading: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) throws -> Bool {
        var offset = start
        var own: [UInt8] = []
        do {
            try reading { chunk in
                if own.count < chunk.count { own = [UInt8](repeating: 0, count: chunk.count) }
                let isSame = try own.withUnsafeMutableBytes { buffer in
                    let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<chunk.count])
                    guard let mine = part.baseAddress, let theirs = chunk.baseAddress,
                        try local.read(into: part, from: offset) == chunk.count
                    else { return chunk.isEmpty }
                    return memcmp(mine, theirs, chunk.count) == 0
                }
                guard isSame else { throw Different() }
                offset += Int64(chunk.count)
            }
        } catch is Different {
            return false
        }
        return offset == bytes
    }

    static func conflict(_ location: RemoteLocation, _ there: RemoteFile) -> RemoteError {
        RemoteError(
            .conflict,
            "\(location.place(of: there.name)) has other content, of \(there.bytes) bytes",
            remedy: "archive to another place, or remove it there")
    }
}

/// Bytes that are asked for.
struct RemoteRange {
    /// The file, for errors.
    let place: String
    private let offset: Int64
    private let count: Int64

    init(
        _ location: RemoteLocation, _ name: String, offset: Int64, count: Int64
    ) throws(RemoteError) {
        place = location.place(of: name)
        self.offset = offset
        self.count = count
        guard offset >= 0, count >= 0, !offset.addingReportingOverflow(count).overflow else {
            throw outside(of: nil)
        }
    }

    func outside(of bytes: Int64?) -> RemoteError {
        let has = bytes.map { ", which has \($0)" } ?? ""
        return RemoteError(
            .outsideRange, "\(count) bytes from byte \(offset) on do not lie within \(place)\(has)")
    }

    /// That an answer ends where it was asked to, by its `bytes 0-9/100`: a server that gives other
    /// bytes, or all, is found before any is used.
    func check(_ contentRange: String?, done: Int64) throws(RemoteError) {
        let words = contentRange?.split(whereSeparator: { " -/".contains($0) }) ?? []
        guard words.count == 4, words[0] == "bytes", let first = Int64(words[1]),
            let last = Int64(words[2]), first == offset + done
        else {
            throw RemoteError(.malformedAnswer, "\(place): the server gave another range")
        }
        guard last == offset + count - 1 else { throw outside(of: Int64(words[3])) }
    }
}

extension RemoteLocation {
    func place(of name: String) -> String {
        let text = description
        return text.hasSuffix("/") ? text + name : "\(text)/\(name)"
    }
}
