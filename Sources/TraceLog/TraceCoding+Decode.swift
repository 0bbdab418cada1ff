import JobLog
import Scheduler
import SwiftProtobuf
import Traceflow

extension TraceCoding {
    /// The event that was recorded; types and shapes of a newer version are an error.
    public func event(_ recorded: RecordedEvent) throws -> LogEvent {
        try recorded.withRow { try event($0) }
    }

    /// The same of an event as it lies in the database.
    public func event(_ row: EventRow) throws -> LogEvent {
        let type = try Self.type(of: row)
        return try Self.naming(row, type) {
            guard row.schema == 2 else { return try EventCoding.decode(type, Array(row.payload)) }
            let payload = Array(row.payload)
            switch type {
            case .traceRequested: return .trace(.requested(try request(row.payload)))
            case .tagAllocated: return .trace(.tagAllocated(try allocation(row)))
            case .nodeReported:
                let message = try PBNodeReported(serializedBytes: payload)
                let shape = try shapes.report(SymbolNumbers(message.symbols).first)
                let id = ReportID(
                    attempt: Int(message.attempt), node: shape.node,
                    sequence: Int(message.sequence))
                return .trace(
                    .nodeReported(
                        id,
                        NodeResult(
                            node: shape.node, timestamp: message.timestampSeconds,
                            observations: shape.observations)))
            case _:
                throw Malformed(what: "schema \(row.schema)")
            }
        }
    }

    /// The request of a TraceRequested.
    public func request(_ row: EventRow) throws -> TraceRequest {
        if row.schema == 2, row.type == LogEventType.traceRequested.rawValue {
            return try Self.naming(row, .traceRequested) { try request(row.payload) }
        }
        guard case .trace(.requested(let request)) = try event(row) else {
            throw TraceLogError(.malformedEvent, position: row.position, detail: "no request")
        }
        return request
    }

    /// The allocation of a TagAllocated.
    public func tagAllocation(_ row: EventRow) throws -> TagAllocation {
        if row.schema == 2, row.type == LogEventType.tagAllocated.rawValue {
            return try Self.naming(row, .tagAllocated) { try allocation(row) }
        }
        guard case .trace(.tagAllocated(let allocation)) = try event(row) else {
            throw TraceLogError(.malformedEvent, position: row.position, detail: "no allocation")
        }
        return allocation
    }

    /// One line of JSON with the event's content, for people and scripts.
    public func json(_ recorded: RecordedEvent) throws -> String {
        let event = try event(recorded)
        do {
            return try EventCoding.message(of: event).message.jsonString()
        } catch {
            throw TraceLogError(.malformedEvent, position: recorded.position, detail: "\(error)")
        }
    }

    private func request(_ payload: UnsafeRawBufferPointer) throws -> TraceRequest {
        let fields = try RequestFields(payload)
        var request = try shapes.request(fields.symbols)
        request.naming = fields.naming
        if fields.hasMaps {
            let message = try PBTraceRequested(serializedBytes: Array(payload))
            request.labels = message.labels
            request.annotations = message.annotations
        }
        return request
    }

    func allocation(_ row: EventRow) throws -> TagAllocation {
        var allocation = TagAllocation(
            attempt: 0, tag: 0, scope: .allNodes, executor: "", deadline: Moment(microseconds: 0))
        var symbols = SymbolNumbers()
        var reader = WireReader(row.payload)
        while let field = try reader.next() {
            switch field.number {
            case 1: allocation.attempt = Int(truncatingIfNeeded: field.value)
            case 2: allocation.tag = Int(truncatingIfNeeded: field.value)
            case 5: allocation.deadline = Moment(microseconds: Int64(bitPattern: field.value))
            case 6:
                allocation.deadline = Moment(microseconds: row.recordedAt)
                    .advanced(byMicroseconds: Int64(bitPattern: field.value))
            case SymbolNumbers.field:
                if let bytes = field.bytes { try symbols.read(bytes) }
            case _: break
            }
        }
        allocation.executor = try shapes.text(symbols.first)
        allocation.scope = try shapes.scope(symbols.second)
        return allocation
    }

    static func type(of row: EventRow) throws(TraceLogError) -> LogEventType {
        guard let type = LogEventType(rawValue: row.type), row.schema >= 1,
            row.schema <= schema(of: type)
        else {
            throw TraceLogError(
                .unknownEvent, position: row.position,
                detail: "type \(row.type), schema \(row.schema)")
        }
        return type
    }

    /// Says of bytes that cannot be read where they are.
    static func naming<T>(
        _ row: EventRow, _ type: LogEventType, _ body: () throws -> T
    ) throws -> T {
        do {
            return try body()
        } catch let error as Malformed {
            throw TraceLogError(
                .malformedEvent, position: row.position, detail: "\(type.name): \(error.what)")
        } catch let error as BinaryDecodingError {
            throw TraceLogError(
                .malformedEvent, position: row.position, detail: "\(type.name): \(error)")
        }
    }
}
