import JobLog

/// Finds packed rows by the positions of what ended them, several of one block at little more than
/// the cost of one.
final class RowFinder {
    private let connection: Connection
    private let reader: BlockReader
    private var columns: [Int64: BlockReader.Columns] = [:]

    private static let heldMax = 64

    init(_ connection: Connection) {
        self.connection = connection
        reader = BlockReader(connection)
    }

    /// Nil when no attempt was ended there.
    func row(endedAt position: Int64) throws -> TraceRow? {
        guard let block = try block(around: position) else { return nil }
        let columns = columns(block)
        let positions = try columns[.position]
        var (low, high) = (0, positions.count)
        while low < high {
            let middle = (low + high) / 2
            if positions[middle] < position { low = middle + 1 } else { high = middle }
        }
        guard low < positions.count, positions[low] == position else { return nil }
        return try columns.row(low)
    }

    private func block(around position: Int64) throws -> BlockReader.Block? {
        try reader.blocks(
            where: """
                number = (select number from block where first_position <= ?
                order by first_position desc limit 1)
                """,
            position
        ).first
    }

    private func columns(_ block: BlockReader.Block) -> BlockReader.Columns {
        if let known = columns[block.number] { return known }
        if columns.count >= Self.heldMax { columns = [:] }
        let made = BlockReader.Columns(reader, block)
        columns[block.number] = made
        return made
    }
}
