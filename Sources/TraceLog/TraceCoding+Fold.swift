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
                let fields = try RequestFields(row.payload)
                let facts = try shapes.facts(
                    fields.symbols, sweep: fields.sweep, schedule: fields.schedule)
                state.evolve(requested: id, facts, position: row.position)
            case .nodeReported where row.schema == 2:
                try foldReport(row, id, into: &state)
            case .tagAllocated where row.schema == 2:
                evolve(.tagAllocated(try allocation(row)), row, &state)
            case .traceSucceeded, .traceTimedOut:
                evolve(try ending(type, row), row, &state)
            case .sweepRequested, .sweepExpanded, .sweepFinished, .sweepCancelled:
                state.evolve(
                    SweepID(row.stream), try EventCoding.decodeSweep(type, Array(row.payload)),
                    at: Moment(microseconds: row.recordedAt))
            case .scheduleChanged, .schedulePaused, .scheduleResumed, .scheduleDeleted,
                .scheduleRunRequested, .slotFired, .slotMissed, .probeBroken, .probeHealthy,
                .pathChanged, .notificationDelivered:
                state.evolve(
                    ScheduleID(row.stream),
                    try EventCoding.decodeSchedule(type, Array(row.payload)),
                    at: Moment(microseconds: row.recordedAt))
            case .clusterObserved:
                if try isChange(ofCluster: row) {
                    state.evolve(clusterChangedAt: Moment(microseconds: row.recordedAt))
                }
            case .metadataChanged, .packetCaptured, .captureArchived, .capturesExported,
                .capturesPruned, .captureFilePushed, .captureFileDropped, .captureUploaded,
                .logCreated,
                .deciderTookOver, .segmentSealed, .segmentArchived,
                .segmentRestored, .segmentDropped:
                // They decide nothing.
                break
            case .traceRequested, .tagAllocated, .traceStarted, .nodeReported, .nodeFailed,
                .traceFailed,
                .retryRequested, .cancelRequested, .traceDeleted, .tagProfileChanged, .checkpoint:
                switch try EventCoding.decode(type, Array(row.payload)) {
                case .trace(let event): evolve(event, row, &state)
                case .tagProfileChanged(let profile): state.evolve(profile)
                // A checkpoint says what the fold is here already, or less.
                case .checkpoint(let snapshot):
                    if snapshot.shape < .newest { state = SchedulerState(snapshot: snapshot) }
                case .sweep, .schedule, .clusterObserved, .logCreated, .deciderTookOver,
                    .segmentSealed, .segmentArchived, .segmentRestored, .segmentDropped,
                    .captures:
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

    /// Whether the cluster is another than the one that was seen before: not the first one of all,
    /// nor one that is said again at the beginning of a segment.
    private func isChange(ofCluster row: EventRow) throws -> Bool {
        guard row.version > 1 else { return false }
        var reader = WireReader(row.payload)
        while let field = try reader.next() {
            if field.number == 5, field.value != 0 { return false }
        }
        return true
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

    /// What an event that ends an attempt says; nil of any other.
    public func end(of row: EventRow) throws -> TraceEvent? {
        let type = try Self.type(of: row)
        switch type {
        case .traceSucceeded, .traceTimedOut:
            return try Self.naming(row, type) { try ending(type, row) }
        case .traceFailed:
            guard case .trace(let event) = try event(row) else { return nil }
            return event
        case _: return nil
        }
    }

    /// The member that a TraceRequested is of a sweep, by their numbers; nil of any other.
    public func member(of row: EventRow) throws -> (sweep: Int64, number: Int64)? {
        guard row.type == LogEventType.traceRequested.rawValue else { return nil }
        return try Self.naming(row, .traceRequested) {
            let fields = try RequestFields(row.payload)
            return fields.sweep > 0 ? (fields.sweep, fields.member) : nil
        }
    }

    /// The schedule that a TraceRequested is a run of; nil of any other.
    public func schedule(of row: EventRow) throws -> ScheduleID? {
        guard row.type == LogEventType.traceRequested.rawValue else { return nil }
        let schedule = try Self.naming(row, .traceRequested) {
            try RequestFields(row.payload).schedule
        }
        return schedule > 0 ? ScheduleID(schedule) : nil
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
}
