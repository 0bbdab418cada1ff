/// How long to wait before the next attempt: doubled each time, and drawn from the upper half, so
/// that those who failed together do not come back together.
public struct Backoff: Hashable, Sendable {
    public var firstMilliseconds: Int
    public var millisecondsMax: Int
    private var failures = 0

    public init(firstMilliseconds: Int, millisecondsMax: Int) {
        self.firstMilliseconds = firstMilliseconds
        self.millisecondsMax = millisecondsMax
    }

    public mutating func reset() { failures = 0 }

    /// What to wait after one more failure; `random` draws a number of a range.
    public mutating func next(
        random: (ClosedRange<Int>) -> Int = { Int.random(in: $0) }
    ) -> Int {
        let most = min(millisecondsMax, firstMilliseconds << min(failures, 20))
        failures += 1
        return random(most / 2...most)
    }
}
