import JobLog
import Scheduler
import TraceLog
import Traceflow
import Worker

/// Runs recorded traces here to their end.
struct TraceDrive {
    var log: JobLog
    var store: ClusterStore
    /// Makes the choices of the embedded data plane repeatable.
    var seed: UInt64?

    /// `start` is where the log ended before they were recorded.
    func run(_ ids: [TraceID], after start: Int64) throws {
        let reader = TraceReader(log: log)
        var waiting = Set(
            try ids.filter { try !reader.view(ofHeld: $0).trace.phase.isTerminal })
        guard !waiting.isEmpty else { return }
        let worker = Worker(
            log: log, backend: SimulatedBackend(world: store, seed: seed),
            options: .init(
                id: WorkerCommand.uniqueID("run"), helpsOthers: false, drainMicroseconds: 0))
        let interrupt = Interrupt { worker.stop() }
        defer { interrupt.cancel() }
        // What an end means (a retry may follow) is looked up between the reads of the log.
        var ended: Set<TraceID> = []
        var last = start
        try worker.run(
            after: start,
            observe: { event in
                // What was archived before we got there may have ended any of them.
                if event.position > last + 1 { ended = waiting }
                last = event.position
                if LogEventType(rawValue: event.type)?.endsAttempt == true {
                    ended.insert(TraceID(event.stream))
                }
            },
            isDone: { _ in
                for id in ended.intersection(waiting)
                where try reader.view(ofHeld: id).trace.phase.isTerminal {
                    waiting.remove(id)
                }
                ended = []
                return waiting.isEmpty
            })
        if !waiting.isEmpty {
            throw CommandFailure(
                "interrupted; the traces stay in the log", status: CommandFailure.interrupted)
        }
    }
}
