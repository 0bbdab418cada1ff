/// Numbers of a dictionary, which are small and dense: asking for one costs one look.
struct NumberSet {
    let all: Set<Int64>
    private let bits: [UInt64]

    /// A file that was tampered with may name any; beyond this they are looked up one by one.
    private static let bitsMax: Int64 = 1 << 26

    init(_ numbers: Set<Int64>) {
        all = numbers
        let most = numbers.max() ?? -1
        guard most < Self.bitsMax, numbers.min() ?? 0 >= 0 else {
            bits = []
            return
        }
        var bits = [UInt64](repeating: 0, count: Int(most) / 64 + 1)
        for number in numbers { bits[Int(number / 64)] |= 1 << UInt64(number % 64) }
        self.bits = bits
    }

    var isEmpty: Bool { all.isEmpty }
    var count: Int { all.count }

    func contains(_ number: Int64) -> Bool {
        guard !bits.isEmpty else { return all.contains(number) }
        guard number >= 0, number / 64 < Int64(bits.count) else { return false }
        return bits[Int(number / 64)] >> UInt64(number % 64) & 1 == 1
    }

    /// The places whose value is in the set.
    func filter(_ places: [Int], _ values: [Int64]) -> [Int] {
        if all.count == 1, let only = all.first { return places.filter { values[$0] == only } }
        return places.filter { contains(values[$0]) }
    }
}
