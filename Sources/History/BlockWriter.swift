import JobLog

/// Packs ended attempts into blocks, and says of full ones which terms occur in them.
///
///     filling: the rows of the last block, written anew with each transaction
///       │ full
///       ▼
///     full: never written again; its bits are set in its band's signature
struct BlockWriter {
    private let connection: Connection
    private let rowsABlock: Int
    private var number: Int64 = 0
    private var rows: [TraceRow] = []
    private var slots: Set<Int64> = []
    private var isChanged = false
    /// The words of the band that is filling, those that have changed by their rows.
    private var words: [UInt16] = []
    private var band: Int64 = -1

    init(_ connection: Connection, rowsABlock: Int) {
        self.connection = connection
        self.rowsABlock = rowsABlock
    }

    /// Goes on where the file ends.
    mutating func load() throws {
        let blocks = BlockReader(connection)
        let all = try blocks.blocks()
        slots = try blocks.slotOrigins()
        (rows, isChanged, words, band) = ([], false, [], -1)
        guard let last = all.last else {
            number = 0
            return
        }
        if last.count < rowsABlock {
            number = last.number
            rows = try blocks.rows(of: last)
        } else {
            number = last.number + 1
        }
    }

    /// Returns the place of the row among all.
    mutating func add(_ row: TraceRow, isSlot: Bool, _ terms: TermReader) throws -> Int64 {
        if isSlot { slots.insert(row.origin) }
        let place = number * Int64(rowsABlock) + Int64(rows.count)
        rows.append(row)
        isChanged = true
        guard rows.count == rowsABlock else { return place }
        try write()
        try sign(terms)
        number += 1
        rows.removeAll(keepingCapacity: true)
        isChanged = false
        return place
    }

    mutating func flush() throws {
        if isChanged, !rows.isEmpty { try write() }
        isChanged = false
    }

    private func write() throws {
        guard let first = rows.first, let last = rows.last else { return }
        try connection.run(
            """
            insert or replace into block
            (number, count, first_position, last_position, first_ended, last_ended)
            values (?, ?, ?, ?, ?, ?)
            """, .number(number), .number(Int64(rows.count)), .number(first.position),
            .number(last.position), .number(first.endedAt), .number(last.endedAt))
        let change = try connection.statement(
            "insert or replace into part (id, bytes) values (?, ?)")
        for column in Column.allCases {
            let bytes = BlockParts.bytes(rows, column) { slots.contains($0) }
            defer { change.reset() }
            change.bind(1, BlockParts.id(number, column))
            change.bind(2, blob: bytes)
            _ = try change.step()
        }
    }

    // MARK: signatures

    private mutating func sign(_ terms: TermReader) throws {
        let band = number / Int64(Signature.blocksABand)
        if band != self.band { try loadBand(band) }
        let bit = UInt16(1) << UInt16(number % Int64(Signature.blocksABand))
        for row in rows {
            try terms.forEach(of: row) { term in
                term.forEachSlice { words[$0] |= bit }
            }
        }
        try writeBand()
    }

    private mutating func loadBand(_ band: Int64) throws {
        words = [UInt16](repeating: 0, count: Signature.sliceCount)
        self.band = band
        let query = try connection.statement(
            "select id, words from signature where id between ? and ?")
        defer { query.reset() }
        let first = band * Int64(Signature.rowsABand)
        query.bind([.number(first), .number(first + Int64(Signature.rowsABand) - 1)])
        while try query.step() {
            let start = Int(query.number(0) - first) * Signature.wordsARow
            let bytes = query.blobInPlace(1)
            for place in 0..<min(Signature.wordsARow, bytes.count / 2) {
                words[start + place] = UInt16(
                    littleEndian: bytes.loadUnaligned(fromByteOffset: 2 * place, as: UInt16.self))
            }
        }
    }

    private func writeBand() throws {
        let change = try connection.statement(
            "insert or replace into signature (id, words) values (?, ?)")
        for row in 0..<Signature.rowsABand {
            let words = words[row * Signature.wordsARow..<(row + 1) * Signature.wordsARow]
            let bytes = words.map { $0.littleEndian }.withUnsafeBytes(Array.init)
            change.bind(1, band * Int64(Signature.rowsABand) + Int64(row))
            change.bind(2, blob: bytes)
            _ = try change.step()
            change.reset()
        }
    }
}
