import CSQLite

extension JobLog {
    /// Notes the digests of sealed segments that have none yet; takes seconds for a large one.
    ///
    /// What is still in a WAL is copied into the file before; where a reader stands in the way,
    /// the segment is left for the next time. Returns how many it noted.
    @discardableResult
    public func recordDigests() throws -> Int {
        try checkWritable()
        guard let rolling = options.rolling else { return 0 }
        var count = 0
        for number in try undigested() {
            let file = SegmentFile.path(number, in: folder)
            guard try Self.emptyWAL(of: file, options.storage) else { continue }
            try recordDigest(number, rolling)
            count += 1
        }
        return count
    }

    private func recordDigest(_ number: Int64, _ rolling: Rolling) throws {
        // A connection of its own: the log's readers need not wait.
        let connection = try SegmentFile.openSealed(
            SegmentFile.path(number, in: folder), options.storage)
        let (bytes, digest) = try SegmentFacts(connection: connection).digest(rolling)
        try writing { transaction in
            let known = try transaction.connection.number(
                "select 1 from earlier_digest where number = ?", .number(number))
            guard known == nil else { return }
            try transaction.connection.run(
                "insert into earlier_digest (number, bytes, digest) values (?, ?, ?)",
                .number(number), .number(bytes), .blob(digest))
        }
    }

    /// What is known of a sealed segment, found out now if it has to be.
    func digest(
        noting number: Int64, _ rolling: Rolling
    ) throws -> (bytes: Int64, digest: [UInt8])? {
        if let known = try digest(of: number) { return known }
        try recordDigest(number, rolling)
        return try digest(of: number)
    }

    /// How much the facts of a sealed segment are, and their digest; nil as long as nobody has
    /// looked.
    func digest(of number: Int64) throws(JobLogError) -> (bytes: Int64, digest: [UInt8])? {
        try reading { connection in
            let query = try connection.statement(
                "select bytes, digest from earlier_digest where number = ?")
            defer { query.reset() }
            query.bind(1, number)
            return try query.step() ? (query.number(0), query.blob(1)) : nil
        }
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
        of file: String, _ storage: Storage
    ) throws(JobLogError) -> Bool {
        guard storage.size(file + "-wal") ?? 0 > 0 else { return true }
        let connection = try Connection(file: file, flags: SQLITE_OPEN_READWRITE, vfs: storage.vfs)
        try connection.execute("pragma synchronous = full")
        connection.losePatience()
        return try connection.number("pragma wal_checkpoint(truncate)") == 0
    }
}
