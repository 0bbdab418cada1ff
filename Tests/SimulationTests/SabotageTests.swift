import Simulator
import Testing

/// Runs that are made wrong on purpose: each has to be found out.
struct SabotageTests {
    /// The first run of the seeds that is found out.
    private func found(_ sabotage: Sabotage, _ seeds: ClosedRange<UInt64>) -> Simulation.Outcome? {
        for seed in seeds {
            let outcome = Simulation(Plan(seed: seed, sabotage: sabotage)).run()
            if outcome.violation != nil { return outcome }
        }
        return nil
    }

    @Test(arguments: [
        Sabotage.lyingDisk, .unsyncedCommits, .rogueDecider, .falseAcknowledgement, .doubleName,
        .lostOutbox, .endlessStep,
    ])
    func whatIsWrongIsFoundAndFoundAgainAtTheSameStep(sabotage: Sabotage) throws {
        let outcome = try #require(found(sabotage, 1...40), "\(sabotage) went unnoticed")
        let again = Simulation(Plan(seed: outcome.seed, sabotage: sabotage)).run()
        #expect(again.violation == outcome.violation)
        #expect(again.tally.steps == outcome.tally.steps)
        #expect(again.digest == outcome.digest)
        let place = "seed \(outcome.seed) FAILED in step \(outcome.tally.steps): "
        #expect("\(outcome)".contains(place))
    }

    @Test(arguments: [
        (Sabotage.standstill, "it stands still"), (.trap, "the program crashed"),
        (.endlessStep, "the step does not end"),
    ])
    func aRunThatCannotGoOnSaysWhereItIs(sabotage: Sabotage, reason: String) throws {
        let result = try Program.simulate(
            6...6, hours: 0.1, ["SABOTAGE": sabotage.rawValue, "PATIENCE": "0.5"])
        #expect(result.status != 0)
        #expect(result.output.contains("seed 6 FAILED in step 51: \(reason)"), "\(result.output)")
    }
}
