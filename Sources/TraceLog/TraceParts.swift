import JobLog
import Scheduler
import Traceflow

/// A TraceRequested in parts, of which many traces share most.
package struct RequestParts: Sendable {
    package enum Content: Sendable {
        /// The numbers of what the log keeps once for many traces; 0 for nothing.
        case shared(template: Int64, source: Int64, destination: Int64)
        /// As old versions wrote it.
        indirect case whole(TraceRequest)
    }

    package var content: Content
    package var naming: TraceName
    package var labels: [String: String]
}

/// What a TraceRequested shares with others; nil for nothing.
package struct RequestSymbols: Sendable {
    package var template: Symbol
    package var source: Symbol?
    package var destination: Symbol?
    package var scope: Symbol?

    package init(template: Symbol, source: Symbol?, destination: Symbol?, scope: Symbol?) {
        self.template = template
        self.source = source
        self.destination = destination
        self.scope = scope
    }
}

/// A NodeReported in parts.
package struct ReportParts: Sendable {
    package enum Content: Sendable {
        case shared(Int64)
        indirect case whole(NodeResult)
    }

    package var attempt: Int
    package var sequence: Int
    package var content: Content
}

/// Traces in parts, for those who keep each part once as the log does.
extension TraceCoding {
    /// The parts of a TraceRequested.
    package func requestParts(of row: EventRow) throws -> RequestParts {
        guard row.schema == 2 else {
            let request = try request(row)
            return RequestParts(
                content: .whole(request), naming: request.naming, labels: request.labels)
        }
        return try Self.naming(row, .traceRequested) {
            let fields = try RequestFields(row.payload)
            return RequestParts(
                content: .shared(
                    template: fields.symbols.first, source: fields.symbols.second,
                    destination: fields.symbols.third),
                naming: fields.naming,
                // Labels are rare, and a map is not read in place.
                labels: fields.hasMaps ? try request(row).labels : [:])
        }
    }

    /// The parts of a NodeReported.
    package func reportParts(of row: EventRow) throws -> ReportParts {
        guard row.schema == 2 else {
            guard case .trace(.nodeReported(let id, let result)) = try event(row) else {
                throw TraceLogError(.malformedEvent, position: row.position, detail: "no report")
            }
            return ReportParts(
                attempt: id.attempt, sequence: id.sequence, content: .whole(result))
        }
        return try Self.naming(row, .nodeReported) {
            var parts = ReportParts(attempt: 0, sequence: 0, content: .shared(0))
            var reader = WireReader(row.payload)
            while let field = try reader.next() {
                switch field.number {
                case 1: parts.attempt = Int(truncatingIfNeeded: field.value)
                case 3: parts.sequence = Int(truncatingIfNeeded: field.value)
                case SymbolNumbers.field:
                    guard let bytes = field.bytes else { continue }
                    var symbols = SymbolNumbers()
                    try symbols.read(bytes)
                    parts.content = .shared(symbols.first)
                case _: break
                }
            }
            return parts
        }
    }

    /// The attempt that a TagAllocated begins.
    package func attempt(of row: EventRow) throws -> Int {
        guard row.schema == 2 else { return try tagAllocation(row).attempt }
        return try Self.naming(row, .tagAllocated) {
            var attempt = 0
            var reader = WireReader(row.payload)
            while let field = try reader.next() {
                if field.number == 1 { attempt = Int(truncatingIfNeeded: field.value) }
            }
            return attempt
        }
    }

    /// The request without name, ends and scope that the symbol stands for.
    package func template(_ symbol: Int64) throws -> TraceRequest { try shapes.template(symbol) }

    package func source(_ symbol: Int64) throws -> TraceflowSpec.Source? {
        try shapes.source(symbol)
    }

    package func destination(_ symbol: Int64) throws -> TraceflowSpec.Destination? {
        try shapes.destination(symbol)
    }

    /// What a node saw, without when.
    package func report(_ symbol: Int64) throws -> NodeResult {
        let shape = try shapes.report(symbol)
        return NodeResult(node: shape.node, timestamp: 0, observations: shape.observations)
    }

    /// The node that saw it.
    package func node(ofReport symbol: Int64) throws -> String { try shapes.report(symbol).node }

    /// What a request asks whoever sends it and whatever the cluster is, as bytes: equal questions
    /// have equal ones.
    package static func question(of request: TraceRequest) throws(TraceLogError) -> [UInt8] {
        var rest = TraceRequest(
            name: "", apiVersion: request.apiVersion, spec: request.spec, priority: 0)
        rest.spec.source = nil
        rest.spec.destination = nil
        return try EventCoding.bytes(PBTraceRequested(rest))
    }

    /// The request of the bytes that `question(of:)` made; nil for others.
    package static func request(question bytes: [UInt8]) -> TraceRequest? {
        guard let message = try? PBTraceRequested(serializedBytes: bytes) else { return nil }
        return try? TraceRequest(message)
    }

    /// What a node saw as bytes, without when: equal reports have equal ones.
    package static func bytes(ofReport report: NodeResult) -> [UInt8] {
        WireWriter.shape(of: report, by: report.node)
    }

    /// The report of the bytes that `bytes(ofReport:)` made; nil for others.
    package static func report(bytes: [UInt8]) -> NodeResult? {
        try? NodeResult(shape: bytes)
    }
}
