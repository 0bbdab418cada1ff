import Cluster
import JobLog
import Scheduler
import TraceLog
import Traceflow
import Worker

/// The calls of the measured libraries that scenarios share: what changes with them changes here.
enum Subject {
    static func newLog(
        _ folder: String, durability: JobLog.Durability = .full
    ) throws -> JobLog {
        try JobLog.openTraces(folder, access: .create, durability: durability)
    }

    static func log(
        _ folder: String, durability: JobLog.Durability = .full
    ) throws -> JobLog {
        try JobLog.openTraces(folder, access: .readWrite, durability: durability)
    }

    /// A stream of a trace whose name is derived, so that no index holds it.
    static var stream: NewStream { NewStream(family: StreamFamily.trace.rawValue) }

    /// Records requests with derived names, 10,000 a transaction; the number of the first stream.
    @discardableResult
    static func request(_ numbers: Range<Int>, _ world: World, in log: JobLog) throws -> Int64 {
        let coding = TraceCoding(log: log)
        var first: Int64?
        var next = numbers.lowerBound
        while next < numbers.upperBound {
            let chunk = next..<min(next + 10_000, numbers.upperBound)
            var request = AppendRequest()
            request.newStreams = Array(repeating: stream, count: chunk.count)
            request.drafts.reserveCapacity(chunk.count)
            for number in chunk {
                request.drafts.append(
                    try coding.draft(
                        .trace(.requested(world.request(number))), stream: .new(number - next)))
            }
            let streams = try log.append(request).streams
            first = first ?? streams.first
            next = chunk.upperBound
        }
        return first ?? 0
    }

    /// Reads the log, decodes it and folds it, as who starts to decide does; how many events.
    static func fold(_ log: JobLog, into state: inout SchedulerState) throws -> Int {
        let coding = TraceCoding(log: log)
        return try log.scan(after: 0) { try coding.fold($0, into: &state) }
    }

    /// Hands over every event after the position in order.
    static func pages(
        of log: JobLog, after position: Int64 = 0, _ body: (RecordedEvent) throws -> Void
    ) throws {
        var last = position
        while true {
            let events = try log.read(after: last, limit: 10_000)
            guard let end = events.last else { return }
            for event in events { try body(event) }
            last = end.position
        }
    }

    /// Opens the log and recovers its scheduling state, up to the first look at what to decide.
    static func recover(_ folder: String) throws {
        let log = try log(folder)
        let lease = try log.acquireLease(
            role: "decider", holder: "bench", durationMicroseconds: 10_000_000)
        guard let lease else { throw BenchError("somebody else decides") }
        var decider = Decider(
            log: log, coding: TraceCoding(log: log), clock: .system,
            leaseMicroseconds: 10_000_000)
        _ = try decider.decide(holding: lease, executors: [], profile: nil)
        try log.releaseLease(lease)
    }

    static func worker(_ log: JobLog, id: String, latencyMilliseconds: Int = 0) -> Worker {
        Worker(
            log: log,
            backend: SimulatedBackend(
                world: ClusterStore(log: log), seed: 1,
                faults: Faults(latencyMillisecondsMax: latencyMilliseconds)),
            options: .init(id: id, inFlightMax: inFlight))
    }

    static let inFlight = 4096

    static func isEnd(_ type: Int32) -> Bool {
        switch LogEventType(rawValue: type) {
        case .traceSucceeded, .traceTimedOut, .traceFailed: true
        default: false
        }
    }

    static func isRequest(_ type: Int32) -> Bool {
        type == LogEventType.traceRequested.rawValue
    }

    static func isAllocation(_ type: Int32) -> Bool {
        type == LogEventType.tagAllocated.rawValue
    }

    static func isTakeover(_ type: Int32) -> Bool {
        type == LogEventType.deciderTookOver.rawValue
    }

    /// Answers the port for every ordered pair of Pods, from compiled policies; how many may speak.
    static func matrix(_ cluster: Cluster, port: Int) throws -> Int {
        try cluster.reachability(on: [.init(protocol: "TCP", number: port)])
            .allowedCount(port: 0)
    }

    /// Who holds the decider's lease.
    static func decider(of log: JobLog) throws -> String? {
        try log.leases(rolePrefix: "decider").first?.holder
    }
}
