/// The compressed form of a sealed segment, in the log's folder or another.
///
///     facts ──▶ .plain ──▶ .lz4.new, synced ──▶ .lz4, read back
///     .lz4 ──▶ .plain ──its facts are compared──▶ .db.new, synced, compared ──▶ .db
///
/// What is left of an unfinished way is removed by the next.
struct ArchiveFile {
    let path: String
    /// How much the segment's facts are, and their digest.
    let known: (bytes: Int64, digest: [UInt8])
    let rolling: Rolling
    let storage: Storage
    let archiving: Archiving
    /// Called between two pieces.
    let keep: () throws -> Void
    /// Where it is unpacked; beside itself where nothing else is said.
    var plainPath: String?

    var exists: Bool { storage.exists(path) }
    var bytes: Int64 { storage.size(path) ?? 0 }
    private var plain: PlainSegment {
        PlainSegment(file: plainPath ?? path + ".plain", storage: storage)
    }

    /// The digest of what it expands to.
    func contentDigest() throws -> [UInt8] { try rolling.digest(expanded()) }

    /// Whether it holds the segment's facts, all of them and no others.
    func isGood() throws -> Bool {
        defer { try? plain.remove() }
        return try checkedFacts() != nil
    }

    /// Returns the digest of what it expands to.
    func write(_ segment: Connection) throws -> [UInt8] {
        defer { try? plain.remove() }
        try plain.write(segment)
        guard try plain.facts().digest(rolling) == known else { throw unreadable }
        let content = try source(plain.file)
        let size = storage.size(plain.file) ?? 0
        try fill(path, from: archiving.compress(size, content))
        let digest = try contentDigest()
        guard try digest == rolling.digest(source(plain.file)) else { throw unreadable }
        return digest
    }

    /// Makes the segment's file anew.
    func restore(to file: String) throws {
        defer { try? plain.remove() }
        guard let facts = try checkedFacts() else { throw wrong }
        let unfinished = PlainSegment(
            file: file + SegmentFile.unfinishedEnding, storage: storage)
        do {
            try PlainSegment.rebuild(facts, in: unfinished.file, storage)
            try keep()
            guard try unfinished.facts().digest(rolling) == known else { throw unreadable }
            try RawFile(unfinished.file, storage).sync()
        } catch {
            try? unfinished.remove()
            throw error
        }
        for ending in SegmentFile.sideEndings {
            try storage.remove(file + ending)
            try storage.remove(unfinished.file + ending)
        }
        try storage.rename(unfinished.file, file)
    }

    /// Nil when they are not the segment's.
    private func checkedFacts() throws -> SegmentFacts? {
        try plain.remove()
        do {
            try copy(expanded(), to: plain.file)
            let facts = try plain.facts()
            return try facts.digest(rolling) == known ? facts : nil
        } catch let error as JobLogError where error.code == .damaged {
            return nil
        }
    }

    private func fill(_ file: String, from source: Archiving.Source) throws {
        let unfinished = file + SegmentFile.unfinishedEnding
        try storage.remove(unfinished)
        do {
            try copy(source, to: unfinished)
        } catch {
            try? storage.remove(unfinished)
            throw error
        }
        try storage.rename(unfinished, file)
    }

    private func copy(_ source: Archiving.Source, to file: String) throws {
        let copy = try RawFile(file, storage, create: true)
        var offset: Int64 = 0
        while let piece = try source() {
            try copy.write(piece, at: offset)
            offset += Int64(piece.count)
        }
        try copy.sync()
    }

    private func source(_ file: String) throws -> Archiving.Source {
        let next = try RawFile(file, storage).source()
        return { [keep] in
            try keep()
            return try next()
        }
    }

    /// Never much more than the facts are, however much a forged archive would expand to.
    private func expanded() throws -> Archiving.Source {
        let next = try archiving.expand(source(path))
        var left = 2 * known.bytes + (1 << 20)
        return {
            guard let piece = try next() else { return nil }
            left -= Int64(piece.count)
            guard left >= 0 else { throw wrong }
            return piece
        }
    }

    private var unreadable: JobLogError {
        JobLogError(
            .damaged, "\(path): what was written does not read back",
            remedy: "check the disk; the segment was left as it is")
    }

    private var wrong: JobLogError {
        JobLogError(
            .damaged, "\(path): this is not what was archived",
            remedy: "restore the archive from a copy")
    }
}
