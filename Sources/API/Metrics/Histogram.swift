/// How often something took how long, in microseconds.
struct Histogram: Hashable, Sendable {
    /// Upper bounds, each included, in order.
    let bounds: [Int64]
    /// Of each bound, those that are not within the one before.
    private(set) var counts: [Int64]
    private(set) var count: Int64 = 0
    private(set) var sum: Int64 = 0

    init(bounds: [Int64]) {
        self.bounds = bounds
        counts = [Int64](repeating: 0, count: bounds.count)
    }

    /// Counts one; less than nothing, as a clock that was set back shows it, is nothing.
    mutating func add(_ microseconds: Int64) {
        let value = max(0, microseconds)
        count += 1
        sum &+= value
        for place in bounds.indices where value <= bounds[place] {
            counts[place] += 1
            return
        }
    }

    /// How long traces wait: from a pass of the decider to the hour.
    static let waits = Histogram(
        bounds: milliseconds([
            1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000,
            1_800_000, 3_600_000,
        ]))
    /// How long traces run: Antrea's timeouts are 20 s by default and 300 s at most.
    static let runs = Histogram(
        bounds: milliseconds([
            1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 20_000, 30_000, 60_000,
            120_000,
            300_000,
        ]))
    /// How late slots begin: 100 ms are promised on an idle machine.
    static let lateness = Histogram(
        bounds: milliseconds([
            5, 10, 25, 50, 100, 250, 500, 1000, 5000, 10_000, 60_000, 600_000, 3_600_000,
        ]))
    /// How long a commit takes: a sync is a fraction of a millisecond, or a disk's bad moment.
    static let commits = Histogram(bounds: [
        250, 500, 1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
        5_000_000,
    ])

    private static func milliseconds(_ bounds: [Int64]) -> [Int64] { bounds.map { $0 * 1000 } }
}
