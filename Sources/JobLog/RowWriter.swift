import CSQLite

/// Inserts rows of `event`, many by one statement.
///
/// Positions are not written but given by SQLite, which is how the database keeps them gap-free,
/// but for the first row of a segment that goes on from another (`flushFirst`).
///
/// A statement of many rows costs a row about half of what a statement of its own does: starting
/// the statement and its trigger is paid once. Rows wait here until there are enough of them;
/// `flush` inserts the rest. Payloads lie in one buffer that SQLite reads in place.
struct RowWriter {
    struct Row {
        var position: Int64
        var stream: Int64
        var version: Int64
        var type: Int32
        var schema: Int32
        var start: Int
        var count: Int
    }

    /// The statements, the one of the most rows first; prepared once for a connection.
    struct Statements {
        fileprivate let connection: Connection
        fileprivate let bySize: [(rows: Int, statement: Statement)]

        init(_ connection: Connection) throws(JobLogError) {
            self.connection = connection
            var statements: [(rows: Int, statement: Statement)] = []
            for size in sizes { statements.append((size, try connection.statement(text(size)))) }
            bySize = statements
        }
    }

    private let statements: Statements
    private let recordedAt: Int64
    private var rows: [Row] = []
    private var bytes: [UInt8] = []

    /// How many rows a statement inserts, the most first; the last is 1.
    private static let sizes = [64, 8, 1]
    private static let columns: Int32 = 6

    init(_ statements: Statements, recordedAt: Int64) {
        self.statements = statements
        self.recordedAt = recordedAt
    }

    private static func text(_ size: Int) -> String {
        let values = Array(repeating: "(?,?,?,?,?,?)", count: size).joined(separator: ",")
        return "insert into event (stream, version, type, schema, recorded_at, payload) values "
            + values
    }

    /// Adds a row; `symbols` are the numbers that end its payload.
    mutating func add(
        position: Int64, stream: Int64, version: Int64, draft: Draft, symbols: [Int64]
    ) throws(JobLogError) {
        let start = bytes.count
        bytes.append(contentsOf: draft.payload)
        if !symbols.isEmpty { SymbolReferences.append(symbols, to: &bytes) }
        rows.append(
            Row(
                position: position, stream: stream, version: version, type: draft.type,
                schema: draft.schema, start: start, count: bytes.count - start))
        if rows.count == Self.sizes[0] { try flush() }
    }

    /// Inserts what waits. The positions that SQLite gives are the ones that were promised, or
    /// the transaction fails.
    mutating func flush() throws(JobLogError) {
        guard let last = rows.last?.position else { return }
        var done = 0
        for (size, statement) in statements.bySize {
            while rows.count - done >= size {
                try insert(rows[done..<done + size], statement)
                done += size
            }
        }
        let given = statements.connection.lastRowID
        guard given == last else {
            throw JobLogError(
                .failed, "\(statements.connection.file): position \(given) was given for \(last)",
                remedy: "check the log with `tracectl log verify`")
        }
        rows.removeAll(keepingCapacity: true)
        bytes.removeAll(keepingCapacity: true)
    }

    /// Inserts the one row that waits, as the first of a segment that goes on from another.
    mutating func flushFirst() throws(JobLogError) {
        guard let row = rows.first, rows.count == 1 else { return }
        try statements.connection.run(
            """
            insert into event (position, stream, version, type, schema, recorded_at, payload)
            values (?, ?, ?, ?, ?, ?, ?)
            """, .number(row.position), .number(row.stream), .number(row.version),
            .number(Int64(row.type)), .number(Int64(row.schema)), .number(recordedAt),
            .blob(Array(bytes[row.start..<row.start + row.count])))
        rows.removeAll()
        bytes.removeAll()
    }

    private func insert(
        _ rows: ArraySlice<Row>, _ statement: Statement
    ) throws(JobLogError) {
        // The bytes stay where they are until the statement has run.
        let failed = bytes.withUnsafeBytes { bytes -> JobLogError? in
            var place: Int32 = 1
            for row in rows {
                statement.bind(place, row.stream)
                statement.bind(place + 1, row.version)
                statement.bind(place + 2, Int64(row.type))
                statement.bind(place + 3, Int64(row.schema))
                statement.bind(place + 4, recordedAt)
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

/// How an event's payload names its symbols: field 15 of a Protocol Buffers message, a packed
/// list of numbers (protobuf.dev, "Encoding"), at the payload's end.
enum SymbolReferences {
    static func append(_ numbers: [Int64], to bytes: inout [UInt8]) {
        bytes.append(15 << 3 | 2)
        let length = numbers.reduce(0) { $0 + size($1) }
        append(UInt64(length), to: &bytes)
        for number in numbers { append(UInt64(bitPattern: number), to: &bytes) }
    }

    private static func size(_ number: Int64) -> Int {
        max(1, (70 - UInt64(bitPattern: number).leadingZeroBitCount) / 7)
    }

    private static func append(_ value: UInt64, to bytes: inout [UInt8]) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }
}
