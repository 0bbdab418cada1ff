import Simulator
import Testing

/// A few seeds of what `scripts/test` runs two hundred of.
struct SoundTests {
    @Test(arguments: 1...12 as ClosedRange<UInt64>)
    func noHourOfFaultsBreaksARule(seed: UInt64) {
        let outcome = Simulation(Plan(seed: seed)).run()
        #expect(outcome.violation == nil, "\(outcome)")
        #expect(outcome.tally.acknowledged > 0)
    }

    @Test func faultsAreCountedWhenTheyHappen() {
        var total = Tally()
        for seed in 1...3 as ClosedRange<UInt64> {
            total.add(Simulation(Plan(seed: seed)).run().tally)
        }
        #expect(total.faults.values.reduce(0, +) > 0)
        #expect(Tally().missing.count == Tally().summary.split(separator: "\n").count)
        #expect(total.missing.count < Tally().missing.count)
    }
}
