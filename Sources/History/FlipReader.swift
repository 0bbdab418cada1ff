import JobLog

/// Finds where pairs turned.
struct FlipReader {
    private let connection: Connection
    private let rows: RowFinder

    init(_ connection: Connection, _ rows: RowFinder) {
        self.connection = connection
        self.rows = rows
    }

    /// Of both rows the places among all.
    typealias Found = (kind: Int64, before: Int64, after: Int64)

    func flips(_ query: HistoryQuery, before position: Int64, limit: Int) throws -> [Found] {
        var found: [Found] = []
        guard limit > 0 else { return found }
        for (sql, values) in Self.statements(query) {
            let flips = try connection.statement(
                """
                select position, ended_at, kind, place, before, source, destination from flip
                where \(sql) position < ? order by position desc
                """)
            defer { flips.reset() }
            flips.bind(values + [.number(position)])
            var taken = 0
            while taken < limit, try flips.step() {
                let endedAt = flips.number(1)
                if endedAt < query.since { break }
                guard endedAt <= query.until, query.mayEnd(flips.number(5), flips.number(6)) else {
                    continue
                }
                // What it came to is what is asked for.
                if query.asksBeyondEnds {
                    guard let row = try rows.row(flips.number(3)), query.matches(row) else {
                        continue
                    }
                }
                found.append((flips.number(2), flips.number(4), flips.number(3)))
                taken += 1
            }
        }
        return Array(found.sorted { $0.after > $1.after }.prefix(limit))
    }

    /// One statement for each end that is named; one for all where none is, or where too many are.
    private static func statements(_ query: HistoryQuery) -> [(String, [Value])] {
        let namedMax = 16
        if let sources = query.sources, let destinations = query.destinations,
            sources.count * destinations.count <= namedMax
        {
            return sources.all.flatMap { source in
                destinations.all.map {
                    ("source = ? and destination = ? and", [.number(source), .number($0)])
                }
            }
        }
        if let destinations = query.destinations, destinations.count <= namedMax {
            return destinations.all.map { ("destination = ? and", [.number($0)]) }
        }
        return [("", [])]
    }
}
