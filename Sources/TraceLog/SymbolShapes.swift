import JobLog
import Scheduler
import Synchronization
import Traceflow

/// What the symbols of a log mean, decoded once each.
final class SymbolShapes: Sendable {
    private let log: JobLog
    private let reports: DecodedSymbols<Int64, ReportShape>
    private let texts: DecodedSymbols<Int64, String>
    private let scopes: DecodedSymbols<Int64, TagScope>
    private let templates: DecodedSymbols<Int64, TraceRequest>
    private let sources: DecodedSymbols<Int64, TraceflowSpec.Source>
    private let destinations: DecodedSymbols<Int64, TraceflowSpec.Destination>
    private let schedulingFacts: DecodedSymbols<FactsKey, SchedulingFacts>
    /// What is not committed yet: decoded each time it is asked for, and kept nowhere.
    private let uncommitted: [Int64: [UInt8]]

    /// What a node saw, whichever trace it was of.
    struct ReportShape: Sendable {
        var node: String
        var observations: [Observation]
        var summary: ResultSummary
    }

    private struct FactsKey: Hashable, Sendable {
        var template: Int64
        var source: Int64
        var scope: Int64
        var sweep: Int64
        var schedule: Int64
    }

    init(log: JobLog) {
        self.log = log
        reports = DecodedSymbols()
        texts = DecodedSymbols()
        scopes = DecodedSymbols()
        templates = DecodedSymbols()
        sources = DecodedSymbols()
        destinations = DecodedSymbols()
        schedulingFacts = DecodedSymbols()
        uncommitted = [:]
    }

    /// The same with symbols of a transaction that is yet to be committed.
    init(_ shapes: SymbolShapes, uncommitted: [Int64: [UInt8]]) {
        log = shapes.log
        reports = shapes.reports
        texts = shapes.texts
        scopes = shapes.scopes
        templates = shapes.templates
        sources = shapes.sources
        destinations = shapes.destinations
        schedulingFacts = shapes.schedulingFacts
        self.uncommitted = uncommitted
    }

    func report(_ number: Int64) throws -> ReportShape {
        try value(reports, number) { bytes in
            let message = try PBNodeReported(serializedBytes: bytes)
            let observations = try message.observations.map(Observation.init)
            return ReportShape(
                node: message.node, observations: observations,
                summary: ResultSummary(of: observations))
        }
    }

    func text(_ number: Int64) throws -> String {
        try value(texts, number) { String(decoding: $0, as: UTF8.self) }
    }

    /// Everywhere for 0.
    func scope(_ number: Int64) throws -> TagScope {
        guard number != 0 else { return .allNodes }
        return try value(scopes, number) { try PBTagScope(serializedBytes: $0).scope }
    }

    /// The request that a TraceRequested stands for, without name and labels.
    func request(_ numbers: SymbolNumbers) throws -> TraceRequest {
        var request = try template(numbers.first)
        request.spec.source = try source(numbers.second)
        request.spec.destination = try destination(numbers.third)
        request.scope = try scope(numbers.fourth)
        return request
    }

    /// What scheduling must know of the request.
    func facts(
        _ numbers: SymbolNumbers, sweep: Int64, schedule: Int64
    ) throws -> SchedulingFacts {
        let key = FactsKey(
            template: numbers.first, source: numbers.second, scope: numbers.fourth, sweep: sweep,
            schedule: schedule)
        func make() throws -> SchedulingFacts {
            var request = try template(numbers.first)
            request.spec.source = try source(numbers.second)
            request.scope = try scope(numbers.fourth)
            var facts = request.facts
            facts.sweep = sweep > 0 ? SweepID(sweep) : nil
            facts.schedule = schedule > 0 ? ScheduleID(schedule) : nil
            return facts
        }
        let isCommitted =
            uncommitted.isEmpty
            || [key.template, key.source, key.scope].allSatisfy { uncommitted[$0] == nil }
        return isCommitted ? try schedulingFacts.value(key, make) : try make()
    }

    func template(_ number: Int64) throws -> TraceRequest {
        try value(templates, number) { try TraceRequest(PBTraceRequested(serializedBytes: $0)) }
    }

    func source(_ number: Int64) throws -> TraceflowSpec.Source? {
        guard number != 0 else { return nil }
        return try value(sources, number) {
            TraceflowSpec.Source(try PBSource(serializedBytes: $0))
        }
    }

    func destination(_ number: Int64) throws -> TraceflowSpec.Destination? {
        guard number != 0 else { return nil }
        return try value(destinations, number) {
            TraceflowSpec.Destination(try PBDestination(serializedBytes: $0))
        }
    }

    private func value<Value>(
        _ known: DecodedSymbols<Int64, Value>, _ number: Int64,
        _ decode: ([UInt8]) throws -> Value
    ) throws -> Value {
        if let bytes = uncommitted[number] { return try decode(bytes) }
        return try known.value(number) { try decode(bytes(number)) }
    }

    private func bytes(_ number: Int64) throws -> [UInt8] {
        guard let bytes = try log.symbol(number: number) else {
            throw Malformed(what: "symbol \(number) is missing")
        }
        return bytes
    }
}

/// Values by symbol number; starts anew when there are too many.
private final class DecodedSymbols<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private let values = Mutex<[Key: Value]>([:])

    private static var countMax: Int { 100_000 }

    func value(_ key: Key, _ decode: () throws -> Value) throws -> Value {
        if let known = values.withLock({ $0[key] }) { return known }
        let made = try decode()
        values.withLock { known in
            if known.count >= Self.countMax { known = [:] }
            known[key] = made
        }
        return made
    }
}
