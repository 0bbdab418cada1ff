/// The compressed form of a sealed segment, in the log's folder or another.
///
/// Written under an unfinished name, synced, renamed, and read back.
struct ArchiveFile {
    let path: String
    /// The segment's file as it was when it was sealed.
    let known: (bytes: Int64, digest: [UInt8])
    let options: JobLog.Options
    let archiving: Archiving
    /// Called between two pieces.
    let keep: () throws -> Void

    var exists: Bool { options.storage.exists(path) }
    var bytes: Int64 { options.storage.size(path) ?? 0 }

    /// Whether it holds the segment's bytes, all of them and no others.
    func isGood() throws -> Bool {
        guard let rolling = options.rolling else { return false }
        do {
            return try rolling.digest(expanded()) == known.digest
        } catch let error as JobLogError where error.code == .damaged {
            return false
        }
    }

    func write(from file: String) throws {
        try fill(path, from: archiving.compress(known.bytes, source(file)))
        guard try isGood() else {
            throw JobLogError(
                .damaged, "\(path): what was written does not read back",
                remedy: "check the disk; the segment was left as it is")
        }
    }

    /// Makes the segment's file anew.
    func restore(to file: String) throws {
        guard try isGood() else { throw wrong }
        for ending in SegmentFile.sideEndings { try options.storage.remove(file + ending) }
        try fill(file, from: expanded())
    }

    private func fill(_ file: String, from source: Archiving.Source) throws {
        let unfinished = file + SegmentFile.unfinishedEnding
        try options.storage.remove(unfinished)
        do {
            let copy = try RawFile(unfinished, options.storage, create: true)
            var offset: Int64 = 0
            while let piece = try source() {
                try copy.write(piece, at: offset)
                offset += Int64(piece.count)
            }
            try copy.sync()
        } catch {
            try? options.storage.remove(unfinished)
            throw error
        }
        try options.storage.rename(unfinished, file)
    }

    private func source(_ file: String) throws -> Archiving.Source {
        let file = try RawFile(file, options.storage)
        let next = try file.source()
        return { [keep] in
            try keep()
            return try next()
        }
    }

    /// Never more than the segment had, however much a forged archive would expand to.
    private func expanded() throws -> Archiving.Source {
        let next = try archiving.expand(source(path))
        var left = known.bytes
        return {
            guard let piece = try next() else { return nil }
            left -= Int64(piece.count)
            guard left >= 0 else { throw wrong }
            return piece
        }
    }

    private var wrong: JobLogError {
        JobLogError(
            .damaged, "\(path): this is not what was archived",
            remedy: "restore the archive from a copy")
    }
}
