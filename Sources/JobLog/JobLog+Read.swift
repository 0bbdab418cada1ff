extension JobLog {
    static let columns = "position, stream, version, type, schema, recorded_at, payload"

    /// The position of the last committed event, of whatever process; 0 in an empty log.
    public func lastPosition() throws(JobLogError) -> Int64 {
        try readingAll { reader in
            try reader.moveOn()
            return try reader.newest.connection.number("select max(position) from event")
                ?? reader.newest.base.position
        }
    }

    /// The position of the first event that is not archived or dropped; one beyond the last in an
    /// empty log.
    public func firstPosition() throws(JobLogError) -> Int64 {
        try readingAll { reader in
            try reader.moveOn()
            return (try reader.segments().first?.base.position ?? 0) + 1
        }
    }

    /// The events after the position, in order, `limit` at most.
    ///
    /// Those that are archived or dropped are passed over.
    public func read(after position: Int64, limit: Int) throws(JobLogError) -> [RecordedEvent] {
        try readingAll { reader in
            var events: [RecordedEvent] = []
            _ = try reader.forEach(after: position, limit: limit) { events.append($0.recorded) }
            return events
        }
    }

    /// Hands over each event after the position, in order, `limit` at most, without copying it.
    ///
    /// Other readers of this log may wait meanwhile; the body must not use it, but for `symbol`.
    /// Returns how many events there were.
    @discardableResult
    public func scan(
        after position: Int64, limit: Int = .max, _ body: (EventRow) throws -> Void
    ) throws -> Int {
        var position = position
        let count = try recent.batches(after: position).forEachRow(
            after: position, limit: limit
        ) { row in
            position = row.position
            try body(row)
        }
        guard count < limit else { return count }
        return try count
            + reader.with { try $0.forEach(after: position, limit: limit - count, body) }
    }

    /// The events of one stream after a version, in order, of some types if they are given; none
    /// for a stream that does not exist, and not those that are archived or dropped.
    public func read(
        stream: Int64, types: [Int32]? = nil, afterVersion version: Int64 = 0
    ) throws(JobLogError) -> [RecordedEvent] {
        let marks = types.map { $0.map { _ in "?" }.joined(separator: ", ") }
        let filter = marks.map { " and type in (\($0))" } ?? ""
        return try readingAll { reader in
            try reader.moveOn()
            return try reader.segments(of: stream).flatMap { segment in
                let query = try segment.connection.statement(
                    "select \(Self.columns) from event where stream = ? and version > ?"
                        + "\(filter) order by version")
                query.bind(
                    [.number(stream), .number(version)]
                        + (types ?? []).map { .number(Int64($0)) })
                return try Self.rows(query)
            }
        }
    }

    /// Throws `archived`, naming the segment, when events of the stream may lie in one that is
    /// not here.
    public func refuseArchived(_ stream: Int64) throws(JobLogError) {
        try readingAll { reader in
            try reader.moveOn()
            for entry in try reader.earlierEntries() where entry.end.stream >= stream {
                guard try reader.segment(entry) == nil else { continue }
                throw EarlierSegments.archived(stream, entry, folder)
            }
        }
    }

    /// Whether events are missing among those that were read of a stream, or after them, since
    /// they lie in a segment that is archived or dropped.
    ///
    /// What comes after them is asked only of one that `isOpen`: not ended by what was read, and
    /// so carried into each new segment if it is really open. May say so for nothing when the
    /// stream went on since it was read.
    public func isCutShort(
        _ events: [RecordedEvent], isOpen: Bool
    ) throws(JobLogError) -> Bool {
        guard let last = events.last else { return false }
        if last.version != events.count { return true }
        guard isOpen else { return false }
        return try readingAll { reader in
            try reader.moveOn()
            guard try reader.newest.version(of: last.stream) != last.version else { return false }
            return try reader.earlierEntries().contains {
                try $0.end.position > last.position && reader.segment($0) == nil
            }
        }
    }

    /// The first event of each stream whose first event has the type, by stream number.
    public func firsts(ofType type: Int32) throws(JobLogError) -> [RecordedEvent] {
        try readingAll { reader in
            try reader.moveOn()
            return try reader.segments().flatMap { segment in
                let query = try segment.connection.statement(
                    """
                    select \(Self.columns) from event where version = 1 and type = ?
                    order by stream
                    """)
                query.bind(1, Int64(type))
                return try Self.rows(query)
            }
        }
    }

    /// Hands over the first event of each of the streams, in their order, without copying it.
    ///
    /// The same rules as for `scan`. Streams that do not exist, and those that began in a segment
    /// that is archived or dropped, are passed over.
    public func scanFirsts(
        of streams: [Int64], _ body: (EventRow) throws -> Void
    ) throws {
        try reader.with { reader in
            try reader.moveOn()
            let newest = reader.newest
            let ofNewest = try Self.first(newest.connection)
            for stream in streams {
                var query = ofNewest
                if stream <= newest.base.stream {
                    guard let segment = try reader.birthplace(of: stream) else { continue }
                    query = try Self.first(segment.connection)
                }
                defer { query.reset() }
                query.bind(1, stream)
                if try query.step() { try query.withEventRow(body) }
            }
        }
    }

    private static func first(_ connection: Connection) throws(JobLogError) -> Statement {
        try connection.statement(
            "select \(columns) from event where stream = ? and version = 1")
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

    /// The first segment with events after the position that is archived or dropped, and not lent:
    /// the position before its first event, and that of its last.
    package func absentSegment(
        after position: Int64
    ) throws(JobLogError) -> (number: Int64, base: Int64, end: Int64)? {
        try readingAll { reader in
            try reader.moveOn()
            guard position < reader.newest.base.position else { return nil }
            return try reader.earlierEntries()
                .first { $0.end.position > position && !reader.isThere($0) }
                .map { ($0.number, $0.base.position, $0.end.position) }
        }
    }

    /// A segment in which a stream may have events: the position before its first event, that of
    /// its last, and whether it can be read.
    package struct Home: Sendable {
        package var number: Int64
        package var base: Int64
        package var end: Int64
        package var isHere: Bool
    }

    /// The segments in which the stream may have events, in order.
    package func homes(ofStream stream: Int64) throws(JobLogError) -> [Home] {
        try readingAll { reader in
            try reader.moveOn()
            let newest = reader.newest
            return try reader.earlierEntries().filter { $0.end.stream >= stream }.map {
                Home(
                    number: $0.number, base: $0.base.position, end: $0.end.position,
                    isHere: reader.isThere($0))
            } + [
                Home(
                    number: newest.number, base: newest.base.position, end: .max, isHere: true)
            ]
        }
    }

    /// Whether any segment is archived or dropped, lent or not.
    package func hasAbsentSegment() throws(JobLogError) -> Bool {
        try readingAll { reader in
            try reader.moveOn()
            return try reader.earlierEntries().contains {
                !options.storage.exists(SegmentFile.path($0.number, in: folder))
            }
        }
    }

    /// Lets this log alone read an archived segment from where it was expanded to, until some
    /// others are lent; nil ends all lending. The file may lose its name meanwhile.
    package func lend(_ file: String?) throws(JobLogError) {
        try readingAll { reader in try reader.lend(file) }
    }

    /// The bytes with the digest; nil when the log does not hold them.
    public func content(_ digest: [UInt8]) throws(JobLogError) -> [UInt8]? {
        try readingAll { reader in
            try reader.moveOn()
            return try reader.content(digest)
        }
    }

    /// Runs the body on the newest segment.
    func reading<T>(_ body: (Connection) throws -> T) throws(JobLogError) -> T {
        try readingAll { reader in
            try reader.moveOn()
            return try body(reader.newest.connection)
        }
    }

    /// Runs the body on all segments.
    func readingAll<T>(_ body: (SegmentReader) throws -> T) throws(JobLogError) -> T {
        do {
            return try reader.with(body)
        } catch let error as JobLogError {
            throw error
        } catch {
            throw JobLogError(.failed, "\(folder): \(error)")
        }
    }

    private static func rows(_ query: Statement) throws(JobLogError) -> [RecordedEvent] {
        defer { query.reset() }
        var events: [RecordedEvent] = []
        while try query.step() { events.append(query.event()) }
        return events
    }
}

extension Connection {
    /// The bytes with the digest; nil when this segment does not hold them.
    func content(_ digest: [UInt8]) throws(JobLogError) -> [UInt8]? {
        let query = try statement("select bytes from content where digest = ?")
        defer { query.reset() }
        query.bind(1, blob: digest)
        return try query.step() ? query.blob(0) : nil
    }
}
