import JobLog
import Scheduler
import TraceLog
import Traceflow

/// Makes records of packed rows: looks up what their numbers stand for.
final class RecordReader {
    private let connection: Connection
    private var endpoints: [Int64: Endpoint] = [:]
    private var specs: [Int64: TraceflowSpec] = [:]
    private var reports: [Int64: NodeResult] = [:]
    private static let cachedMax = 100_000

    init(_ connection: Connection) { self.connection = connection }

    func record(_ row: TraceRow) throws -> TraceRecord {
        let outcome = try texts(
            "select phase, verdict, reason, expected from outcome where number = ?", row.outcome, 4)
        guard let phase = Phase(rawValue: outcome[0]) else { throw damaged(row.outcome) }
        let naming = try naming(row)
        return TraceRecord(
            position: row.position, endedAt: Moment(microseconds: row.endedAt),
            requestedAt: Moment(microseconds: row.requestedAt), id: TraceID(row.trace),
            attempt: Int(row.attempt), name: naming.text, naming: naming,
            source: try endpoint(row.source), destination: try endpoint(row.destination),
            spec: try spec(row.question), phase: phase, verdict: Verdict(rawValue: outcome[1]),
            reason: outcome[2], expected: Verdict(rawValue: outcome[3]),
            labels: LabelText.labels(
                try texts("select labels from label_set where number = ?", row.labels, 1)[0]),
            clusterDigest: try digest(row.cluster), results: try row.reports.map(report))
    }

    private func naming(_ row: TraceRow) throws -> TraceName {
        let query = try connection.statement(
            "select family, stream, name from origin where number = ?")
        defer { query.reset() }
        query.bind(1, row.origin)
        guard try query.step() else { throw damaged(row.origin) }
        switch StreamFamily(rawValue: query.text(0)) {
        case .sweep: return .member(sweep: query.number(1), number: row.member)
        case .schedule:
            return .slot(
                schedule: ScheduleID(query.number(1)), name: query.text(2),
                at: Moment(microseconds: row.member))
        case .trace, .cluster, .log, nil:
            return .given(
                try texts("select name from given_name where position = ?", row.position, 1)[0])
        }
    }

    func endpoint(_ number: Int64) throws -> Endpoint {
        if let known = endpoints[number] { return known }
        let query = try connection.statement(
            "select kind, namespace, name from endpoint where number = ?")
        defer { query.reset() }
        query.bind(1, number)
        guard try query.step(), let kind = Endpoint.Kind(rawValue: query.number(0)) else {
            throw damaged(number)
        }
        let made = Endpoint(kind: kind, namespace: query.text(1), name: query.text(2))
        if endpoints.count >= Self.cachedMax { endpoints = [:] }
        endpoints[number] = made
        return made
    }

    private func spec(_ number: Int64) throws -> TraceflowSpec {
        if let known = specs[number] { return known }
        let bytes = try blob("select bytes from question where number = ?", number)
        guard let request = TraceCoding.request(question: bytes) else { throw damaged(number) }
        if specs.count >= Self.cachedMax { specs = [:] }
        specs[number] = request.spec
        return request.spec
    }

    func report(_ number: Int64) throws -> NodeResult {
        if let known = reports[number] { return known }
        let bytes = try blob("select bytes from report where number = ?", number)
        guard let report = TraceCoding.report(bytes: bytes) else { throw damaged(number) }
        if reports.count >= Self.cachedMax { reports = [:] }
        reports[number] = report
        return report
    }

    private func digest(_ number: Int64) throws -> [UInt8]? {
        let bytes = try blob("select digest from cluster where number = ?", number)
        return bytes.isEmpty ? nil : bytes
    }

    private func blob(_ sql: String, _ number: Int64) throws -> [UInt8] {
        let query = try connection.statement(sql)
        defer { query.reset() }
        query.bind(1, number)
        guard try query.step() else { throw damaged(number) }
        return query.blob(0)
    }

    private func texts(_ sql: String, _ number: Int64, _ count: Int32) throws -> [String] {
        let query = try connection.statement(sql)
        defer { query.reset() }
        query.bind(1, number)
        guard try query.step() else { throw damaged(number) }
        return (0..<count).map { query.text($0) }
    }

    private func damaged(_ number: Int64) -> JobLogError {
        JobLogError(
            .damaged, "\(connection.file): number \(number) is missing",
            remedy: "make the file anew with `tracectl log rebuild`")
    }
}
