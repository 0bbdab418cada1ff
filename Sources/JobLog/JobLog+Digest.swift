import CSQLite

extension JobLog {
    /// Notes the digests of sealed segments that have none yet; takes seconds for a large one.
    ///
    /// Only of files that change no more: what is still in a WAL is copied first, for which readers
    /// are waited for so many milliseconds; then it is left for the next time. Returns how many it
    /// noted.
    @discardableResult
    public func recordDigests(patience: Int32 = 0) throws -> Int {
        try checkWritable()
        guard let rolling = options.rolling else { return 0 }
        var count = 0
        for number in try undigested() {
            let file = SegmentFile.path(number, in: folder)
            guard try Self.emptyWAL(of: file, options.storage, patience) else { continue }
            let (bytes, digest) = try Self.digest(of: file, options.storage, rolling)
            try writing { transaction in
                let known = try transaction.connection.number(
                    "select 1 from earlier_digest where number = ?", .number(number))
                guard known == nil else { return }
                try transaction.connection.run(
                    "insert into earlier_digest (number, bytes, digest) values (?, ?, ?)",
                    .number(number), .number(bytes), .blob(digest))
            }
            count += 1
        }
        return count
    }

    /// What is known of the file of a sealed segment; nil as long as nothing is.
    func digest(of number: Int64) throws(JobLogError) -> (bytes: Int64, digest: [UInt8])? {
        try reading { connection in
            let query = try connection.statement(
                "select bytes, digest from earlier_digest where number = ?")
            defer { query.reset() }
            query.bind(1, number)
            return try query.step() ? (query.number(0), query.blob(1)) : nil
        }
    }

    static func digest(
        of file: String, _ storage: Storage, _ rolling: Rolling
    ) throws -> (bytes: Int64, digest: [UInt8]) {
        let raw = try RawFile(file, storage)
        return (try raw.size(), try raw.pieces(rolling.digest))
    }

    private func undigested() throws(JobLogError) -> [Int64] {
        let numbers = try reading { connection in
            let query = try connection.statement(
                """
                select number from earlier_segment
                where number not in (select number from earlier_digest) order by number
                """)
            defer { query.reset() }
            var numbers: [Int64] = []
            while try query.step() { numbers.append(query.number(0)) }
            return numbers
        }
        return numbers.filter { options.storage.exists(SegmentFile.path($0, in: folder)) }
    }

    /// Copies all of the WAL into the file; false while a reader stands in the way.
    private static func emptyWAL(
        of file: String, _ storage: Storage, _ patience: Int32
    ) throws(JobLogError) -> Bool {
        guard storage.size(file + "-wal") ?? 0 > 0 else { return true }
        let connection = try Connection(file: file, flags: SQLITE_OPEN_READWRITE, vfs: storage.vfs)
        try connection.execute("pragma synchronous = full")
        connection.losePatience()
        var waited: Int32 = 0
        while try connection.number("pragma wal_checkpoint(truncate)") != 0 {
            // SQLite itself would wait for readers, but not for another that copies the WAL.
            guard waited < patience else { return false }
            waited += sqlite3_sleep(10)
        }
        return true
    }
}
