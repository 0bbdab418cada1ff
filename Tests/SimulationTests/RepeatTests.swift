import Simulator
import Testing

/// A seed is a whole run: everything that happens in it follows from the number.
struct RepeatTests {
    private static let hours = 0.2

    private func run(_ seed: UInt64) -> Simulation.Outcome {
        Simulation(Plan(seed: seed, hours: Self.hours)).run()
    }

    @Test(arguments: [3, 11, 25] as [UInt64])
    func theSameSeedGivesTheSameLog(seed: UInt64) {
        let (first, second) = (run(seed), run(seed))
        #expect(first.violation == nil)
        #expect(first.tally.events > 0)
        #expect(first.digest == second.digest)
        #expect(first.tally == second.tally)
    }

    @Test func anotherSeedGivesAnotherLog() {
        let digests = Set((1...5 as ClosedRange<UInt64>).map { run($0).digest })
        #expect(digests.count == 5)
    }

    @Test func everyProcessMakesTheSameLogOfASeed() throws {
        let here = (3...5 as ClosedRange<UInt64>).map { "\(run($0))" }
        let there = try Program.simulate(3...5, hours: Self.hours)
        #expect(there.status == 0)
        #expect(there.output.hasPrefix(here.joined(separator: "\n") + "\n"))
        #expect(try Program.simulate(3...5, hours: Self.hours) == there)
    }
}
