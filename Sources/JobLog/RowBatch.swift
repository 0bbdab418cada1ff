/// Rows of `event` that follow each other, as they are inserted and as they lie there then.
///
/// Whoever wrote them, and whoever follows the log in the same process, reads them here and need
/// not ask the database for what went through its own hands.
struct RowBatch: Sendable {
    struct Row: Sendable {
        var position: Int64
        var stream: Int64
        var version: Int64
        var type: Int32
        var schema: Int32
        /// Where its payload lies in `bytes`.
        var start: Int
        var count: Int
    }

    let recordedAt: Int64
    private(set) var rows: [Row] = []
    private(set) var bytes: [UInt8] = []

    init(recordedAt: Int64) { self.recordedAt = recordedAt }

    /// What it takes in memory, with room that is not used; about.
    var bytesHeld: Int { rows.capacity * MemoryLayout<Row>.stride + bytes.capacity + 128 }

    /// Makes room for so many rows.
    mutating func reserve(_ count: Int) {
        rows.reserveCapacity(count)
        bytes.reserveCapacity(count * Self.bytesARow)
    }

    /// Adds a row; `symbols` are the numbers that end its payload.
    mutating func add(
        position: Int64, stream: Int64, version: Int64, draft: Draft, symbols: [Int64]
    ) {
        let start = bytes.count
        bytes.append(contentsOf: draft.payload)
        if !symbols.isEmpty { SymbolReferences.append(symbols, to: &bytes) }
        rows.append(
            Row(
                position: position, stream: stream, version: version, type: draft.type,
                schema: draft.schema, start: start, count: bytes.count - start))
    }

    /// Most payloads are shorter.
    private static let bytesARow = 24

    /// Hands over each row after the position, in order, `limit` at most; returns how many.
    func forEach(
        after position: Int64, limit: Int, _ body: (EventRow) throws -> Void
    ) rethrows -> Int {
        guard let first = rows.first?.position else { return 0 }
        let passed = Int(min(max(0, position - first + 1), Int64(rows.count)))
        let end = min(rows.count - passed, limit) + passed
        try bytes.withUnsafeBytes { bytes in
            for row in rows[passed..<end] {
                try body(
                    EventRow(
                        position: row.position, stream: row.stream, version: row.version,
                        type: row.type, schema: row.schema, recordedAt: recordedAt,
                        payload: UnsafeRawBufferPointer(
                            rebasing: bytes[row.start..<row.start + row.count])))
            }
        }
        return end - passed
    }
}

extension [RowBatch] {
    /// The same of batches that follow each other.
    func forEachRow(
        after position: Int64, limit: Int, _ body: (EventRow) throws -> Void
    ) rethrows -> Int {
        var count = 0
        for batch in self where count < limit {
            count += try batch.forEach(after: position, limit: limit - count, body)
        }
        return count
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
