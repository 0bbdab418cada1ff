/// A set of Pods by index, one bit each.
///
/// All sets of one cluster have room for the same Pods, so that they can be combined word by word.
struct PodSet: Hashable, Sendable {
    private var words: [UInt64]
    /// How many Pods there is room for.
    private(set) var capacity: Int

    init(count: Int) {
        capacity = count
        words = [UInt64](repeating: 0, count: (count + 63) / 64)
    }

    /// All Pods there are.
    init(all count: Int) {
        capacity = count
        words = [UInt64](repeating: .max, count: (count + 63) / 64)
        trim()
    }

    init(count: Int, _ members: some Sequence<Int32>) {
        self.init(count: count)
        for member in members { insert(Int(member)) }
    }

    private mutating func trim() {
        let rest = capacity & 63
        if rest > 0, let last = words.indices.last { words[last] &= (1 << UInt64(rest)) - 1 }
    }

    var isEmpty: Bool { words.allSatisfy { $0 == 0 } }

    /// How many Pods are in the set.
    var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

    /// False for a Pod there is no room for.
    func contains(_ pod: Int) -> Bool {
        pod >> 6 < words.count && words[pod >> 6] & (1 << UInt64(pod & 63)) != 0
    }

    mutating func insert(_ pod: Int) { words[pod >> 6] |= 1 << UInt64(pod & 63) }

    /// Makes the Pod a member or not.
    mutating func set(_ pod: Int, to isMember: Bool) {
        if isMember { insert(pod) } else { words[pod >> 6] &= ~(1 << UInt64(pod & 63)) }
    }

    mutating func formUnion(_ other: PodSet) {
        for index in words.indices { words[index] |= other.words[index] }
    }

    mutating func formIntersection(_ other: PodSet) {
        for index in words.indices { words[index] &= other.words[index] }
    }

    mutating func subtract(_ other: PodSet) {
        for index in words.indices { words[index] &= ~other.words[index] }
    }

    func isSubset(of other: PodSet) -> Bool {
        words.indices.allSatisfy { words[$0] & ~other.words[$0] == 0 }
    }

    func intersection(_ other: PodSet) -> PodSet {
        var result = self
        result.formIntersection(other)
        return result
    }

    /// Moves `part` of `source` over: what is taken here is gone there.
    mutating func take(_ part: PodSet, from source: inout PodSet) {
        for index in words.indices {
            let taken = source.words[index] & part.words[index]
            words[index] |= taken
            source.words[index] &= ~taken
        }
    }

    /// Makes room for one more Pod, which is not a member.
    mutating func grow() {
        if capacity & 63 == 0 { words.append(0) }
        capacity += 1
    }

    /// Takes the Pod's place out, so that all after it move down by one.
    mutating func removePlace(of pod: Int) {
        let word = pod >> 6
        let below: UInt64 = (1 << UInt64(pod & 63)) - 1
        words[word] = words[word] & below | (words[word] >> 1) & ~below
        for next in words.indices.dropFirst(word + 1) {
            words[next - 1] |= words[next] << 63
            words[next] >>= 1
        }
        capacity -= 1
        if words.count > (capacity + 63) / 64 { words.removeLast() }
    }

    /// The members in ascending order.
    var members: [Int] {
        var members: [Int] = []
        forEach { members.append($0) }
        return members
    }

    func forEach(_ body: (Int) -> Void) {
        for (index, word) in words.enumerated() {
            var left = word
            while left != 0 {
                body(index << 6 | left.trailingZeroBitCount)
                left &= left - 1
            }
        }
    }
}
