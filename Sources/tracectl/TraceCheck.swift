import JobLog
import Scheduler
import TraceLog
import Traceflow

/// Folds the whole log, so that what it means is checked as well as what it holds.
///
/// Where segments are archived or dropped, it begins anew with the checkpoint after the gap, and
/// leaves out traces that began before.
struct TraceCheck {
    private let log: JobLog
    private let coding: TraceCoding
    private var position: Int64 = 0
    private var isWhole = true
    /// Nil from a gap to the checkpoint after it.
    private var state: SchedulerState? = SchedulerState()
    private var traces: [Int64: Trace] = [:]
    private var digests: Set<[UInt8]> = []
    private var count = 0

    private static let chunk = 10_000

    private init(_ log: JobLog) {
        self.log = log
        coding = TraceCoding(log: log)
    }

    /// How many traces there are; throws the first fault.
    static func traces(in log: JobLog) throws -> Int {
        var check = TraceCheck(log)
        while true {
            let events = try check.coding.events(after: check.position, limit: chunk)
            guard !events.isEmpty else { return check.count }
            for (recorded, event) in events { try check.take(recorded, event) }
        }
    }

    private mutating func take(_ recorded: RecordedEvent, _ event: LogEvent) throws {
        if recorded.position != position + 1 {
            (isWhole, state, traces) = (false, nil, [:])
        }
        position = recorded.position
        switch event {
        case .clusterObserved(let observed): try take(recorded, observed)
        case .checkpoint(let snapshot):
            if let state, state.snapshot.reduced(to: snapshot.shape) != snapshot {
                throw fault(recorded, "is a checkpoint that is not what the events before it give")
            }
            if state == nil { state = SchedulerState(snapshot: snapshot) }
        case .trace(let change): try take(recorded, change)
        case .sweep(let change): try take(recorded, change)
        case .schedule: break
        case .logCreated, .deciderTookOver, .tagProfileChanged, .segmentSealed, .segmentArchived,
            .segmentRestored, .segmentDropped, .captures:
            break
        }
        if var folded = state.take() {
            try coding.fold(recorded, into: &folded)
            state = folded
        }
    }

    private mutating func take(_ recorded: RecordedEvent, _ observed: ClusterObserved) throws {
        digests.insert(observed.digest)
        for reference in observed.appeared + observed.changed
        where try log.content(reference.digest) == nil {
            throw fault(recorded, "refers to content that is not there: \(reference.key)")
        }
    }

    private mutating func take(_ recorded: RecordedEvent, _ event: TraceEvent) throws {
        let moment = Moment(microseconds: recorded.recordedAt)
        if case .requested(let request) = event, let digest = request.clusterDigest,
            isWhole, !digests.contains(digest)
        {
            throw fault(recorded, "refers to a cluster that was never observed")
        }
        guard var trace = traces.removeValue(forKey: recorded.stream) else {
            if !isWhole, recorded.version > 1 { return }
            guard let trace = Trace(event, at: moment) else {
                throw fault(recorded, "begins a trace with something other than a request")
            }
            traces[recorded.stream] = trace
            count += 1
            return
        }
        if LogEventType(rawValue: recorded.type)?.endsAttempt == true, trace.phase.isTerminal {
            throw fault(recorded, "ends an attempt that has ended already")
        }
        trace.evolve(event, at: moment)
        traces[recorded.stream] = trace
    }

    /// Members come one after the other, and a sweep ends with what they came to.
    private func take(_ recorded: RecordedEvent, _ event: SweepEvent) throws {
        guard let state else { return }
        let life = state.sweeps[SweepID(recorded.stream)]
        switch event {
        case .requested: break
        case .expanded(let first, _):
            guard life?.expanded == first else {
                throw fault(recorded, "asks for members of a sweep out of their order")
            }
        case .finished(let tally):
            guard life?.tally == tally, life?.isOver == true else {
                throw fault(recorded, "finishes a sweep with other ends than its members have")
            }
        case .cancelled:
            guard life != nil else { throw fault(recorded, "cancels a sweep that is over") }
        }
    }

    private func fault(_ event: RecordedEvent, _ text: String) -> CommandFailure {
        CommandFailure("event \(event.position) \(text)", status: CommandFailure.system)
    }
}
