import JobLog
import Traceflow

/// Remembers what was last found between two ends, and where something else was found.
struct PairWriter {
    private let connection: Connection
    private var found: [Found] = []
    /// Digests of paths by the numbers of reports.
    private var paths: [Int64: Int64] = [:]

    private struct Found {
        var row: TraceRow
        var place: Int64
        var verdict: Int64
        /// Whether all of the path was seen: not of one that ran out of time.
        var isWhole: Bool
    }

    private static let cachedMax = 200_000
    private static let none: Int64 = -1

    init(_ connection: Connection) { self.connection = connection }

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
        let sorted = found.sorted { a, b in
            (a.row.source, a.row.destination, a.row.question, a.row.position)
                < (b.row.source, b.row.destination, b.row.question, b.row.position)
        }
        found.removeAll(keepingCapacity: true)
        var flips: [(kind: Int64, before: Int64, found: Found)] = []
        var place = 0
        while place < sorted.count {
            let first = sorted[place].row
            var last = try known(first)
            while place < sorted.count, sorted[place].row.isOfSamePair(first) {
                let next = sorted[place]
                place += 1
                let path = next.isWhole ? try path(next.row.reports) : 0
                var now = Last(
                    verdict: next.verdict, place: next.place, path: path,
                    whole: next.isWhole ? next.place : Self.none)
                if let before = last {
                    if before.verdict != next.verdict {
                        flips.append((0, before.place, next))
                    } else if !next.isWhole {
                        (now.path, now.whole) = (before.path, before.whole)
                    } else if before.whole != Self.none, before.path != path {
                        flips.append((1, before.whole, next))
                    }
                }
                last = now
            }
            if let last { try remember(first, last) }
        }
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

    private struct Last {
        var verdict: Int64
        var place: Int64
        /// The path of the last one that was seen whole since the verdict turned, and its place.
        var path: Int64
        var whole: Int64
    }

    private func known(_ row: TraceRow) throws -> Last? {
        let query = try connection.statement(
            """
            select verdict, place, path, whole from pair
            where source = ? and destination = ? and question = ?
            """)
        defer { query.reset() }
        query.bind(1, row.source)
        query.bind(2, row.destination)
        query.bind(3, row.question)
        guard try query.step() else { return nil }
        return Last(
            verdict: query.number(0), place: query.number(1), path: query.number(2),
            whole: query.number(3))
    }

    private func remember(_ row: TraceRow, _ last: Last) throws {
        let change = try connection.statement(
            """
            insert or replace into pair
            (source, destination, question, verdict, place, path, whole)
            values (?, ?, ?, ?, ?, ?, ?)
            """)
        defer { change.reset() }
        change.bind(1, row.source)
        change.bind(2, row.destination)
        change.bind(3, row.question)
        change.bind(4, last.verdict)
        change.bind(5, last.place)
        change.bind(6, last.path)
        change.bind(7, last.whole)
        _ = try change.step()
    }

    /// Whichever node reported first.
    private mutating func path(_ reports: [Int64]) throws -> Int64 {
        var sum: Int64 = 0
        for report in reports {
            var digest = paths[report]
            if digest == nil {
                digest = try connection.number(
                    "select path from report where number = ?", .number(report))
                if paths.count >= Self.cachedMax { paths = [:] }
                paths[report] = digest
            }
            sum = sum &+ (digest ?? 0)
        }
        return sum
    }
}

extension TraceRow {
    fileprivate func isOfSamePair(_ other: TraceRow) -> Bool {
        source == other.source && destination == other.destination && question == other.question
    }
}
