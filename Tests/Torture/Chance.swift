/// Chance that a seed determines (SplitMix64, public domain), so that a run can be told again.
struct Chance: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    mutating func happens(_ percent: Int) -> Bool { number(0...99) < percent }

    mutating func pick<T>(_ values: [T]) -> T? { values.randomElement(using: &self) }

    mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }

    /// As likely between 1 and 10 as between 100 and 1,000: what goes wrong within a transaction
    /// and what goes wrong within a lease are both met.
    mutating func milliseconds(upTo longest: Int) -> Int {
        var bound = 1
        while bound < longest, happens(75) { bound *= 2 }
        return number(0...min(bound, longest))
    }
}
