import CSQLite
import JobLog
import Scheduler
import TraceLog
import Traceflow

/// Gives numbers to what many traces share, in order of appearance, and remembers them.
///
/// Invariants: equal contents have one number; a number that was given in a transaction that was
/// rolled back is forgotten with the whole value (`HistoryFold` makes a new one).
struct Dictionaries {
    private let connection: Connection
    private let coding: TraceCoding
    private var templates = NumberTable<(question: Int64, cluster: Int64)>()
    private var sources = NumberTable<Int64>()
    private var destinations = NumberTable<Int64>()
    private var reports = NumberTable<Int64>()
    /// Those without a reason, which are nearly all.
    private var plainOutcomes: [PlainOutcome: Int64] = [:]
    private var outcomes: [[UInt8]: Int64] = [:]
    /// Of sweeps, and of given names at 0.
    private var sweepOrigins = NumberTable<Int64>()
    private var origins: [[UInt8]: Int64] = [:]
    private var noLabels: Int64?
    /// By bytes, since texts that differ in them may count as equal.
    private var labelSets: [[UInt8]: Int64] = [:]

    private struct PlainOutcome: Hashable {
        var phase: Phase
        var verdict: Verdict?
        var expected: Verdict?
        var isExcused: Bool
    }

    /// Beyond so many a cache starts anew.
    private static let cachedMax = 200_000

    init(_ connection: Connection, _ coding: TraceCoding) {
        self.connection = connection
        self.coding = coding
    }

    // MARK: what is asked

    mutating func question(
        _ content: RequestParts.Content
    ) throws -> (question: Int64, cluster: Int64, source: Int64, destination: Int64) {
        switch content {
        case .whole(let request):
            let asked = try question(request)
            return (
                asked.question, asked.cluster, try endpoint(Self.endpoint(request.spec.source)),
                try endpoint(Self.endpoint(request.spec.destination))
            )
        case .shared(let template, let source, let destination):
            if let asked = templates[template], let from = sources[source],
                let to = destinations[destination]
            {
                return (asked.question, asked.cluster, from, to)
            }
            let asked = try cached(template, \.templates) {
                try $0.question($0.coding.template(template))
            }
            return (
                asked.question, asked.cluster,
                try cached(source, \.sources) {
                    try $0.endpoint(Self.endpoint($0.coding.source(source)))
                },
                try cached(destination, \.destinations) {
                    try $0.endpoint(Self.endpoint($0.coding.destination(destination)))
                }
            )
        }
    }

    private mutating func cached<T>(
        _ key: Int64, _ cache: WritableKeyPath<Self, NumberTable<T>>,
        _ make: (inout Self) throws -> T
    ) throws -> T {
        if let known = self[keyPath: cache][key] { return known }
        let made = try make(&self)
        if self[keyPath: cache].count >= Self.cachedMax { self[keyPath: cache].removeAll() }
        self[keyPath: cache].put(made, at: key)
        return made
    }

    private mutating func question(
        _ request: TraceRequest
    ) throws -> (question: Int64, cluster: Int64) {
        let bytes = try TraceCoding.question(of: request)
        return (
            try number(
                "select number from question where bytes = ?",
                "insert into question (bytes) values (?)", [.blob(bytes)]),
            try number(
                "select number from cluster where digest = ?",
                "insert into cluster (digest) values (?)", [.blob(request.clusterDigest ?? [])])
        )
    }

    private mutating func endpoint(_ endpoint: Endpoint) throws -> Int64 {
        try number(
            "select number from endpoint where kind = ? and namespace = ? and name = ?",
            "insert into endpoint (kind, namespace, name) values (?, ?, ?)",
            [.number(endpoint.kind.rawValue), .text(endpoint.namespace), .text(endpoint.name)])
    }

    private static func endpoint(_ source: TraceflowSpec.Source?) -> Endpoint {
        if let pod = source?.pod, !pod.isEmpty {
            return Endpoint(kind: .pod, namespace: space(source?.namespace), name: pod)
        }
        return address(source?.ip)
    }

    /// An address wins over a Pod, a Pod over a Service.
    private static func endpoint(_ to: TraceflowSpec.Destination?) -> Endpoint {
        if let ip = to?.ip, !ip.isEmpty { return address(ip) }
        if let pod = to?.pod, !pod.isEmpty {
            return Endpoint(kind: .pod, namespace: space(to?.namespace), name: pod)
        }
        if let service = to?.service, !service.isEmpty {
            return Endpoint(kind: .service, namespace: space(to?.namespace), name: service)
        }
        return address(nil)
    }

    private static func address(_ ip: String?) -> Endpoint {
        guard let ip, !ip.isEmpty else { return Endpoint(kind: .any, namespace: "", name: "") }
        return Endpoint(kind: .address, namespace: "", name: ip)
    }

    private static func space(_ namespace: String?) -> String {
        guard let namespace, !namespace.isEmpty else { return "default" }
        return namespace
    }

    // MARK: what came of it

