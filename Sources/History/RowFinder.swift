import JobLog

/// Reads packed rows by their places among all: several of one block at little more than the cost
/// of one.
final class RowFinder {
    private let reader: BlockReader
    private let rowsABlock: Int64
    private var columns: [Int64: BlockReader.Columns] = [:]

    private static let heldMax = 64

    init(_ connection: Connection, rowsABlock: Int) {
        reader = BlockReader(connection)
        self.rowsABlock = Int64(rowsABlock)
    }

    /// Nil when there is none.
    func row(_ place: Int64) throws -> TraceRow? {
        guard place >= 0, let columns = try columns(place / rowsABlock) else { return nil }
        let inBlock = Int(place % rowsABlock)
        return inBlock < columns.block.count ? try columns.row(inBlock) : nil
    }

    private func columns(_ number: Int64) throws -> BlockReader.Columns? {
        if let known = columns[number] { return known }
        guard let block = try reader.blocks(where: "number = ?", number).first else { return nil }
        if columns.count >= Self.heldMax { columns = [:] }
        let made = BlockReader.Columns(reader, block)
        columns[number] = made
        return made
    }
}
