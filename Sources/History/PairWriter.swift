import JobLog
import Traceflow

/// Remembers what was last found between two ends, and where something else was found.
struct PairWriter {
    private let connection: Connection
    private let table: PairTable
    private var found: [Found] = []
    /// Digests of paths by the numbers of reports.
    private var paths = NumberTable<Int64>()

    private struct Found {
        var row: TraceRow
        var place: Int64
        var verdict: Int64
        /// Whether all of the path was seen: not of one that ran out of time.
        var isWhole: Bool
    }

    private static let cachedMax = 200_000
    private static let none: Int64 = -1

    init(_ connection: Connection) {
        self.connection = connection
        table = PairTable(connection)
    }

    mutating func add(_ row: TraceRow, at place: Int64, _ verdict: Verdict, isWhole: Bool) {
        found.append(
            Found(row: row, place: place, verdict: Self.number(verdict), isWhole: isWhole))
    }

    /// As the file has it; never changed.
    static func number(_ verdict: Verdict) -> Int64 {
        switch verdict {
        case .delivered: 1
        case .dropped: 2
        case .rejected: 3
        case .forwardedOutOfNetwork: 4
        case .lost: 5
        case .unknown: 6
        }
    }

    /// Compares what was found with what was before, pair by pair: neighbours in the table are
    /// found together, which random access to a million pairs would not be.
    mutating func flush() throws {
        guard !found.isEmpty else { return }
        // Places are sorted, which move faster than rows.
        let order = found.indices.sorted { found[$0].row.isBefore(found[$1].row) }
        var pairs: [Range<Int>] = []
        for place in order.indices {
            if let pair = pairs.last,
                found[order[pair.lowerBound]].row.isOfSamePair(found[order[place]].row)
            {
                pairs[pairs.count - 1] = pair.lowerBound..<place + 1
            } else {
                pairs.append(place..<place + 1)
            }
        }
        var flips: [Flip] = []
        try table.forEachBatch(of: pairs.count) { batch in
            let pairs = pairs[batch]
            let ends = pairs.map { found[order[$0.lowerBound]].row.ends }
            var now: [(PairTable.Ends, PairTable.Last)] = []
            for ((ends, pair), before) in zip(zip(ends, pairs), try table.known(ends)) {
                var last = before
                for next in order[pair] { last = try follow(found[next], after: last, &flips) }
                if let last { now.append((ends, last)) }
            }
            try table.remember(now)
        }
        found.removeAll(keepingCapacity: true)
        for flip in flips.sorted(by: { $0.found.place < $1.found.place }) {
            let row = flip.found.row
            try connection.run(
                """
                insert into flip (position, ended_at, kind, place, before, source, destination)
                values (?, ?, ?, ?, ?, ?, ?)
                """, .number(row.position), .number(row.endedAt), .number(flip.kind),
                .number(flip.found.place), .number(flip.before), .number(row.source),
                .number(row.destination))
        }
    }

    private struct Flip {
        var kind: Int64
        var before: Int64
        var found: Found
    }

    /// What is known of a pair with `next`; adds how that differs from before.
    private mutating func follow(
        _ next: Found, after last: PairTable.Last?, _ flips: inout [Flip]
    ) throws -> PairTable.Last {
        let path = next.isWhole ? try path(next.row.reports) : 0
        var now = PairTable.Last(
            verdict: next.verdict, place: next.place, path: path,
            whole: next.isWhole ? next.place : Self.none)
        if let before = last {
            if before.verdict != next.verdict {
                flips.append(Flip(kind: 0, before: before.place, found: next))
            } else if !next.isWhole {
                (now.path, now.whole) = (before.path, before.whole)
            } else if before.whole != Self.none, before.path != path {
                flips.append(Flip(kind: 1, before: before.whole, found: next))
            }
        }
        return now
    }

    /// Whichever node reported first.
    private mutating func path(_ reports: [Int64]) throws -> Int64 {
        var sum: Int64 = 0
        for report in reports {
            var digest = paths[report]
            if digest == nil {
                digest = try connection.number(
                    "select path from report where number = ?", .number(report))
                if paths.count >= Self.cachedMax { paths.removeAll() }
                paths.put(digest ?? 0, at: report)
            }
            sum = sum &+ (digest ?? 0)
        }
        return sum
    }
}

extension TraceRow {
    /// In the order of the table, then of the log.
    fileprivate func isBefore(_ other: TraceRow) -> Bool {
        if source != other.source { return source < other.source }
        if destination != other.destination { return destination < other.destination }
        if question != other.question { return question < other.question }
        return position < other.position
    }

    fileprivate var ends: PairTable.Ends {
        PairTable.Ends(source: source, destination: destination, question: question)
    }

    fileprivate func isOfSamePair(_ other: TraceRow) -> Bool {
        source == other.source && destination == other.destination && question == other.question
    }
}
