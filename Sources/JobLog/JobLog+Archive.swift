/// Sealed segments are compressed, brought back and dropped whole.
///
///     sealed ──▶ .lz4.new is filled ──▶ .lz4, read back and compared ──event──▶ .db is removed
///     archived ──▶ .db.new is filled, compared ──▶ .db ──event──▶ .lz4 is removed ──▶ sealed
///     sealed or archived ──event──▶ the files are removed ──▶ dropped
///
/// Invariants: a file is removed only when the log says so durably, and, unless the segment is
/// dropped, when another that was read back holds the same facts. A crash leaves both files or
/// none too few; the same command again goes on from there. One process does it at a time, under
/// a lease.
extension JobLog {
    /// The streams that began in the segment; nil when none did.
    ///
    /// Throws `refused` when there is no such segment, or it is the open one.
    public func streams(beganIn segment: Int64) throws(JobLogError) -> ClosedRange<Int64>? {
        let entry = try readingAll { try sealedEntry(segment, $0) }
        return entry.base.stream < entry.end.stream
            ? entry.base.stream + 1...entry.end.stream : nil
    }

    /// The first of the streams that has events in the segment; nil when none has, or the segment
    /// is not here.
    public func firstStream(
        of ranges: [ClosedRange<Int64>], in segment: Int64
    ) throws(JobLogError) -> Int64? {
        try readingAll { reader in
            let entry = try sealedEntry(segment, reader)
            guard let connection = try reader.segment(entry)?.connection else { return nil }
            for range in ranges where range.lowerBound <= entry.end.stream {
                let found = try connection.number(
                    "select stream from event where stream between ? and ? limit 1",
                    .number(range.lowerBound), .number(range.upperBound))
                if let found { return found }
            }
            return nil
        }
    }

    /// Compresses a sealed segment, into the folder if one is given, and removes the original.
    ///
    /// Takes as much room as the segment for a while, where the archive goes. Throws `refused`
    /// when somebody else is at it; the segment stays as it was.
    @discardableResult
    public func archive(
        _ segment: Int64, to target: String? = nil, as holder: String, _ archiving: Archiving
    ) throws -> ArchivedSegment {
        try keepingSegments(holder) { keeper in
            _ = try readingAll { try sealedEntry(segment, $0) }
            let file = SegmentFile.path(segment, in: folder)
            guard options.storage.exists(file) else { throw absent(segment) }
            let rolling = try rolling()
            guard let known = try digest(noting: segment, rolling) else { throw absent(segment) }
            if let target { try options.storage.makeFolder(target) }
            let sealed = try SegmentFile.openSealed(file, options.storage)
            let archive = try archiveFile(
                segment, in: target ?? folder, known, archiving, keeper.keep)
            let content: [UInt8]
            if try archive.exists && archive.isGood() {
                content = try archive.contentDigest()
            } else {
                guard target == nil || !archive.exists else {
                    throw JobLogError(
                        .refused, "\(archive.path): another file is there already",
                        remedy: "choose another folder with --to")
                }
                content = try archive.write(sealed)
            }
            let facts = ArchivedSegment(
                segment: segment, bytes: try sealed.pageBytes(), archivedBytes: archive.bytes,
                digest: content, folder: target ?? "")
            try keeper.record(try archiving.archived(facts))
            try keeper.act { try removeFiles(of: segment, archiveToo: target != nil) }
            return facts
        }
    }

    private func rolling() throws(JobLogError) -> Rolling {
        if let rolling = options.rolling { return rolling }
        throw JobLogError(.refused, "\(folder): this log is not opened to be rolled")
    }

    private func archiveFile(
        _ segment: Int64, in folder: String, _ known: (bytes: Int64, digest: [UInt8]),
        _ archiving: Archiving, _ keep: @escaping () throws -> Void
    ) throws -> ArchiveFile {
        ArchiveFile(
            path: SegmentFile.archive(segment, in: folder), known: known, rolling: try rolling(),
            storage: options.storage, archiving: archiving, keep: keep)
    }

    /// Brings an archived segment back, from the folder if one is given.
    public func restore(
        _ segment: Int64, from source: String? = nil, as holder: String, _ archiving: Archiving
    ) throws {
        try keepingSegments(holder) { keeper in
            _ = try readingAll { try sealedEntry(segment, $0) }
            let file = SegmentFile.path(segment, in: folder)
            let storage = options.storage
            guard let known = try digest(of: segment) else {
                throw JobLogError(.refused, "\(file): this segment was never archived")
            }
            if storage.exists(file) {
                guard storage.exists(file + SegmentFile.archiveEnding) else {
                    throw JobLogError(.refused, "\(file): this segment is not archived")
                }
            } else {
                let archive = try archiveFile(
                    segment, in: source ?? folder, known, archiving, keeper.keep)
                guard archive.exists else {
                    throw JobLogError(
                        .refused, "\(archive.path): there is no such archive",
                        remedy: "name the folder it is in with --from")
                }
                try archive.restore(to: file)
            }
            try keeper.record(try archiving.restored(segment))
            try keeper.act { try storage.remove(file + SegmentFile.archiveEnding) }
        }
    }

