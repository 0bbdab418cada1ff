import JobLog
import TraceLog

/// What is kept as it is in the log, which may put it away.
extension History {
    /// The kept events of one stream, in order: of a schedule, a sweep or a cluster.
    public func events(ofStream stream: Int64) throws -> [RecordedEvent] {
        try kept("stream = ? order by version", stream)
    }

    /// The kept events of one type, in the order of the log.
    public func events(ofType type: LogEventType) throws -> [RecordedEvent] {
        try kept("type = ? order by position", Int64(type.rawValue))
    }

    /// The kept events of one type before the position, the latest first, `limit` at most.
    public func events(
        ofType type: LogEventType, before position: Int64, limit: Int
    ) throws -> [RecordedEvent] {
        try kept(
            "type = ? and position < ? order by position desc limit ?",
            Int64(type.rawValue), position, Int64(limit))
    }

    /// The bytes that a kept event refers to; nil when they were gone before it was folded.
    public func content(_ digest: [UInt8]) throws -> [UInt8]? {
        let query = try connection.statement("select bytes from kept_content where digest = ?")
        defer { query.reset() }
        query.bind(1, blob: digest)
        return try query.step() ? query.blob(0) : nil
    }

    private func kept(_ condition: String, _ values: Int64...) throws -> [RecordedEvent] {
        let query = try connection.statement(
            """
            select position, stream, version, type, schema, recorded_at, payload from kept_event
            where \(condition)
            """)
        defer { query.reset() }
        query.bind(values.map { .number($0) })
        var events: [RecordedEvent] = []
        while try query.step() {
            events.append(
                RecordedEvent(
                    position: query.number(0), stream: query.number(1), version: query.number(2),
                    type: Int32(truncatingIfNeeded: query.number(3)),
                    schema: Int32(truncatingIfNeeded: query.number(4)),
                    recordedAt: query.number(5), payload: query.blob(6)))
        }
        return events
    }
}
