import Scheduler
import Testing
import Traceflow

/// `SchedulerState` against the rules said simply, on histories from fixed seeds.
struct ModelTests {
    @Test(arguments: 0..<40)
    func decisionsAreThoseOfTheSimpleRules(block: Int) {
        for seed in block * 5..<block * 5 + 5 where !agrees(seed: seed, steps: 200) { return }
    }

    private struct Run {
        var state = SchedulerState()
        /// Folds the decisions of `state` as another worker would.
        var follower = SchedulerState()
        var model: ReferenceScheduler
        var position: Int64 = 1

        mutating func fold(_ id: TraceID, _ event: TraceEvent, _ moment: Moment) {
            state.evolve(id, event, position: position, at: moment)
            follower.evolve(id, event, position: position, at: moment)
            model.evolve(id, event, position: position, at: moment)
            position += 1
        }

        mutating func decide(_ context: DecisionContext) -> (mine: [Decision], simple: [Decision]) {
            let mine = state.decide(context, position: position)
            let simple = model.decide(context, position: position)
            for (index, decision) in mine.enumerated() {
                follower.evolve(
                    decision.trace, decision.event, position: position + Int64(index),
                    at: context.now)
            }
            position += Int64(mine.count)
            return (mine, simple)
        }
    }

    private func agrees(seed: Int, steps: Int) -> Bool {
        var history = RandomHistory(seed: seed)
        var run = Run(model: ReferenceScheduler(nodes: history.nodes))
        for step in 1...steps {
            switch history.next({ run.state.life(of: $0) }) {
            case .event(let id, let event): run.fold(id, event, history.now)
            case .profile(let profile):
                run.state.evolve(profile)
                run.follower.evolve(profile)
                run.model.profile = profile
            case .decide(let context):
                let (mine, simple) = run.decide(context)
                #expect(mine == simple, "seed \(seed), step \(step)")
                if mine != simple { return false }
            }
            let faults = run.state.invariantFaults() + run.follower.invariantFaults()
            #expect(faults == [], "seed \(seed), step \(step)")
            if !faults.isEmpty { return false }
            #expect(run.state.pendingCount + run.state.runningCount == run.model.traces.count)
            if step % 40 == 0 {
                let restored = SchedulerState(snapshot: run.state.snapshot)
                #expect(restored == run.state, "seed \(seed), step \(step)")
                #expect(run.follower == run.state, "seed \(seed), step \(step)")
                #expect(restored.invariantFaults() == [], "seed \(seed), step \(step)")
                // From here on the restored state decides.
                run.state = restored
            }
        }
        return true
    }
}
