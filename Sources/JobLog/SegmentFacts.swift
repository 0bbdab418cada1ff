/// What a segment holds for ever, as one sequence of bytes: the rows of all tables that hold facts,
/// each table in the order of its key.
///
/// Two files with the same facts are the same segment, however their pages lie. So a digest of it
/// outlives archiving, which leaves out what can be made again: indexes, guards, names and leases.
struct SegmentFacts {
    struct Table {
        var name: String
        var columns: [String]

        var list: String { columns.joined(separator: ", ") }
    }

    static let eventTable = Table(
        name: "event",
        columns: ["position", "stream", "version", "type", "schema", "recorded_at", "payload"])

    /// In the order in which the guards let them be written.
    static let tables = [
        Table(
            name: "segment",
            columns: [
                "number", "log_id", "created_at", "base_position", "base_stream", "base_symbol",
            ]),
        Table(name: "event_type", columns: ["id", "name", "family"]),
        Table(
            name: "earlier_segment",
            columns: [
                "number", "created_at", "base_position", "base_stream", "base_symbol", "sealed_at",
            ]),
        Table(name: "earlier_digest", columns: ["number", "bytes", "digest"]),
        Table(name: "carried", columns: ["first_stream", "last_stream", "version"]),
        Table(name: "symbol", columns: ["number", "bytes"]),
        Table(name: "content", columns: ["digest", "bytes"]),
        eventTable,
        Table(name: "checkpoint", columns: ["position"]),
        Table(name: "seal", columns: ["last_position", "sealed_at"]),
    ]

    let connection: Connection
    /// Whether events lie in columns, as in an archive; see `EventColumns`.
    var isInColumns = false

    /// SHA-256, or what the log was opened with, and of how many bytes.
    func digest(_ rolling: Rolling) throws -> (bytes: Int64, digest: [UInt8]) {
        var bytes: Int64 = 0
        let next = try source()
        let digest = try rolling.digest {
            let piece = try next()
            bytes += Int64(piece?.count ?? 0)
            return piece
        }
        return (bytes, digest)
    }

    /// The bytes, piece by piece. The file must not change any more.
    func source() throws -> Archiving.Source {
        var left = Self.tables[...]
        // No columns to count where a row is a run of events.
        var rows: (query: Statement, count: Int32)?
        return {
            var piece: [UInt8] = []
            piece.reserveCapacity(Self.pieceBytes + (1 << 12))
            while piece.count < Self.pieceBytes {
                if let (query, count) = rows {
                    guard try query.step() else {
                        query.reset()
                        rows = nil
                        continue
                    }
                    if count > 0 {
                        query.appendValues(count, to: &piece)
                    } else {
                        try run(query).forEach {
                            for number in $0 { piece.appendFact(number) }
                            piece.appendFact($1)
                        }
                    }
                } else if let table = left.popFirst() {
                    let isRun = isInColumns && table.name == "event"
                    let query = try connection.statement(
                        isRun
                            ? Self.runs
                            : """
                            select \(table.list) from \(table.name) order by \(table.columns[0])
                            """)
                    rows = (query, isRun ? 0 : Int32(table.columns.count))
                    piece += table.name.utf8
                } else {
                    break
                }
            }
            return piece.isEmpty ? nil : piece
        }
    }

    private static let pieceBytes = 1 << 18
    private static let runs = """
        select first_position, count, streams, versions, types, schemas, recorded_at, lengths,
        payloads from \(EventColumns.table) order by first_position
        """

    private func run(_ row: Statement) throws(JobLogError) -> EventColumnsReader {
        guard let run = EventColumnsReader(row) else {
            throw JobLogError(
                .damaged, "\(connection.file): the events from \(row.number(0)) on are no run")
        }
        return run
    }

    /// Hands over all events in order; see `EventColumnsReader.forEach`.
    func forEachEvent(_ body: ([Int64], [UInt8]) throws -> Void) throws {
        let table = Self.eventTable
        let query = try connection.statement(
            isInColumns ? Self.runs : "select \(table.list) from event order by position")
        defer { query.reset() }
        while try query.step() {
            if isInColumns {
                try run(query).forEach { try body($0, Array($1)) }
            } else {
                try body((0..<6).map { query.number($0) }, query.blob(6))
            }
        }
    }

    /// Copies the rows of a table, as they are or in some columns only.
    func copy(_ table: Table, to target: Connection) throws {
        let marks = table.columns.map { _ in "?" }.joined(separator: ", ")
        let source = try connection.statement(
            "select \(table.list) from \(table.name) order by \(table.columns[0])")
        let insertion = try target.statement(
            "insert into \(table.name) (\(table.list)) values (\(marks))")
        defer { source.reset() }
        while try source.step() {
            insertion.bind(source.values(table.columns.count))
            _ = try insertion.step()
            insertion.reset()
        }
    }
}

// Each value with its kind and its length, so that no two rows look the same.

extension Statement {
    fileprivate func appendValues(_ count: Int32, to bytes: inout [UInt8]) {
        for column in 0..<count {
            switch kind(column) {
            case .number: bytes.appendFact(number(column))
            case .text, .blob: bytes.appendFact(blobInPlace(column))
            }
        }
    }
}

extension [UInt8] {
    fileprivate mutating func appendFact(_ number: Int64) {
        append(1)
        appendWord(number)
    }

    fileprivate mutating func appendFact(_ value: some Collection<UInt8>) {
        append(2)
        appendWord(Int64(value.count))
        self += value
    }

    private mutating func appendWord(_ number: Int64) {
        Swift.withUnsafeBytes(of: number.littleEndian) { self += $0 }
    }
}
