import JobLog

/// The table of what was last found between two ends, read and written many rows at once: starting
/// a statement costs as much as the row that it finds.
struct PairTable {
    struct Ends {
        var source: Int64
        var destination: Int64
        var question: Int64
    }

    struct Last {
        var verdict: Int64
        var place: Int64
        /// The path of the last one that was seen whole since the verdict turned, and its place.
        var path: Int64
        var whole: Int64
    }

    /// How many rows a statement reads or writes, the most first; the last is 1.
    private static let sizes = [32, 1]
    private static let queries = sizes.map { size in
        let asked = (0..<size).map { "(\($0), ?, ?, ?)" }.joined(separator: ", ")
        return """
            with asked (number, source, destination, question) as (values \(asked))
            select number, verdict, place, path, whole
            from asked cross join pair using (source, destination, question)
            """
    }
    private static let changes = sizes.map { size in
        let rows = Array(repeating: "(?, ?, ?, ?, ?, ?, ?)", count: size)
        return """
            insert or replace into pair
            (source, destination, question, verdict, place, path, whole)
            values \(rows.joined(separator: ", "))
            """
    }

    private let connection: Connection

    init(_ connection: Connection) { self.connection = connection }

    /// Cuts so many pairs into parts of the sizes that statements have.
    func forEachBatch(of count: Int, _ body: (Range<Int>) throws -> Void) rethrows {
        var start = 0
        for size in Self.sizes {
            while count - start >= size {
                try body(start..<start + size)
                start += size
            }
        }
    }

    /// What was last found between each; of a number of pairs that `forEachBatch` gives.
    func known(_ pairs: [Ends]) throws -> [Last?] {
        var known = [Last?](repeating: nil, count: pairs.count)
        guard let form = Self.sizes.firstIndex(of: pairs.count) else { return known }
        let query = try connection.statement(Self.queries[form])
        defer { query.reset() }
        for (place, ends) in pairs.enumerated() {
            let first = Int32(place) * 3
            query.bind(first + 1, ends.source)
            query.bind(first + 2, ends.destination)
            query.bind(first + 3, ends.question)
        }
        while try query.step() {
            known[Int(query.number(0))] = Last(
                verdict: query.number(1), place: query.number(2), path: query.number(3),
                whole: query.number(4))
        }
        return known
    }

    /// Keeps what is known now; of a number of pairs that `forEachBatch` gives.
    func remember(_ pairs: [(ends: Ends, last: Last)]) throws {
        guard let form = Self.sizes.firstIndex(of: pairs.count) else { return }
        let change = try connection.statement(Self.changes[form])
        defer { change.reset() }
        for (place, (ends, last)) in pairs.enumerated() {
            let first = Int32(place) * 7
            change.bind(first + 1, ends.source)
            change.bind(first + 2, ends.destination)
            change.bind(first + 3, ends.question)
            change.bind(first + 4, last.verdict)
            change.bind(first + 5, last.place)
            change.bind(first + 6, last.path)
            change.bind(first + 7, last.whole)
        }
        _ = try change.step()
    }
}
