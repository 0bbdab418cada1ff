/// Gathers the rows of one transaction into batches and inserts them.
struct RowWriter {
    private let inserter: RowInserter
    private let recordedAt: Int64
    /// What waits to be inserted.
    private var batch: RowBatch
    /// What is inserted; empty once there was too much.
    private var inserted: [RowBatch] = []
    private var insertedBytes = 0

    /// The rows of a batch: a multiple of what one statement inserts.
    private static let rowsMax = 256

    init(_ inserter: RowInserter, recordedAt: Int64) {
        self.inserter = inserter
        self.recordedAt = recordedAt
        batch = RowBatch(recordedAt: recordedAt)
    }

    /// All rows that were added; nil when there were too many to keep.
    var written: [RowBatch]? {
        if insertedBytes > RecentRows.bytesMax { return nil }
        return batch.rows.isEmpty ? inserted : inserted + [batch]
    }

    /// Adds a row; `symbols` are the numbers that end its payload.
    mutating func add(
        position: Int64, stream: Int64, version: Int64, draft: Draft, symbols: [Int64]
    ) throws(JobLogError) {
        // Most transactions are small, and what they take may be kept for long.
        if batch.rows.isEmpty, !inserted.isEmpty { batch.reserve(Self.rowsMax) }
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
        guard batch.rows.count == 1 else { return }
        try inserter.insertFirst(batch)
        keepBatch()
    }

    private mutating func keepBatch() {
        insertedBytes += batch.bytesHeld
        if insertedBytes > RecentRows.bytesMax {
            inserted = []
        } else {
            inserted.append(batch)
        }
        batch = RowBatch(recordedAt: recordedAt)
    }
}