    /// Makes the segment's file anew somewhere else, from its archive; the log stays as it is.
    public func expand(
        _ segment: Int64, from source: String? = nil, to file: String, _ archiving: Archiving
    ) throws {
        let path = SegmentFile.path(segment, in: folder)
        guard let known = try digest(of: segment) else {
            throw JobLogError(.refused, "\(path): this segment was never archived")
        }
        var archive = try archiveFile(segment, in: source ?? folder, known, archiving, {})
        // Who holds the archive may be at it too, and its folder need not be ours to write to.
        archive.plainPath = file + ".plain"
        guard archive.exists else {
            throw JobLogError(
                .refused, "\(archive.path): there is no such archive",
                remedy: "bring it back to where it was put")
        }
        try archive.restore(to: file)
    }

    /// Removes a sealed or archived segment for good, and lets go of the names of streams that
    /// began in it. A copy in another folder stays.
    public func drop(
        _ segment: Int64, as holder: String, _ archiving: Archiving
    ) throws {
        try keepingSegments(holder) { keeper in
            _ = try readingAll { try sealedEntry(segment, $0) }
            let streams = try streams(beganIn: segment)
            try keeper.record(try archiving.dropped(segment)) {
                // Asked within the transaction: a name may have gone to another stream.
                try streams.map { try self.names(of: $0) } ?? []
            }
            try keeper.act { try removeFiles(of: segment, archiveToo: true) }
        }
    }

    /// Whether the archive in the log's folder expands to what has the digest.
    public func verifyArchive(
        _ segment: Int64, _ digest: [UInt8], _ archiving: Archiving
    ) throws -> Bool {
        guard let known = try self.digest(of: segment) else { return false }
        do {
            let archive = try archiveFile(segment, in: folder, known, archiving, {})
            return try archive.contentDigest() == digest
        } catch let error as JobLogError where error.code == .damaged {
            return false
        }
    }

    // MARK: what is kept apart

    /// The entry of a segment that has a successor.
    private func sealedEntry(
        _ number: Int64, _ reader: SegmentReader
    ) throws -> EarlierSegments.Entry {
        try reader.moveOn()
        guard let entry = try reader.earlierEntries().first(where: { $0.number == number }) else {
            let file = SegmentFile.path(number, in: folder)
            throw number == reader.newest.number
                ? JobLogError(.refused, "\(file): this segment is open; only sealed ones are moved")
                : JobLogError(
                    .refused, "\(file): the log has no such segment",
                    remedy: "`tracectl log info` lists them")
        }
        return entry
    }

    private func absent(_ segment: Int64) -> JobLogError {
        let file = SegmentFile.path(segment, in: folder)
        return options.storage.exists(file + SegmentFile.archiveEnding)
            ? JobLogError(.refused, "\(file): this segment is archived already")
            : JobLogError(.refused, "\(file): this segment is not here: it was moved or dropped")
    }

    private func removeFiles(of segment: Int64, archiveToo: Bool) throws(JobLogError) {
        let file = SegmentFile.path(segment, in: folder)
        // A file whose WAL went first would be a broken one.
        try options.storage.remove(file)
        try options.storage.syncFolder(folder)
        for ending in SegmentFile.sideEndings { try options.storage.remove(file + ending) }
        if archiveToo { try options.storage.remove(file + SegmentFile.archiveEnding) }
        try options.storage.syncFolder(folder)
    }

    /// Names that are held by streams of the range.
    private func names(of streams: ClosedRange<Int64>) throws(JobLogError) -> [NewStream] {
        try reading { connection in
            let query = try connection.statement(
                "select family, name from name where stream between ? and ?")
            defer { query.reset() }
            query.bind([.number(streams.lowerBound), .number(streams.upperBound)])
            var names: [NewStream] = []
            while try query.step() {
                names.append(NewStream(family: query.text(0), name: query.text(1)))
            }
            return names
        }
    }

    private func keepingSegments<T>(
        _ holder: String, _ body: (SegmentKeeper) throws -> T
    ) throws -> T {
        let keeper = try SegmentKeeper(self, holder)
        defer { keeper.release() }
        return try body(keeper)
    }
}

/// The one who handles sealed segments now: its lease, kept alive as long as it works.
private final class SegmentKeeper {
    private let log: JobLog
    private var lease: Lease
    private var renewedAt: Int64

    private static let role = "segment-keeper"
    private static let duration: Int64 = 60_000_000
    private static let renewal: Int64 = 10_000_000

    init(_ log: JobLog, _ holder: String) throws {
        guard
            let lease = try log.acquireLease(
                role: Self.role, holder: holder, durationMicroseconds: Self.duration)
        else {
            throw JobLogError(
                .refused, "\(log.folder): somebody else archives or restores segments of this log",
                remedy: "wait until it is done")
        }
        self.log = log
        self.lease = lease
        renewedAt = log.now()
    }

    /// Called as the work goes on; throws `leaseLost` when it was taken for dead.
    func keep() throws {
        guard log.now() - renewedAt > Self.renewal else { return }
        lease = try log.renewLease(lease, durationMicroseconds: Self.duration)
        renewedAt = log.now()
    }

    func record(
        _ draft: Draft, releasing names: () throws -> [NewStream] = { [] }
    ) throws {
        try log.decide(holding: lease, after: try log.lastPosition()) { _, _ in
            AppendRequest(drafts: [draft], releasedNames: try names())
        }
    }

    /// Does something to files while nobody else can be given the lease, if it is held still: who
    /// was stopped in the middle must not remove what another has come to rely on.
    func act(_ body: () throws -> Void) throws {
        try log.decide(holding: lease, after: try log.lastPosition()) { _, _ in
            try body()
            return AppendRequest()
        }
    }

    func release() {
        // One that stays runs out by itself.
        try? log.releaseLease(lease)
    }
}
