/// A segment that is open to be read.
///
/// Not thread-safe, like its connection.
final class Segment {
    let number: Int64
    let createdAt: Int64
    let base: Base
    let connection: Connection
    let logID: String

    /// Where the segment before ended; zeros in the first.
    struct Base: Hashable {
        var position: Int64 = 0
        var stream: Int64 = 0
        var symbol: Int64 = 0
    }

    init(_ connection: Connection) throws(JobLogError) {
        let query = try connection.statement(
            """
            select log_id, number, created_at, base_position, base_stream, base_symbol from segment
            """)
        defer { query.reset() }
        guard try query.step() else {
            throw JobLogError(
                .damaged, "\(connection.file): the log has no segment row",
                remedy: "restore the log from a backup")
        }
        logID = query.text(0)
        number = query.number(1)
        createdAt = query.number(2)
        base = Base(
            position: query.number(3), stream: query.number(4), symbol: query.number(5))
        self.connection = connection
    }

    /// The last event of the segment when it is sealed; nil while it is open.
    func seal() throws(JobLogError) -> Int64? {
        try connection.number("select last_position from seal")
    }

    /// The version that the stream reached in this segment, or before it as this segment knows;
    /// nil when it knows nothing of the stream.
    func version(of stream: Int64) throws(JobLogError) -> Int64? {
        try connection.version(of: stream)
    }
}

extension Connection {
    func version(of stream: Int64) throws(JobLogError) -> Int64? {
        if let version = try number(
            "select max(version) from event where stream = ?", .number(stream))
        {
            return version
        }
        return try number(
            """
            select version from carried where first_stream <= ?1 and last_stream >= ?1
            order by first_stream desc limit 1
            """, .number(stream))
    }
}
