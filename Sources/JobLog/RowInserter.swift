import CSQLite

/// Inserts rows of `event`, many by one statement.
///
/// Positions are not written but given by SQLite, which is how the database keeps them gap-free,
/// but for the first row of a segment that goes on from another (`insertFirst`).
///
/// A statement of many rows costs a row about half of what a statement of its own does: starting
/// the statement and its trigger is paid once.
struct RowInserter {
    private let connection: Connection
    /// The one of the most rows first; prepared once for a connection.
    private let bySize: [(rows: Int, statement: Statement)]

    /// How many rows a statement inserts, the most first; the last is 1.
    private static let sizes = [64, 8, 1]
    private static let columns: Int32 = 6

    init(_ connection: Connection) throws(JobLogError) {
        self.connection = connection
        var statements: [(rows: Int, statement: Statement)] = []
        for size in Self.sizes {
            statements.append((size, try connection.statement(Self.text(size))))
        }
        bySize = statements
    }

    private static func text(_ size: Int) -> String {
        let values = Array(repeating: "(?,?,?,?,?,?)", count: size).joined(separator: ",")
        return "insert into event (stream, version, type, schema, recorded_at, payload) values "
            + values
    }

    /// Inserts the rows. The positions that SQLite gives are the ones that were promised, or the
    /// transaction fails.
    func insert(_ batch: RowBatch) throws(JobLogError) {
        guard let last = batch.rows.last?.position else { return }
        var done = 0
        for (size, statement) in bySize {
            while batch.rows.count - done >= size {
                try insert(batch, done..<done + size, statement)
                done += size
            }
        }
        let given = connection.lastRowID
        guard given == last else {
            throw JobLogError(
                .failed, "\(connection.file): position \(given) was given for \(last)",
                remedy: "check the log with `tracectl log verify`")
        }
    }

    /// Inserts the one row as the first of a segment that goes on from another.
    func insertFirst(_ batch: RowBatch) throws(JobLogError) {
        guard let row = batch.rows.first, batch.rows.count == 1 else { return }
        try connection.run(
            """
            insert into event (position, stream, version, type, schema, recorded_at, payload)
            values (?, ?, ?, ?, ?, ?, ?)
            """, .number(row.position), .number(row.stream), .number(row.version),
            .number(Int64(row.type)), .number(Int64(row.schema)), .number(batch.recordedAt),
            .blob(Array(batch.bytes[row.start..<row.start + row.count])))
    }

    private func insert(
        _ batch: RowBatch, _ places: Range<Int>, _ statement: Statement
    ) throws(JobLogError) {
        // The bytes stay where they are until the statement has run.
        let failed = batch.bytes.withUnsafeBytes { bytes -> JobLogError? in
            var place: Int32 = 1
            for row in batch.rows[places] {
                statement.bind(place, row.stream)
                statement.bind(place + 1, row.version)
                statement.bind(place + 2, Int64(row.type))
                statement.bind(place + 3, Int64(row.schema))
                statement.bind(place + 4, batch.recordedAt)
                let payload = bytes[row.start..<row.start + row.count]
                statement.bind(place + 5, inPlace: UnsafeRawBufferPointer(rebasing: payload))
                place += Self.columns
            }
            defer { statement.reset() }
            do throws(JobLogError) {
                _ = try statement.step()
                return nil
            } catch {
                return error
            }
        }
        if let failed { throw failed }
    }
}
