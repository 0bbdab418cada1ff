import JobLog
import Scheduler
import TraceLog
import Traceflow

/// Makes records of packed rows: looks up what their numbers stand for.
final class RecordReader {
    private let connection: Connection
    private var endpoints: [Int64: Endpoint] = [:]
    private var questions: [Int64: TraceRequest] = [:]
    private var reports: [Int64: NodeResult] = [:]
    private var outcomes: [Int64: Outcome] = [:]
    private var labelSets: [Int64: [String: String]] = [:]
    private var digests: [Int64: [UInt8]] = [:]

    private var origins: [Int64: Origin] = [:]

    private struct Origin {
        /// Nil where the name was given.
        var family: StreamFamily?
        var stream: Int64
        var name: String
    }

    private struct Outcome {
        var phase: Phase
        var verdict: Verdict?
        var reason: String
        var expected: Verdict?
        var isExcused: Bool
    }
    private static let cachedMax = 100_000

    init(_ connection: Connection) { self.connection = connection }

    func record(_ row: TraceRow) throws -> TraceRecord {
        let outcome = try outcome(row.outcome)
        let question = try question(row.question)
        let naming = try naming(row)
        return TraceRecord(
            position: row.position, endedAt: Moment(microseconds: row.endedAt),
            requestedAt: Moment(microseconds: row.requestedAt), id: TraceID(row.trace),
            attempt: Int(row.attempt), name: naming.text, naming: naming,
            source: try endpoint(row.source), destination: try endpoint(row.destination),
            spec: question.spec, apiVersion: question.apiVersion, phase: outcome.phase,
            verdict: outcome.verdict, reason: outcome.reason, expected: outcome.expected,
            isExcused: outcome.isExcused,
            labels: try labels(row.labels),
            clusterDigest: try digest(row.cluster), results: try row.reports.map(report))
    }

    private func outcome(_ number: Int64) throws -> Outcome {
        try cached(number, \.outcomes) {
            let text = try connection.texts(
                "select phase, verdict, reason, expected, excuse from outcome where number = ?",
                number, 5)
            guard let phase = Phase(rawValue: text[0]) else { throw connection.damaged(number) }
            return Outcome(
                phase: phase, verdict: Verdict(rawValue: text[1]), reason: text[2],
                expected: Verdict(rawValue: text[3]), isExcused: !text[4].isEmpty)
        }
    }

    /// Nil for an attempt that failed otherwise than by time.
    func verdict(_ number: Int64) throws -> Verdict? {
        let outcome = try outcome(number)
        return outcome.phase == .succeeded || outcome.reason == Trace.timeoutReason
            ? outcome.verdict : nil
    }

    private func labels(_ number: Int64) throws -> [String: String] {
        try cached(number, \.labelSets) {
            LabelText.labels(
                try connection.texts("select labels from label_set where number = ?", number, 1)[0])
        }
    }

    private func cached<T>(
        _ number: Int64, _ cache: ReferenceWritableKeyPath<RecordReader, [Int64: T]>,
        _ make: () throws -> T
    ) throws -> T {
        if let known = self[keyPath: cache][number] { return known }
        let made = try make()
        if self[keyPath: cache].count >= Self.cachedMax { self[keyPath: cache] = [:] }
        self[keyPath: cache][number] = made
        return made
    }

    private func naming(_ row: TraceRow) throws -> TraceName {
        let origin = try origin(row.origin)
        switch origin.family {
        case .sweep: return .member(sweep: origin.stream, number: row.member)
        case .schedule:
            return .slot(
                schedule: ScheduleID(origin.stream), name: origin.name,
                at: Moment(microseconds: row.member))
        case .trace, .cluster, .log, nil:
            return .given(
                try connection.texts(
                    "select name from given_name where position = ?", row.position, 1)[0])
        }
    }

    private func origin(_ number: Int64) throws -> Origin {
        try cached(number, \.origins) {
            let query = try connection.statement(
                "select family, stream, name from origin where number = ?")
            defer { query.reset() }
            query.bind(1, number)
            guard try query.step() else { throw connection.damaged(number) }
            return Origin(
                family: StreamFamily(rawValue: query.text(0)), stream: query.number(1),
                name: query.text(2))
        }
    }

    func endpoint(_ number: Int64) throws -> Endpoint {
        try cached(number, \.endpoints) {
            let query = try connection.statement(
                "select kind, namespace, name from endpoint where number = ?")
            defer { query.reset() }
            query.bind(1, number)
            guard try query.step(), let kind = Endpoint.Kind(rawValue: query.number(0)) else {
                throw connection.damaged(number)
            }
            return Endpoint(kind: kind, namespace: query.text(1), name: query.text(2))
        }
    }

    private func question(_ number: Int64) throws -> TraceRequest {
        try cached(number, \.questions) {
            let bytes = try connection.blob("select bytes from question where number = ?", number)
            guard let request = TraceCoding.request(question: bytes) else {
                throw connection.damaged(number)
            }
            return request
        }
    }

    func report(_ number: Int64) throws -> NodeResult {
        try cached(number, \.reports) {
            let bytes = try connection.blob("select bytes from report where number = ?", number)
            guard let report = TraceCoding.report(bytes: bytes) else {
                throw connection.damaged(number)
            }
            return report
        }
    }

    private func digest(_ number: Int64) throws -> [UInt8]? {
        let bytes = try cached(number, \.digests) {
            try connection.blob("select digest from cluster where number = ?", number)
        }
        return bytes.isEmpty ? nil : bytes
    }
}
