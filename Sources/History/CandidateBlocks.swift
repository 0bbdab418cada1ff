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