    mutating func outcome(
        _ phase: Phase, _ verdict: Verdict?, _ reason: String, expected: Verdict?,
        isExcused: Bool
    ) throws -> Int64 {
        guard reason.isEmpty else {
            return try outcome(phase, verdict, because: reason, expected, isExcused)
        }
        let plain = PlainOutcome(
            phase: phase, verdict: verdict, expected: expected, isExcused: isExcused)
        if let known = plainOutcomes[plain] { return known }
        let made = try outcome(phase, verdict, because: "", expected, isExcused)
        plainOutcomes[plain] = made
        return made
    }

    private mutating func outcome(
        _ phase: Phase, _ verdict: Verdict?, because reason: String, _ expected: Verdict?,
        _ isExcused: Bool
    ) throws -> Int64 {
        let parts = [
            phase.rawValue, verdict?.rawValue ?? "", reason, expected?.rawValue ?? "",
            isExcused ? "maintenance" : "",
        ]
        let key = Array(parts.joined(separator: "\u{0}").utf8)
        if let known = outcomes[key] { return known }
        let made = try number(
            """
            select number from outcome
            where phase = ? and verdict = ? and reason = ? and expected = ? and excuse = ?
            """,
            """
            insert into outcome (phase, verdict, reason, expected, excuse) values (?, ?, ?, ?, ?)
            """,
            parts.map { .text($0) })
        if outcomes.count >= Self.cachedMax { outcomes = [:] }
        outcomes[key] = made
        return made
    }

    mutating func origin(_ naming: TraceName) throws -> Int64 {
        let sweep: Int64
        switch naming {
        case .given: sweep = 0
        case .member(let number, _): sweep = number
        case .slot: return try origin(of: naming)
        }
        if let known = sweepOrigins[sweep] { return known }
        return try cached(sweep, \.sweepOrigins) { try $0.origin(of: naming) }
    }

    private mutating func origin(of naming: TraceName) throws -> Int64 {
        let (family, stream, name): (String, Int64, String) =
            switch naming {
            case .given: ("", 0, "")
            case .member(let sweep, _): (StreamFamily.sweep.rawValue, sweep, "")
            case .slot(let schedule, let name, _):
                (StreamFamily.schedule.rawValue, schedule.rawValue, name)
            }
        let key = Array("\(family)/\(stream)/\(name)".utf8)
        if let known = origins[key] { return known }
        let made = try number(
            "select number from origin where family = ? and stream = ? and name = ?",
            "insert into origin (family, stream, name) values (?, ?, ?)",
            [.text(family), .number(stream), .text(name)])
        if origins.count >= Self.cachedMax { origins = [:] }
        origins[key] = made
        return made
    }

    mutating func labelSet(_ labels: [String: String]) throws -> Int64 {
        if labels.isEmpty, let noLabels { return noLabels }
        let text = LabelText.text(labels)
        let key = Array(text.utf8)
        if let known = labelSets[key] { return known }
        let made = try number(
            "select number from label_set where labels = ?",
            "insert into label_set (labels) values (?)", [.text(text)])
        if labelSets.count >= Self.cachedMax { labelSets = [:] }
        labelSets[key] = made
        if labels.isEmpty { noLabels = made }
        return made
    }

    mutating func report(_ content: ReportParts.Content) throws -> Int64 {
        switch content {
        case .whole(let result): return try report(result)
        case .shared(let symbol):
            if let known = reports[symbol] { return known }
            return try cached(symbol, \.reports) { try $0.report($0.coding.report(symbol)) }
        }
    }

    private mutating func report(_ result: NodeResult) throws -> Int64 {
        let bytes = TraceCoding.bytes(ofReport: result)
        let digest = Int64(bitPattern: Digest64.of(bytes))
        let query = try connection.statement(
            "select number, bytes from report where digest = ? order by number")
        query.bind(1, digest)
        while try query.step() {
            if query.blob(1) == bytes {
                defer { query.reset() }
                return query.number(0)
            }
        }
        query.reset()
        let path = PathDigest(of: result.observations)
        try connection.run(
            "insert into report (digest, path, node, bytes) values (?, ?, ?, ?)",
            .number(digest), .number(Int64(bitPattern: path.rawValue)), .text(result.node),
            .blob(bytes))
        let number = connection.lastRowID
        for (policy, rule) in Self.policies(of: result) {
            let known = try self.number(
                "select number from policy where policy = ? and rule = ?",
                "insert into policy (policy, rule) values (?, ?)", [.text(policy), .text(rule)])
            try connection.run(
                "insert or ignore into report_policy (policy, report) values (?, ?)",
                .number(known), .number(number))
        }
        return number
    }

    /// The policies that the report names, with the rules, each once.
    static func policies(of result: NodeResult) -> [(policy: String, rule: String)] {
        var found: [(policy: String, rule: String)] = []
        for step in result.observations {
            guard let policy = step.networkPolicy else { continue }
            let rule = step.networkPolicyRule ?? ""
            if !found.contains(where: { $0.policy == policy && $0.rule == rule }) {
                found.append((policy, rule))
            }
        }
        return found
    }

    private func number(
        _ select: String, _ insert: String, _ values: [Value]
    ) throws(JobLogError) -> Int64 {
        let query = try connection.statement(select)
        query.bind(values)
        if try query.step() {
            defer { query.reset() }
            return query.number(0)
        }
        query.reset()
        let change = try connection.statement(insert)
        defer { change.reset() }
        change.bind(values)
        _ = try change.step()
        return connection.lastRowID
    }
}
