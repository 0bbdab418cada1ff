import Dispatch
import JobLog
import Scheduler
import TraceLog

extension Simulation {
    /// What a step of a worker does wrong on purpose, beyond its work.
    func disturb(_ sabotage: Sabotage, _ body: Body) {
        guard tally.steps > Self.soundSteps else { return }
        switch sabotage {
        case .endlessStep: while !body.process.isDead { _ = try? body.process.exists("/log") }
        case .standstill: DispatchSemaphore(value: 0).wait()
        case .trap: _ = [Int]()[tally.steps]
        case .lyingDisk, .unsyncedCommits, .rogueDecider, .falseAcknowledgement, .doubleName,
            .lostOutbox:
            break
        }
    }

    /// Steps in which all goes well.
    private static let soundSteps = 50

    /// Ends an attempt that runs, as only the decider may.
    func endAsNobody(_ log: JobLog, _ coding: TraceCoding) throws {
        let running = known.last { witness.ledger.story($0.id)?.phase == .running }
        guard let id = running?.id, let story = witness.ledger.story(id) else { return }
        let end = LogEvent.trace(.failed(attempt: story.attempt, reason: "because"))
        try log.append(AppendRequest(drafts: [try coding.draft(end, stream: .existing(id))]))
    }
}
