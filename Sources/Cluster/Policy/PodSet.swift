/// A set of Pods by index, one bit each.
struct PodSet: Hashable, Sendable {
    private var words: [UInt64]

    init(count: Int) { words = [UInt64](repeating: 0, count: (count + 63) / 64) }

    mutating func insert(_ pod: Int) { words[pod >> 6] |= 1 << UInt64(pod & 63) }

    func contains(_ pod: Int) -> Bool { words[pod >> 6] & (1 << UInt64(pod & 63)) != 0 }
}
