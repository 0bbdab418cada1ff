extension JobLog {
    static let columns = "position, stream, version, type, schema, recorded_at, payload"

    /// The position of the last committed event, of whatever process; 0 in an empty log.
    public func lastPosition() throws(JobLogError) -> Int64 {
        try reading {
            try $0.number("select max(position) from event")
                ?? $0.number("select base_position from segment") ?? 0
        }
    }

    /// The events after the position, in order, `limit` at most.
    public func read(after position: Int64, limit: Int) throws(JobLogError) -> [RecordedEvent] {
        try reading { try Self.events(after: position, limit: limit, $0) }
    }

    /// Hands over each event after the position, in order, `limit` at most, without copying it.
    ///
    /// Other readers of this log wait meanwhile, and the body must not use it. Returns how many
    /// events there were.
    @discardableResult
    public func scan(
        after position: Int64, limit: Int = .max, _ body: (EventRow) throws -> Void
    ) throws -> Int {
        try reader.with {
            try EventReader(connection: $0, after: position).forEach(limit: limit, body)
        }
    }

    /// The events of one stream, in order; none for a stream that does not exist.
    public func read(stream: Int64) throws(JobLogError) -> [RecordedEvent] {
        try reading { connection in
            let query = try connection.statement(
                "select \(Self.columns) from event where stream = ? order by version")
            query.bind(1, stream)
            return try Self.rows(query)
        }
    }

    /// The first event of each stream whose first event has the type, by stream number.
    public func firsts(ofType type: Int32) throws(JobLogError) -> [RecordedEvent] {
        try reading { connection in
            let query = try connection.statement(
                "select \(Self.columns) from event where version = 1 and type = ? order by stream")
            query.bind(1, Int64(type))
            return try Self.rows(query)
        }
    }

    /// Hands over the first event of each of the streams, in their order, without copying it.
    ///
    /// The same rules as for `scan`. Streams that do not exist are passed over.
    public func scanFirsts(
        of streams: [Int64], _ body: (EventRow) throws -> Void
    ) throws {
        try reader.with { connection in
            let query = try connection.statement(
                "select \(Self.columns) from event where stream = ? and version = 1")
            defer { query.reset() }
            for stream in streams {
                query.reset()
                query.bind(1, stream)
                if try query.step() { try query.withEventRow(body) }
            }
        }
    }

    /// The last event that holds the folded state; nil when there is none.
    public func lastCheckpoint() throws(JobLogError) -> RecordedEvent? {
        try reading { connection in
            let query = try connection.statement(
                """
                select \(Self.columns) from event
                where position = (select max(position) from checkpoint)
                """)
            return try Self.rows(query).first
        }
    }

    /// The stream that holds the name; nil when nobody does.
    public func stream(named name: String, family: String) throws(JobLogError) -> Int64? {
        try reading {
            try $0.number(
                "select stream from name where family = ? and name = ?", .text(family), .text(name))
        }
    }

    /// Names that are held, in order, those after `after`.
    public func names(
        family: String, after: String = "", limit: Int = .max
    ) throws(JobLogError) -> [(name: String, stream: Int64)] {
        try reading { connection in
            let query = try connection.statement(
                """
                select name, stream from name where family = ? and name > ? order by name limit ?
                """)
            defer { query.reset() }
            query.bind([.text(family), .text(after), .number(Int64(limit))])
            var names: [(String, Int64)] = []
            while try query.step() { names.append((query.text(0), query.number(1))) }
            return names
        }
    }

    /// The bytes with the digest; nil when the log does not hold them.
    public func content(_ digest: [UInt8]) throws(JobLogError) -> [UInt8]? {
        try reading { connection in
            let query = try connection.statement("select bytes from content where digest = ?")
            defer { query.reset() }
            query.bind(1, blob: digest)
            return try query.step() ? query.blob(0) : nil
        }
    }

    func reading<T>(_ body: (Connection) throws -> T) throws(JobLogError) -> T {
        do {
            return try reader.with(body)
        } catch let error as JobLogError {
            throw error
        } catch {
            throw JobLogError(.failed, "\(folder): \(error)")
        }
    }

    static func events(
        after position: Int64, limit: Int, _ connection: Connection
    ) throws(JobLogError) -> [RecordedEvent] {
        let query = try connection.statement(
            "select \(columns) from event where position > ? order by position limit ?")
        query.bind(1, position)
        query.bind(2, Int64(limit))
        return try rows(query)
    }

    private static func rows(_ query: Statement) throws(JobLogError) -> [RecordedEvent] {
        defer { query.reset() }
        var events: [RecordedEvent] = []
        while try query.step() { events.append(query.event()) }
        return events
    }
}
