/// An ended attempt as it is packed: numbers of what is kept once.
struct TraceRow: Hashable {
    /// Where the event that ended it stands in the log.
    var position: Int64
    var endedAt: Int64
    var requestedAt: Int64
    var trace: Int64
    var attempt: Int64
    var source: Int64
    var destination: Int64
    var question: Int64
    var cluster: Int64
    var outcome: Int64
    var origin: Int64
    /// The number within the sweep, or the slot of the schedule; 0 where the name was given.
    var member: Int64
    var labels: Int64
    var reports: [Int64]
}

/// The columns of a block. The numbers are those in the file.
enum Column: Int64, CaseIterable {
    case position = 0
    case endedAt, duration, trace, attempt, source, destination, question, cluster, outcome, origin
    /// Members as they are; slots as how long before the end they were.
    case member
    case labels, reportCount, reports
}

/// Ended attempts in columns.
enum BlockParts {
    /// Attempts of a full block.
    static let rowsABlock = 8192

    static func id(_ block: Int64, _ column: Column) -> Int64 { block << 4 | column.rawValue }

    static func bytes(_ rows: [TraceRow], _ column: Column, isSlot: (Int64) -> Bool) -> [UInt8] {
        PackedColumn.bytes(
            column == .reports
                ? rows.flatMap(\.reports)
                : rows.map { row in
                    switch column {
                    case .position: row.position
                    case .endedAt: row.endedAt
                    case .duration: row.endedAt &- row.requestedAt
                    case .trace: row.trace
                    case .attempt: row.attempt
                    case .source: row.source
                    case .destination: row.destination
                    case .question: row.question
                    case .cluster: row.cluster
                    case .outcome: row.outcome
                    case .origin: row.origin
                    case .member: isSlot(row.origin) ? row.endedAt &- row.member : row.member
                    case .labels: row.labels
                    case .reportCount, .reports: Int64(row.reports.count)
                    }
                })
    }
}
