/// A hash of bytes, eight at a time, each folded in by one multiplication.
///
/// It begins with a number drawn anew by each process, so that nobody can prepare names that fall
/// together.
enum FoldedHash {
    private static let seed = UInt64.random(in: .min ... .max)

    static func of(_ bytes: [UInt8]) -> UInt64 {
        bytes.withUnsafeBytes { bytes in
            var hash = fold(seed ^ UInt64(bytes.count), 0x9E37_79B9_7F4A_7C15)
            var place = 0
            while place + 8 <= bytes.count {
                let word = bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self)
                hash = fold(hash ^ word, 0xD6E8_FEB8_6659_FD93)
                place += 8
            }
            var rest: UInt64 = 0
            for byte in bytes[place...] { rest = rest << 8 | UInt64(byte) }
            return fold(hash ^ rest, 0xA076_1D64_78BD_642F)
        }
    }

    /// Both halves of the product of 128 bits.
    private static func fold(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let product = a.multipliedFullWidth(by: b)
        return product.high ^ product.low
    }
}
