import JobLog
import Scheduler
import Synchronization
import Traceflow

/// What the symbols of a log mean, decoded once each.
final class SymbolShapes: Sendable {
    private let log: JobLog
    private let known: Known
    /// What is not committed yet: decoded each time it is asked for, and kept nowhere.
    private let uncommitted: [Int64: [UInt8]]

    /// What a node saw, whichever trace it was of.
    struct ReportShape: Sendable {
        var node: String
        var observations: [Observation]
        var summary: ResultSummary
    }

    /// What was decoded so far.
    private final class Known: Sendable {
        let reports = DecodedSymbols<ReportShape>()
        let texts = DecodedSymbols<String>()
        let scopes = DecodedSymbols<TagScope>()
        let templates = DecodedSymbols<TraceRequest>()
        let sources = DecodedSymbols<TraceflowSpec.Source>()
        let destinations = DecodedSymbols<TraceflowSpec.Destination>()
        let facts = DecodedFacts()
    }

    init(log: JobLog) {
        self.log = log
        known = Known()
        uncommitted = [:]
    }

    /// The same with symbols of a transaction that is yet to be committed.
    init(_ shapes: SymbolShapes, uncommitted: [Int64: [UInt8]]) {
        log = shapes.log
        known = shapes.known
        self.uncommitted = uncommitted
    }

    func report(_ number: Int64) throws -> ReportShape {
        try value(known.reports, number) { bytes in
            let result = try NodeResult(shape: bytes)
            return ReportShape(
                node: result.node, observations: result.observations,
                summary: ResultSummary(of: result.observations))
        }
    }

    func text(_ number: Int64) throws -> String {
        try value(known.texts, number) { String(decoding: $0, as: UTF8.self) }
    }

    /// Everywhere for 0.
    func scope(_ number: Int64) throws -> TagScope {
        guard number != 0 else { return .allNodes }
        return try value(known.scopes, number) { try PBTagScope(serializedBytes: $0).scope }
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
        let key = DecodedFacts.Key(
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
        return isCommitted ? try known.facts.value(key, make) : try make()
    }

    func template(_ number: Int64) throws -> TraceRequest {
        try value(known.templates, number) {
            try TraceRequest(PBTraceRequested(serializedBytes: $0))
        }
    }

    func source(_ number: Int64) throws -> TraceflowSpec.Source? {
        guard number != 0 else { return nil }
        return try value(known.sources, number) {
            TraceflowSpec.Source(try PBSource(serializedBytes: $0))
        }
    }

    func destination(_ number: Int64) throws -> TraceflowSpec.Destination? {
        guard number != 0 else { return nil }
        return try value(known.destinations, number) {
            TraceflowSpec.Destination(try PBDestination(serializedBytes: $0))
        }
    }

    private func value<Value>(
        _ known: DecodedSymbols<Value>, _ number: Int64, _ decode: ([UInt8]) throws -> Value
    ) throws -> Value {
        if !uncommitted.isEmpty, let bytes = uncommitted[number] { return try decode(bytes) }
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
private final class DecodedSymbols<Value: Sendable>: Sendable {
    private let values = Mutex(NumberTable<Value>())

    private static var countMax: Int { 100_000 }

    func value(_ number: Int64, _ decode: () throws -> Value) throws -> Value {
        if let known = values.withLock({ $0[number] }) { return known }
        let made = try decode()
        values.withLock { known in
            if known.count >= Self.countMax { known.removeAll() }
            known.put(made, at: number)
        }
        return made
    }
}

/// What scheduling must know of requests, by what they are made of; starts anew when there are
/// too many.
private final class DecodedFacts: Sendable {
    struct Key: Hashable, Sendable {
        var template: Int64
        var source: Int64
        var scope: Int64
        var sweep: Int64
        var schedule: Int64
    }

    private let values = Mutex<[Key: SchedulingFacts]>([:])

    private static let countMax = 100_000

    func value(_ key: Key, _ make: () throws -> SchedulingFacts) throws -> SchedulingFacts {
        if let known = values.withLock({ $0[key] }) { return known }
        let made = try make()
        values.withLock { known in
            if known.count >= Self.countMax { known = [:] }
            known[key] = made
        }
        return made
    }
}
