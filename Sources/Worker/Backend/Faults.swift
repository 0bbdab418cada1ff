/// What the simulated data plane does wrong, by chance and seed.
public struct Faults: Hashable, Sendable {
    /// Longest delay of a report, in milliseconds; each report takes a random part of it.
    public var latencyMillisecondsMax: Int
    /// Chances, in percent, that a report is lost, comes twice, or comes after the ones behind it.
    public var lossPercent: Int
    public var doublingPercent: Int
    public var reorderingPercent: Int
    /// Chance, in percent, that a node says nothing in an attempt.
    public var crashPercent: Int

    public init(
        latencyMillisecondsMax: Int = 0, lossPercent: Int = 0, doublingPercent: Int = 0,
        reorderingPercent: Int = 0, crashPercent: Int = 0
    ) {
        self.latencyMillisecondsMax = latencyMillisecondsMax
        self.lossPercent = lossPercent
        self.doublingPercent = doublingPercent
        self.reorderingPercent = reorderingPercent
        self.crashPercent = crashPercent
    }

    public static let none = Faults()
}

/// A small random generator that a seed determines (SplitMix64, public domain).
struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    mutating func happens(_ percent: Int) -> Bool {
        percent > 0 && Int.random(in: 0..<100, using: &self) < percent
    }
}
