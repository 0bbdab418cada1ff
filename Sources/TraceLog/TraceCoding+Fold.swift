import JobLog
import Scheduler
import Traceflow

extension TraceCoding {
    /// Takes the event into the scheduling state.
    ///
    /// Does what decoding and `SchedulerState.evolve` would do, without making values that
    /// scheduling has no use for: a replay is this call for every event.
    public func fold(_ row: EventRow, into state: inout SchedulerState) throws {
        let type = try Self.type(of: row)
        let id = TraceID(row.stream)
        try Self.naming(row, type) {
            switch type {
            case .traceRequested where row.schema == 2:
                let facts = try shapes.facts(symbols(row))
                state.evolve(requested: id, facts, position: row.position)
            case .nodeReported where row.schema == 2:
                try foldReport(row, id, into: &state)
            case .tagAllocated where row.schema == 2:
                evolve(.tagAllocated(try allocation(row)), row, &state)
            case .traceSucceeded, .traceTimedOut:
                evolve(try ending(type, row), row, &state)
            case .packetCaptured, .clusterObserved, .logCreated, .deciderTookOver, .segmentSealed,
                .segmentArchived, .segmentRestored, .segmentDropped:
                // They decide nothing.
                break
            case .traceRequested, .tagAllocated, .nodeReported, .nodeFailed, .traceFailed,
                .retryRequested, .cancelRequested, .traceDeleted, .tagProfileChanged, .checkpoint:
                switch try EventCoding.decode(type, Array(row.payload)) {
                case .trace(let event): evolve(event, row, &state)
                case .tagProfileChanged(let profile): state.evolve(profile)
                // A checkpoint says what the fold is here already.
                case .clusterObserved, .logCreated, .deciderTookOver, .segmentSealed, .checkpoint,
                    .segmentArchived, .segmentRestored, .segmentDropped:
                    break
                }
            }
        }
    }

    /// The same of an event that was read before.
    public func fold(_ recorded: RecordedEvent, into state: inout SchedulerState) throws {
        try recorded.withRow { try fold($0, into: &state) }
    }

    private func evolve(_ event: TraceEvent, _ row: EventRow, _ state: inout SchedulerState) {
        state.evolve(
            TraceID(row.stream), event, position: row.position,
            at: Moment(microseconds: row.recordedAt))
    }

    private func foldReport(
        _ row: EventRow, _ id: TraceID, into state: inout SchedulerState
    ) throws {
        var report = ReportID(attempt: 0, node: "", sequence: 0)
        var symbols = SymbolNumbers()
        var reader = WireReader(row.payload)
        while let field = try reader.next() {
            switch field.number {
            case 1: report.attempt = Int(truncatingIfNeeded: field.value)
            case 3: report.sequence = Int(truncatingIfNeeded: field.value)
            case SymbolNumbers.field:
                if let bytes = field.bytes { try symbols.read(bytes) }
            case _: break
            }
        }
        let shape = try shapes.report(symbols.first)
        report.node = shape.node
        state.evolve(id, report: report, summary: shape.summary)
    }

    private func ending(_ type: LogEventType, _ row: EventRow) throws -> TraceEvent {
        var attempt = 0
        var verdict = PBVerdict.unspecified
        var reader = WireReader(row.payload)
        while let field = try reader.next() {
            switch field.number {
            case 1: attempt = Int(truncatingIfNeeded: field.value)
            case 2: verdict = PBVerdict(rawValue: Int(truncatingIfNeeded: field.value)) ?? verdict
            case _: break
            }
        }
        return type == .traceSucceeded
            ? .succeeded(attempt: attempt, verdict: try Verdict(verdict))
            : .timedOut(attempt: attempt, verdict: try Verdict(verdict))
    }

    private func symbols(_ row: EventRow) throws -> SymbolNumbers {
        var symbols = SymbolNumbers()
        var reader = WireReader(row.payload)
        while let field = try reader.next() {
            if field.number == SymbolNumbers.field, let bytes = field.bytes {
                try symbols.read(bytes)
            }
        }
        return symbols
    }
}
