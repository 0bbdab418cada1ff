import JobLog
import Scheduler
import SwiftProtobuf
import Synchronization
import Traceflow

/// Turns events into the bytes of a log and back.
///
/// The shapes are in `proto/trace_event.proto`. `schema` is the number of a payload's shape; a
/// change that old readers would misread gets a new number and keeps the old one readable. What
/// many events share (observation lists, endpoints, names) are symbols of the log.
public final class TraceCoding: Sendable {
    let log: JobLog
    let shapes: SymbolShapes
    private let templates = Mutex<[TraceRequest: Symbol]>([:])
    private let endpoints = Mutex<[Endpoint: Symbol]>([:])
    private let lastExecutor = Mutex<(name: String, symbol: Symbol)?>(nil)

    /// Beyond this many a cache of symbols starts anew.
    private static let cachedMax = 100_000

    private enum Endpoint: Hashable {
        case source(TraceflowSpec.Source)
        case destination(TraceflowSpec.Destination)
        case scope(TagScope)
        case executor(String)
    }

    public init(log: JobLog) {
        self.log = log
        shapes = SymbolShapes(log: log)
    }

    private init(log: JobLog, shapes: SymbolShapes) {
        self.log = log
        self.shapes = shapes
    }

    /// What reads events of a transaction that is yet to be committed.
    public func reading(_ news: EventReader) -> TraceCoding {
        guard !news.newSymbols.isEmpty else { return self }
        return TraceCoding(
            log: log, shapes: SymbolShapes(shapes, uncommitted: news.newSymbols))
    }

    /// The number of the shape that is written today.
    public static func schema(of type: LogEventType) -> Int32 {
        switch type {
        case .traceRequested, .tagAllocated, .nodeReported: 2
        case .traceStarted, .nodeFailed, .packetCaptured, .traceSucceeded, .traceTimedOut,
            .traceFailed,
            .retryRequested, .cancelRequested, .traceDeleted, .metadataChanged, .captureArchived,
            .capturesExported,
            .capturesPruned, .captureFilePushed, .captureFileDropped, .captureUploaded,
            .scheduleChanged, .schedulePaused,
            .scheduleResumed, .scheduleDeleted, .scheduleRunRequested, .slotFired, .slotMissed,
            .probeBroken, .probeHealthy, .pathChanged, .notificationDelivered, .sweepRequested,
            .sweepExpanded,
            .sweepFinished,
            .sweepCancelled, .clusterObserved, .logCreated, .deciderTookOver, .tagProfileChanged,
            .segmentSealed, .checkpoint, .segmentArchived, .segmentRestored, .segmentDropped:
            1
        }
    }

    /// The draft of an event of the given stream.
    ///
    /// `recordedAt` is the moment it will carry, where that is known: it makes the bytes shorter.
    public func draft(
        _ event: LogEvent, stream: StreamRef, recordedAt: Moment? = nil,
        expectedVersion: Int64? = nil
    ) throws(TraceLogError) -> Draft {
        var draft =
            switch event {
            case .trace(.requested(let request)): try requested(request, stream)
            case .trace(.tagAllocated(let allocation)): allocated(allocation, stream, recordedAt)
            case .trace(.nodeReported(let id, let result)): reported(id, result, stream)
            case .trace(.succeeded(let attempt, let verdict)):
                ended(.traceSucceeded, attempt, verdict, stream)
            case .trace(.timedOut(let attempt, let verdict)):
                ended(.traceTimedOut, attempt, verdict, stream)
            case .trace, .sweep, .schedule, .clusterObserved, .logCreated, .deciderTookOver,
                .tagProfileChanged,
                .segmentSealed, .checkpoint, .segmentArchived, .segmentRestored, .segmentDropped,
                .captures:
                try EventCoding.draft(event, stream: stream)
            }
        draft.expectedVersion = expectedVersion
        return draft
    }

    /// An event of the log itself, which shares nothing with others.
    public static func draftOfLog(
        _ event: LogEvent, _ stream: Int64
    ) throws(TraceLogError) -> Draft {
        try EventCoding.draft(event, stream: .existing(stream))
    }

    /// The first event of a log, made before there is one.
    public static func firstEvent(logID: String) -> Draft {
        var wire = WireWriter()
        wire.put(1, logID)
        return Draft(
            stream: .new(0), type: LogEventType.logCreated.rawValue,
            schema: schema(of: .logCreated), payload: wire.bytes)
    }

    // MARK: requests

    private func requested(
        _ request: TraceRequest, _ stream: StreamRef
    ) throws(TraceLogError) -> Draft {
        var wire = WireWriter(capacity: 32)
        switch request.naming {
        case .given(let name): wire.put(1, name)
        case .member(let sweep, let number):
            wire.put(11, sweep)
            wire.put(12, number)
        case .slot(let schedule, let name, let moment):
            wire.put(1, name)
            wire.put(13, schedule.rawValue)
            wire.put(14, moment.microseconds)
        }
        wire.put(4, request.labels)
        wire.put(5, request.annotations)
        return Self.requested(wire, try symbols(of: request), stream)
    }

