import Captures
import Testing

/// Which captures a policy gives up: the oldest, as few as do.
struct CapturePruningTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var about: String
        var policy: CapturePruning
        /// The position of the last one that goes; nil for none.
        var through: Int64?
        var testDescription: String { about }
    }

    /// Six captures of ten packets, a second apart, two to a file of a hundred bytes; the second and
    /// the third file were filled side by side.
    static let captures = zip([1, 1, 2, 3, 2, 3], 1...).map { file, number in
        CapturePruning.Capture(
            position: Int64(number) * 100, archivedAt: Int64(number) * 1_000_000,
            file: Int64(file), packets: 10)
    }
    static let bytes: [Int64: Int64] = [1: 100, 2: 100, 3: 100]

    static let rows: [Row] = [
        Row(about: "all are young enough", policy: .init(ageMicroseconds: 9_000_000)),
        Row(about: "two are too old", policy: .init(ageMicroseconds: 7_500_000), through: 200),
        Row(
            about: "one at its age stays", policy: .init(ageMicroseconds: 9_000_000 - 1),
            through: 100),
        Row(about: "all are too old", policy: .init(ageMicroseconds: 0), through: 600),
        Row(about: "as many as may be", policy: .init(countMax: 6)),
        Row(about: "one too many", policy: .init(countMax: 5), through: 100),
        Row(about: "none may be", policy: .init(countMax: 0), through: 600),
        Row(about: "as large as may be", policy: .init(bytesMax: 300)),
        Row(about: "a byte too large", policy: .init(bytesMax: 299), through: 200),
        Row(
            about: "files side by side go one after another", policy: .init(bytesMax: 199),
            through: 500),
        Row(about: "nothing may be left", policy: .init(bytesMax: 0), through: 600),
        Row(
            about: "the strictest limit counts",
            policy: .init(ageMicroseconds: 8_500_000, bytesMax: 250, countMax: 3), through: 300),
    ]

    @Test(arguments: rows) func theOldestGo(row: Row) {
        let plan = row.policy.plan(Self.captures, fileBytes: Self.bytes, at: 10_000_000)
        #expect(plan?.through == row.through)
        let gone = Self.captures.filter { $0.position <= row.through ?? 0 }
        #expect(plan?.captures ?? 0 == gone.count)
        #expect(plan?.packets ?? 0 == gone.count * 10)
    }

    @Test func theLimitsThatWerePassedAreNamed() {
        let policy = CapturePruning(ageMicroseconds: 8_500_000, bytesMax: 1000, countMax: 3)
        let plan = policy.plan(Self.captures, fileBytes: Self.bytes, at: 10_000_000)
        #expect(plan?.limits == [.age, .count])
    }

    /// A file that is not there any more frees nothing.
    @Test func aMissingFileHasNoBytes() {
        let plan = CapturePruning(bytesMax: 150).plan(
            Self.captures, fileBytes: [2: 100, 3: 100], at: 0)
        #expect(plan?.through == 500)
    }

    @Test func momentsThatNoClockShowsAreNoTrap() {
        let odd = [
            CapturePruning.Capture(position: 1, archivedAt: .max, file: 1, packets: 1),
            CapturePruning.Capture(position: 2, archivedAt: .min, file: 1, packets: 1),
        ]
        #expect(CapturePruning(ageMicroseconds: 1).plan(odd, fileBytes: [:], at: .min) == nil)
        let plan = CapturePruning(ageMicroseconds: 1).plan(
            odd.reversed(), fileBytes: [:], at: .max)
        #expect(plan?.captures == 1)
    }
}
