import CSQLite
import Glibc

extension JobLog {
    /// Copies the log, while others use it, into a folder that has none.
    ///
    /// Sealed and archived segments are copied byte by byte, the open one through SQLite; nothing
    /// of it is missing that was there when the copying began.
    public func backup(to target: String) throws(JobLogError) {
        let storage = options.storage
        guard SegmentFile.newest(in: target, storage) == nil else {
            throw JobLogError(
                .refused, "\(target): there is a log already", remedy: "choose an empty folder")
        }
        let mask = umask(0o077)
        defer { umask(mask) }
        try storage.makeFolder(target)
        try readingAll { reader in
            try reader.moveOn()
            let entries = try reader.earlierEntries()
            // First of all the segment that knows the digests: of a file whose digest is known,
            // the bytes do not change any more.
            let file = target + "/" + SegmentFile.name(reader.newest.number)
            let newest = try copyPages(reader.newest, to: file)
            for entry in entries {
                let file = SegmentFile.name(entry.number)
                if let segment = try reader.segment(entry) {
                    try copy(segment, to: target + "/" + file)
                } else if storage.exists(folder + "/" + file + SegmentFile.archiveEnding) {
                    try copyBytes(of: file + SegmentFile.archiveEnding, to: target)
                }
            }
            // A copy may be asked what it holds, not what somebody may do with the original.
            if try !newest.isSealed() { try newest.execute("delete from lease") }
            try newest.execute("pragma wal_checkpoint(truncate)")
        }
    }

    private func copy(_ segment: Segment, to file: String) throws {
        let name = SegmentFile.name(segment.number)
        if options.storage.size(folder + "/" + name + "-wal") ?? 0 == 0,
            options.storage.exists(folder + "/" + name)
        {
            try copyBytes(of: name, to: String(file.dropLast(name.count + 1)))
        } else {
            // Its digest is not known yet: that is made when the file does not change any more.
            try copyPages(segment, to: file).execute("pragma wal_checkpoint(truncate)")
        }
    }

    private func copyBytes(of name: String, to target: String) throws {
        let copy = try RawFile(target + "/" + name, options.storage, create: true)
        var offset: Int64 = 0
        try RawFile(folder + "/" + name, options.storage).pieces { next in
            while let piece = try next() {
                try copy.write(piece, at: offset)
                offset += Int64(piece.count)
            }
        }
        try copy.sync()
    }

    private func copyPages(_ segment: Segment, to file: String) throws -> Connection {
        let copy = try Connection(
            file: file, flags: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
            vfs: options.storage.vfs)
        let source = segment.connection
        guard let work = sqlite3_backup_init(copy.raw, "main", source.raw, "main") else {
            throw copy.failure(sqlite3_errcode(copy.raw))
        }
        var code = SQLITE_OK
        repeat {
            // All at once: between two steps a commit of somebody else would start it anew.
            code = sqlite3_backup_step(work, -1)
        } while code == SQLITE_BUSY || code == SQLITE_LOCKED
        let end = sqlite3_backup_finish(work)
        guard code == SQLITE_DONE, end == SQLITE_OK else {
            throw copy.failure(code == SQLITE_DONE ? end : code)
        }
        return copy
    }
}
