import JobLog

/// Reads packed attempts, a column at a time.
final class BlockReader {
    struct Block: Hashable {
        var number: Int64
        var count: Int
        var firstPosition: Int64
        var lastPosition: Int64
        var firstEnded: Int64
        var lastEnded: Int64
    }

    private let connection: Connection
    private var slots: Set<Int64>?

    init(_ connection: Connection) { self.connection = connection }

    /// All blocks in order, or those that meet the condition, which has one value.
    func blocks(where condition: String? = nil, _ value: Int64 = 0) throws -> [Block] {
        let query = try connection.statement(
            """
            select number, count, first_position, last_position, first_ended, last_ended
            from block \(condition.map { "where \($0)" } ?? "") order by number
            """)
        defer { query.reset() }
        if condition != nil { query.bind(1, value) }
        var blocks: [Block] = []
        while try query.step() {
            // Whatever the file says, no more is read than a block may have.
            guard (0...Self.numberMax).contains(query.number(0)),
                (0...Int64(Self.rowsMax)).contains(query.number(1))
            else { throw damaged(query.number(0)) }
            blocks.append(
                Block(
                    number: query.number(0), count: Int(query.number(1)),
                    firstPosition: query.number(2), lastPosition: query.number(3),
                    firstEnded: query.number(4), lastEnded: query.number(5)))
        }
        return blocks
    }

    /// The origins whose members are slots.
    func slotOrigins() throws -> Set<Int64> {
        if let slots { return slots }
        let query = try connection.statement("select number from origin where family = 'schedule'")
        defer { query.reset() }
        var found: Set<Int64> = []
        while try query.step() { found.insert(query.number(0)) }
        slots = found
        return found
    }

    func column(_ column: Column, of block: Block, count: Int? = nil) throws -> [Int64] {
        let query = try connection.statement("select bytes from part where id = ?")
        defer { query.reset() }
        query.bind(1, BlockParts.id(block.number, column))
        guard try query.step(),
            let values = PackedColumn.values(query.blobInPlace(0), count: count ?? block.count)
        else { throw damaged(block.number) }
        return values
    }

    /// A column as it is packed.
    fileprivate func packed(_ column: Column, of block: Block) throws -> [UInt8] {
        let query = try connection.statement("select bytes from part where id = ?")
        defer { query.reset() }
        query.bind(1, BlockParts.id(block.number, column))
        guard try query.step() else { throw damaged(block.number) }
        return query.blob(0)
    }

    private static let numberMax: Int64 = 1 << 50
    private static let rowsMax = 1 << 16
    /// Reports of all rows of a block.
    fileprivate static let reportsMax = 1 << 22

    fileprivate func damaged(_ block: Int64) -> JobLogError {
        JobLogError(
            .damaged, "\(connection.file): block \(block) cannot be read",
            remedy: "make the file anew with `tracectl log rebuild`")
    }

    func rows(of block: Block) throws -> [TraceRow] {
        let columns = Columns(self, block)
        for column in Column.allCases { _ = try columns[column] }
        return try (0..<block.count).map { try columns.row($0) }
    }

    /// The columns of one block, each read when it is first needed.
    final class Columns {
        private let reader: BlockReader
        let block: Block
        private var held: [Column: [Int64]] = [:]
        private var packed: [Column: [UInt8]] = [:]
        private var starts: [Int]?

        init(_ reader: BlockReader, _ block: Block) {
            self.reader = reader
            self.block = block
        }

        subscript(_ column: Column) -> [Int64] {
            get throws {
                if let known = held[column] { return known }
                let count = column == .reports ? try reportStarts().last : nil
                let read = try reader.column(column, of: block, count: count)
                held[column] = read
                return read
            }
        }

        /// The rows before the position and within the time; both columns never fall.
        func range(before position: Int64, since: Int64, until: Int64) throws -> Range<Int> {
            var (first, end) = (0, block.count)
            if block.lastPosition >= position {
                end = try self[.position].firstIndex { $0 >= position } ?? end
            }
            if block.lastEnded > until {
                end = min(end, try self[.endedAt].firstIndex { $0 > until } ?? end)
            }
            if block.firstEnded < since {
                first = try self[.endedAt].firstIndex { $0 >= since } ?? block.count
            }
            return first..<max(first, end)
        }

        /// Where the reports of each row begin, and where the last ones end.
        func reportStarts() throws -> [Int] {
            if let starts { return starts }
            var made = [0]
            made.reserveCapacity(block.count + 1)
            for end in try self[.reportEnd] {
                guard end >= made[made.count - 1], end <= Int64(reportsMax) else {
                    throw reader.damaged(block.number)
                }
                made.append(Int(end))
            }
            starts = made
            return made
        }

        /// A value of a column that may not have been read as a whole.
        private func value(_ column: Column, _ place: Int) throws -> Int64 {
            if let known = held[column] { return known[place] }
            return try packed(column, place, of: block.count)
        }

        /// One value; others of the same column are then at hand, unpacked one by one.
        private func packed(_ column: Column, _ place: Int, of count: Int) throws -> Int64 {
            if packed[column] == nil { packed[column] = try reader.packed(column, of: block) }
            let value = packed[column]?.withUnsafeBytes {
                PackedColumn.value($0, at: place, of: count)
            }
            guard let value = value ?? nil else { throw reader.damaged(block.number) }
            return value
        }

        private func reports(_ place: Int) throws -> [Int64] {
            if let starts {
                let range = starts[place]..<starts[place + 1]
                if let known = held[.reports] { return Array(known[range]) }
                return try range.map {
                    try packed(.reports, $0, of: starts[block.count])
                }
            }
            let start = place == 0 ? 0 : try value(.reportEnd, place - 1)
            let end = try value(.reportEnd, place)
            let all = try value(.reportEnd, block.count - 1)
            guard start >= 0, start <= end, end <= all, all <= Int64(reportsMax) else {
                throw reader.damaged(block.number)
            }
            return try (start..<end).map {
                try packed(.reports, Int($0), of: Int(all))
            }
        }

        func row(_ place: Int) throws -> TraceRow {
            let endedAt = try value(.endedAt, place)
            let origin = try value(.origin, place)
            let member = try value(.member, place)
            let isSlot = try reader.slotOrigins().contains(origin)
            return TraceRow(
                position: try value(.position, place), endedAt: endedAt,
                requestedAt: endedAt &- (try value(.duration, place)),
                trace: try value(.trace, place), attempt: try value(.attempt, place),
                source: try value(.source, place), destination: try value(.destination, place),
                question: try value(.question, place), cluster: try value(.cluster, place),
                outcome: try value(.outcome, place), origin: origin,
                member: isSlot ? endedAt &- member : member, labels: try value(.labels, place),
                reports: try reports(place))
        }
    }
}