    /// The draft of a TraceRequested of a sweep's member, of which the symbols are at hand.
    package func draft(
        ofMember number: Int64, of sweep: SweepID, _ symbols: RequestSymbols, stream: StreamRef
    ) -> Draft {
        var wire = WireWriter()
        wire.put(11, sweep.rawValue)
        wire.put(12, number)
        return Self.requested(wire, symbols, stream)
    }

    private static func requested(
        _ wire: WireWriter, _ symbols: RequestSymbols, _ stream: StreamRef
    ) -> Draft {
        Draft(
            stream: stream, type: LogEventType.traceRequested.rawValue,
            schema: schema(of: .traceRequested), payload: wire.bytes,
            symbols: [symbols.template, symbols.source, symbols.destination, symbols.scope])
    }

    /// What the request shares with others.
    package func symbols(of request: TraceRequest) throws(TraceLogError) -> RequestSymbols {
        RequestSymbols(
            template: try template(of: request), source: try request.spec.source.map(symbol),
            destination: try request.spec.destination.map(symbol), scope: symbol(request.scope))
    }

    /// What is left of a request without its name, its endpoints and its scope: the same for all
    /// members of a sweep.
    private func template(of request: TraceRequest) throws(TraceLogError) -> Symbol {
        var rest = request
        rest.naming = .given("")
        rest.labels = [:]
        rest.annotations = [:]
        rest.spec.source = nil
        rest.spec.destination = nil
        rest.scope = .allNodes
        if let known = templates.withLock({ $0[rest] }) { return known }
        let symbol = log.symbol(try EventCoding.bytes(PBTraceRequested(rest)))
        templates.withLock { known in
            if known.count >= Self.cachedMax { known = [:] }
            known[rest] = symbol
        }
        return symbol
    }

    private func symbol(_ source: TraceflowSpec.Source) throws(TraceLogError) -> Symbol {
        try cached(.source(source)) { () throws(TraceLogError) in
            try EventCoding.bytes(PBSource(source))
        }
    }

    private func symbol(_ to: TraceflowSpec.Destination) throws(TraceLogError) -> Symbol {
        try cached(.destination(to)) { () throws(TraceLogError) in
            try EventCoding.bytes(PBDestination(to))
        }
    }

    /// Nil for everywhere.
    private func symbol(_ scope: TagScope) -> Symbol? {
        guard case .nodes(let nodes) = scope else { return nil }
        return cached(.scope(scope)) {
            var wire = WireWriter()
            for node in nodes { wire.put(1, node as String?) }
            return wire.bytes
        }
    }

    /// Most allocations in a row are to the same one.
    private func symbol(ofExecutor executor: String) -> Symbol {
        if let last = lastExecutor.withLock({ $0 }), last.name == executor { return last.symbol }
        let symbol = cached(.executor(executor)) { Array(executor.utf8) }
        lastExecutor.withLock { $0 = (executor, symbol) }
        return symbol
    }

    private func cached<E: Error>(
        _ key: Endpoint, _ bytes: () throws(E) -> [UInt8]
    ) throws(E) -> Symbol {
        if let known = endpoints.withLock({ $0[key] }) { return known }
        let symbol = log.symbol(try bytes())
        endpoints.withLock { known in
            if known.count >= Self.cachedMax { known = [:] }
            known[key] = symbol
        }
        return symbol
    }

    // MARK: decisions and reports

    private func allocated(
        _ allocation: TagAllocation, _ stream: StreamRef, _ recordedAt: Moment?
    ) -> Draft {
        var wire = WireWriter()
        wire.put(1, Int64(allocation.attempt))
        wire.put(2, Int64(allocation.tag))
        let deadline = allocation.deadline.microseconds
        if let recordedAt, deadline > recordedAt.microseconds {
            wire.put(6, deadline - recordedAt.microseconds)
        } else {
            wire.put(5, deadline)
        }
        return Draft(
            stream: stream, type: LogEventType.tagAllocated.rawValue,
            schema: Self.schema(of: .tagAllocated), payload: wire.bytes,
            symbols: [
                symbol(ofExecutor: allocation.executor),
                symbol(allocation.scope),
            ])
    }

    private func reported(
        _ id: ReportID, _ result: NodeResult, _ stream: StreamRef
    ) -> Draft {
        var wire = WireWriter()
        wire.put(1, Int64(id.attempt))
        wire.put(3, Int64(id.sequence))
        wire.put(4, result.timestamp)
        return Draft(
            stream: stream, type: LogEventType.nodeReported.rawValue,
            schema: Self.schema(of: .nodeReported), payload: wire.bytes,
            symbols: [log.symbol(WireWriter.shape(of: result, by: id.node))])
    }

    private func ended(
        _ type: LogEventType, _ attempt: Int, _ verdict: Verdict, _ stream: StreamRef
    ) -> Draft {
        var wire = WireWriter()
        wire.put(1, Int64(attempt))
        wire.put(2, Int64(PBVerdict(verdict).rawValue))
        return Draft(
            stream: stream, type: type.rawValue, schema: Self.schema(of: type),
            payload: wire.bytes)
    }
}
