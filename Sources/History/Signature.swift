/// Something that a trace can be asked for by, as one number: equal terms have equal ones.
struct Term {
    let hash: UInt64

    enum Kind: UInt64 {
        case pair = 1
        case source, destination, namespace, node, policy, rule, verdict, phase, origin, label
    }

    init(_ kind: Kind, _ first: Int64, _ second: Int64 = 0) {
        var hash = Self.mix(Self.seed ^ kind.rawValue)
        hash = Self.mix(hash ^ UInt64(bitPattern: first))
        self.hash = Self.mix(hash ^ UInt64(bitPattern: second))
    }

    init(_ kind: Kind, _ text: String) {
        self.init(kind, Int64(bitPattern: Digest64.of(text.utf8)))
    }

    private static let seed: UInt64 = 0x9E37_79B9_7F4A_7C15

    /// The finalizer of MurmurHash3: every bit of the input reaches every bit of the output.
    private static func mix(_ value: UInt64) -> UInt64 {
        var value = value
        value = (value ^ value >> 33) &* 0xFF51_AFD7_ED55_8CCD
        value = (value ^ value >> 33) &* 0xC4CE_B9FE_1A85_EC53
        return value ^ value >> 33
    }

    /// The slices in which a block with the term has its bit.
    func forEachSlice(_ body: (Int) -> Void) {
        let step = hash >> 32 | 1
        for number in 0..<UInt64(Signature.slicesATerm) {
            body(Int(truncatingIfNeeded: (hash &+ number &* step) % UInt64(Signature.sliceCount)))
        }
    }

    var slices: [Int] {
        var slices: [Int] = []
        forEachSlice { slices.append($0) }
        return slices
    }
}

/// FNV-1a, 64 bits: the same for equal bytes in every process.
enum Digest64 {
    static func of(_ bytes: some Sequence<UInt8>) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        return hash
    }
}

/// Which of 16 blocks may have a term: a Bloom filter for each, kept slice by slice, so that one
/// look at six words tells of 16 blocks.
///
/// A block has some 10,000 terms: with six of 128,000 bits for each, one in 250 blocks without a
/// term seems to have it.
enum Signature {
    static let sliceCount = 128_000
    static let slicesATerm = 6
    static let blocksABand = 16
    /// Rows of a band in the database, and the words of each: two rows fill a page.
    static let rowsABand = 64
    static let wordsARow = sliceCount / rowsABand

    /// Where the word of a slice lies: its row, and its byte in the row.
    static func place(band: Int64, slice: Int) -> (row: Int64, byte: Int) {
        (band * Int64(rowsABand) + Int64(slice / wordsARow), slice % wordsARow * 2)
    }
}
