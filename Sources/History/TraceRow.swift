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
    case labels
    /// How many reports the rows so far have, this one's included.
    case reportEnd
    case reports
}

/// Ended attempts in columns.
enum BlockParts {
    /// Attempts of a full block.
    static let rowsABlock = 8192

    static func id(_ block: Int64, _ column: Column) -> Int64 { block << 4 | column.rawValue }

    static func bytes(_ rows: [TraceRow], _ column: Column, isSlot: (Int64) -> Bool) -> [UInt8] {
        switch column {
        case .reports: return PackedColumn.bytes(rows.flatMap(\.reports))
        case .reportEnd:
            var end: Int64 = 0
            return PackedColumn.bytes(
                rows.map { row in
                    end += Int64(row.reports.count)
                    return end
                })
        case .position: return PackedColumn.bytes(rows.map(\.position))
        case .endedAt: return PackedColumn.bytes(rows.map(\.endedAt))
        case .duration: return PackedColumn.bytes(rows.map { $0.endedAt &- $0.requestedAt })
        case .trace: return PackedColumn.bytes(rows.map(\.trace))
        case .attempt: return PackedColumn.bytes(rows.map(\.attempt))
        case .source: return PackedColumn.bytes(rows.map(\.source))
        case .destination: return PackedColumn.bytes(rows.map(\.destination))
        case .question: return PackedColumn.bytes(rows.map(\.question))
        case .cluster: return PackedColumn.bytes(rows.map(\.cluster))
        case .outcome: return PackedColumn.bytes(rows.map(\.outcome))
        case .origin: return PackedColumn.bytes(rows.map(\.origin))
        case .labels: return PackedColumn.bytes(rows.map(\.labels))
        case .member:
            return PackedColumn.bytes(
                rows.map { isSlot($0.origin) ? $0.endedAt &- $0.member : $0.member })
        }
    }
}
