import JobLog

/// Says which full blocks may have a term of each list, by the signatures of their bands.
final class CandidateBlocks {
    private let connection: Connection
    private let slices: [[[Int]]]
    private let rowsABlock: Int
    private var bands: [Int64: UInt16] = [:]

    init(_ connection: Connection, rowsABlock: Int, _ terms: [[Term]]) {
        self.connection = connection
        self.rowsABlock = rowsABlock
        // The rarest first: most bands are done with after one look.
        slices = terms.map { $0.map(\.slices) }.sorted { $0.count < $1.count }
    }

    func mayHave(_ block: BlockReader.Block) throws -> Bool {
        guard block.count == rowsABlock, !slices.isEmpty else { return true }
        let band = block.number / Int64(Signature.blocksABand)
        let known = try bands[band] ?? look(band)
        bands[band] = known
        return known >> UInt16(block.number % Int64(Signature.blocksABand)) & 1 == 1
    }

    private func look(_ band: Int64) throws -> UInt16 {
        var mayHave = UInt16.max
        for alternatives in slices where mayHave != 0 {
            var any: UInt16 = 0
            for term in alternatives where any & mayHave != mayHave {
                var all = mayHave
                for slice in term where all != 0 { all &= try word(band, slice) }
                any |= all
            }
            mayHave &= any
        }
        return mayHave
    }

    private func word(_ band: Int64, _ slice: Int) throws -> UInt16 {
        let place = Signature.place(band: band, slice: slice)
        let query = try connection.statement("select words from signature where id = ?")
        defer { query.reset() }
        query.bind(1, place.row)
        // A block without a signature may have anything.
        guard try query.step() else { return .max }
        let bytes = query.blobInPlace(0)
        guard bytes.count >= place.byte + 2 else { return .max }
        return UInt16(
            littleEndian: bytes.loadUnaligned(fromByteOffset: place.byte, as: UInt16.self))
    }
}

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

extension HistoryQuery {
    /// Whether the two are ends that are asked for.
    func mayEnd(_ source: Int64, _ destination: Int64) -> Bool {
        if let sources, !sources.contains(source) { return false }
        if let destinations, !destinations.contains(destination) { return false }
        guard let inNamespace else { return true }
        return inNamespace.contains(source) || inNamespace.contains(destination)
    }
}
