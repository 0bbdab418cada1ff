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
        Table(
            name: "event",
            columns: [
                "position", "stream", "version", "type", "schema", "recorded_at", "payload",
            ]),
        Table(name: "checkpoint", columns: ["position"]),
        Table(name: "seal", columns: ["last_position", "sealed_at"]),
    ]

    let connection: Connection

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
        var rows: (query: Statement, count: Int32)?
        return {
            var piece: [UInt8] = []
            piece.reserveCapacity(Self.pieceBytes + (1 << 12))
            while piece.count < Self.pieceBytes {
                if let (query, count) = rows {
                    if try query.step() {
                        query.appendValues(count, to: &piece)
                    } else {
                        query.reset()
                        rows = nil
                    }
                } else if let table = left.popFirst() {
                    let query = try connection.statement(
                        "select \(table.list) from \(table.name) order by \(table.columns[0])")
                    rows = (query, Int32(table.columns.count))
                    piece += table.name.utf8
                } else {
                    break
                }
            }
            return piece.isEmpty ? nil : piece
        }
    }

    private static let pieceBytes = 1 << 18

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

extension Statement {
    /// Each value with its kind and its length, so that no two rows look the same.
    fileprivate func appendValues(_ count: Int32, to bytes: inout [UInt8]) {
        for column in 0..<count {
            switch kind(column) {
            case .number:
                bytes.append(1)
                append(number(column), to: &bytes)
            case .text, .blob:
                bytes.append(2)
                let value = blobInPlace(column)
                append(Int64(value.count), to: &bytes)
                bytes += value
            }
        }
    }

    private func append(_ number: Int64, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: number.littleEndian) { bytes += $0 }
    }
}
