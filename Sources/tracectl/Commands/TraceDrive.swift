import API
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
    /// How file servers are reached.
    var remote: RemoteOptions
    var backend: BackendOptions
    var limits: ClusterLimits

    /// `start` is where the log ended before they were recorded. Of PacketCaptures with a file
    /// server the packets are sent there.
    func run(_ ids: [TraceID], after start: Int64) throws {
        try drive(ids, after: start)
        let uploader = CaptureUploader(log: log, holder: WorkerCommand.uniqueID("run")) {
            try remote.store($0)
        }
        let reader = TraceReader(log: log)
        for id in ids
        where try reader.view(ofHeld: id).request.packetCapture?.fileServer != nil {
            if let uploaded = try uploader.upload(id) { Output.note(uploaded.words) }
        }
    }

    private func drive(_ ids: [TraceID], after start: Int64) throws {
        let reader = TraceReader(log: log)
        var waiting = Set(
            try ids.filter { try !reader.view(ofHeld: $0).trace.phase.isTerminal })
        guard !waiting.isEmpty else { return }
        try limits.withBackend(
            of: backend, log, simulated: { SimulatedBackend(world: store, seed: seed) }
        ) {
            backend, _ in try work(with: backend, &waiting, after: start)
        }
        if !waiting.isEmpty {
            throw CommandFailure(
                "interrupted; the traces stay in the log", status: CommandFailure.interrupted)
        }
    }

    private func work(
        with backend: any Backend, _ waiting: inout Set<TraceID>, after start: Int64
    ) throws {
        let reader = TraceReader(log: log)
        let worker = Worker(
            log: log, backend: backend,
            options: .init(
                id: WorkerCommand.uniqueID("run"), helpsOthers: false, drainMicroseconds: 0))
        let interrupt = Interrupt { worker.stop() }
        defer { interrupt.cancel() }
        // What an end means (a retry may follow) is looked up between the reads of the log.
        var ended: Set<TraceID> = []
        var last = start
        var left = waiting
        try worker.run(
            after: start,
            observe: { event in
                // What was archived before we got there may have ended any of them.
                if event.position > last + 1 { ended = left }
                last = event.position
                if LogEventType(rawValue: event.type)?.endsAttempt == true {
                    ended.insert(TraceID(event.stream))
                }
            },
            isDone: { _ in
                for id in ended.intersection(left)
                where try reader.view(ofHeld: id).trace.phase.isTerminal {
                    left.remove(id)
                }
                ended = []
                return left.isEmpty
            })
        waiting = left
    }
}

extension CaptureUploaded {
    /// What became of it, for people.
    var words: String {
        error.map { "\(url): the packets could not be sent: \($0)" } ?? "sent the packets to \(url)"
    }
}
