/// Gathers the rows of one transaction into batches and inserts them.
struct RowWriter {
    private let inserter: RowInserter
    private let recordedAt: Int64
    /// What waits to be inserted.
    private var batch: RowBatch
    /// What is inserted; empty when there was too much.
    private var inserted: [RowBatch] = []
    private var isCut = false

    /// The rows of a batch: a multiple of what one statement inserts.
    private static let rowsMax = 256
    /// Of the batches that are kept: those who follow the log want no more at once.
    private static let keptMax = 256

    init(_ inserter: RowInserter, recordedAt: Int64) {
        self.inserter = inserter
        self.recordedAt = recordedAt
        batch = RowBatch(recordedAt: recordedAt)
    }

    /// All rows that were added; nil when there were too many to keep.
    var written: [RowBatch]? {
        if isCut { return nil }
        return batch.rows.isEmpty ? inserted : inserted + [batch]
    }

    /// Adds a row; `symbols` are the numbers that end its payload.
    mutating func add(
        position: Int64, stream: Int64, version: Int64, draft: Draft, symbols: [Int64]
    ) throws(JobLogError) {
        if batch.rows.isEmpty { batch.reserve(Self.rowsMax) }
        batch.add(
            position: position, stream: stream, version: version, draft: draft, symbols: symbols)
        if batch.rows.count == Self.rowsMax { try flush() }
    }

    /// Inserts what waits.
    mutating func flush() throws(JobLogError) {
        guard !batch.rows.isEmpty else { return }
        try inserter.insert(batch)
        keepBatch()
    }

    /// Inserts the one row that waits, as the first of a segment that goes on from another.
    mutating func flushFirst() throws(JobLogError) {
        try inserter.insertFirst(batch)
        keepBatch()
    }

    private mutating func keepBatch() {
        if inserted.count < Self.keptMax {
            inserted.append(batch)
        } else {
            inserted = []
            isCut = true
        }
        batch = RowBatch(recordedAt: recordedAt)
    }
}
