/// A repeatable source of numbers (Steele, Lea and Flood's SplitMix64).
///
/// Each use has dice of its own, made of the seed and a purpose, so that a change in one part of a
/// run leaves what the others draw as it was.
struct Dice: Sendable {
    enum Purpose: UInt64 {
        case plan, schedule, load, faults, disk, plane, clocks, sabotage
    }

    private var state: UInt64

    init(_ seed: UInt64, _ purpose: Purpose, _ more: UInt64 = 0) {
        state = seed &* 0xD134_2543_DE82_EF95 ^ (purpose.rawValue &+ 1) &* 0x9E37_79B9_7F4A_7C15
        state = number() ^ more &* 0xBF58_476D_1CE4_E5B9
    }

    mutating func number() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// From 0 up to, not including, `bound`; 0 for a bound of 0.
    mutating func below(_ bound: Int) -> Int { Int(number() % UInt64(max(bound, 1))) }

    mutating func within(_ range: ClosedRange<Int64>) -> Int64 {
        range.lowerBound + Int64(number() % UInt64(range.upperBound - range.lowerBound + 1))
    }

    /// Whether something of that chance, in thousandths, comes about.
    mutating func happens(_ perMille: Int) -> Bool { below(1000) < perMille }

    mutating func pick<T>(_ choices: [T], otherwise: T) -> T {
        choices.isEmpty ? otherwise : choices[below(choices.count)]
    }
}
