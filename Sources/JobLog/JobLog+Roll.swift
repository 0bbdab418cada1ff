extension JobLog {
    /// Whether the open segment is so large or old that the log should go on in another.
    public func isRollDue() throws(JobLogError) -> Bool {
        guard let rolling = options.rolling, !isReadOnly else { return false }
        return try readingAll { reader in
            try reader.moveOn()
            let segment = reader.newest
            let connection = segment.connection
            let last = try connection.number("select max(position) from event") ?? 0
            guard last - segment.base.position >= Self.segmentEventsMin else { return false }
            let age = now() - segment.createdAt
            return try age >= rolling.segmentAgeMax
                || connection.pageBytes() >= rolling.segmentBytesMax
        }
    }

    /// However large what is carried into each segment, a segment has so many events of its own.
    private static let segmentEventsMin: Int64 = 100

    /// Ends the open segment and goes on in a new one.
    ///
    /// Checks the lease and hands `body` the events after `position`, as `decide` does; what it
    /// returns comes right before the seal. Throws `leaseLost` when the lease is not held any more.
    /// Writers wait meanwhile; what was appended before it fails is a sealed segment at the most,
    /// and the log goes on in the next with the next append. Returns the position of the seal.
    @discardableResult
    public func roll(
        holding lease: Lease, after position: Int64,
        _ body: (_ news: EventReader, _ recordedAt: Int64) throws -> [Draft]
    ) throws -> Int64 {
        guard let rolling = options.rolling else {
            throw JobLogError(.refused, "\(folder): this log is not opened to be rolled")
        }
        try checkWritable()
        let sealed = try onOpenSegment { writer in
            let position = try writer.transaction(time, symbols) { transaction in
                try Self.checkLease(lease, transaction.connection, now: now())
                var request = AppendRequest()
                request.drafts = try body(
                    news(after: position, &transaction), transaction.recordedAt)
                request.drafts.append(try rolling.seal(writer.number))
                try transaction.record(request)
                try transaction.seal()
                return transaction.known.lastPosition
            }
            // It was our own commit: the next look at the segment must find the seal.
            writer.forget()
            return (number: writer.number, position: position)
        }
        try writer.with { place in
            if try current(place).number == sealed.number { try moveOn(place) }
        }
        news.tell()
        return sealed.position
    }
}

extension Transaction {
    /// Closes the segment.
    mutating func seal() throws(JobLogError) {
        try rows.flush()
        try connection.seal(at: known.lastPosition, recordedAt: recordedAt)
    }
}

extension Connection {
    /// Closes the segment: nothing in its file changes any more, whoever tries.
    func seal(at position: Int64, recordedAt: Int64) throws(JobLogError) {
        try run(
            "insert into seal (last_position, sealed_at) values (?, ?)", .number(position),
            .number(recordedAt))
        for table in Self.sealedTables {
            for change in ["insert", "update", "delete"] {
                try execute(
                    """
                    create trigger no_\(change)_of_\(table)_in_a_sealed_segment
                    before \(change) on \(table)
                    begin select raise(abort, 'the log is append-only: the segment is sealed'); end
                    """)
            }
        }
    }

    private static let sealedTables = [
        "event", "symbol", "content", "name", "carried", "checkpoint", "lease", "event_type",
        "earlier_segment", "earlier_digest", "seal",
    ]

    /// What the database takes, with what is in its WAL.
    func pageBytes() throws(JobLogError) -> Int64 {
        (try number("pragma page_count") ?? 0) * (try number("pragma page_size") ?? 0)
    }
}
