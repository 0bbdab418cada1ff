import JobLog
import Scheduler
import TraceLog
import Traceflow

/// A filter in the numbers of one file.
struct HistoryQuery {
    /// Nil for anybody.
    private(set) var sources: NumberSet?
    private(set) var destinations: NumberSet?
    private(set) var inNamespace: NumberSet?
    private(set) var outcomes: NumberSet?
    private(set) var origins: NumberSet?
    private(set) var labelSets: NumberSet?
    /// Of each set at least one report is there.
    private(set) var reports: [NumberSet] = []
    let since: Int64
    let until: Int64
    /// A block must have one term of each list.
    private(set) var terms: [[Term]] = []
    /// Nothing can match.
    private(set) var isEmpty = false

    /// Beyond so many pairs the ends are looked for one by one.
    private static let pairsMax = 16

    init(_ filter: HistoryFilter, _ connection: Connection) throws {
        since = filter.since?.microseconds ?? .min
        until = filter.until?.microseconds ?? .max
        let numbers = Numbers(connection)
        if let source = filter.source {
            sources = try take(numbers.endpoints(source)) { Term(.source, $0) }
        }
        if let destination = filter.destination {
            destinations = try take(numbers.endpoints(destination)) { Term(.destination, $0) }
        }
        if let sources, let destinations, sources.count * destinations.count <= Self.pairsMax {
            terms.append(
                sources.all.flatMap { source in
                    destinations.all.map { Term(.pair, source, $0) }
                })
        }
        if let namespace = filter.namespace {
            inNamespace = NumberSet(
                try numbers.all(
                    "select number from endpoint where namespace = ?", [.text(namespace)]))
            terms.append([Term(.namespace, namespace)])
        }
        try take(outcomesOf: filter, numbers)
        try take(originsOf: filter, numbers)
        try take(reportsOf: filter, numbers)
        if !filter.labels.isEmpty {
            labelSets = NumberSet(try numbers.labelSets(filter.labels))
            terms += filter.labels.map { [TermReader.label($0.key, $0.value)] }
        }
        let sets = [sources, destinations, inNamespace, outcomes, origins, labelSets]
        isEmpty =
            since > until || sets.contains { $0?.isEmpty == true }
            || reports.contains { $0.isEmpty }
    }

    private mutating func take(
        _ numbers: Set<Int64>, _ term: (Int64) -> Term
    ) -> NumberSet {
        terms.append(numbers.map(term))
        return NumberSet(numbers)
    }

    private mutating func take(outcomesOf filter: HistoryFilter, _ numbers: Numbers) throws {
        var found: Set<Int64>?
        if !filter.verdicts.isEmpty {
            var any: Set<Int64> = []
            for verdict in filter.verdicts {
                any.formUnion(
                    try numbers.all(
                        "select number from outcome where verdict = ?", [.text(verdict.rawValue)]))
            }
            found = any
            terms.append(filter.verdicts.map { Term(.verdict, $0.rawValue) })
        }
        if let phase = filter.phase {
            let ended = try numbers.all(
                "select number from outcome where phase = ?", [.text(phase.rawValue)])
            found = found?.intersection(ended) ?? ended
            terms.append([Term(.phase, phase.rawValue)])
        }
        outcomes = found.map { NumberSet($0) }
    }

    private mutating func take(originsOf filter: HistoryFilter, _ numbers: Numbers) throws {
        let asked: [(family: StreamFamily, stream: Int64)] =
            (filter.sweep.map { [(.sweep, $0.rawValue)] } ?? [])
            + (filter.schedule.map { [(.schedule, $0.rawValue)] } ?? [])
        var found: Set<Int64>?
        if filter.isOfSchedules {
            found = try numbers.all(
                "select number from origin where family = ?",
                [.text(StreamFamily.schedule.rawValue)])
        }
        for (family, stream) in asked {
            let own = try numbers.all(
                "select number from origin where family = ? and stream = ?",
                [.text(family.rawValue), .number(stream)])
            found = found?.intersection(own) ?? own
            terms.append(own.map { Term(.origin, $0) })
        }
        origins = found.map { NumberSet($0) }
    }

    private mutating func take(reportsOf filter: HistoryFilter, _ numbers: Numbers) throws {
        if let node = filter.node {
            reports.append(
                NumberSet(
                    try numbers.all("select number from report where node = ?", [.text(node)])))
            terms.append([Term(.node, node)])
        }
        guard filter.policy != nil || filter.rule != nil else { return }
        let policies = try numbers.policies(filter.policy, filter.rule)
        var found: Set<Int64> = []
        for policy in policies {
            found.formUnion(
                try numbers.all(
                    "select report from report_policy where policy = ?", [.number(policy.number)]))
        }
        reports.append(NumberSet(found))
        terms.append(
            filter.rule == nil
                ? Set(policies.map(\.policy)).map { Term(.policy, $0) }
                : policies.map { TermReader.rule($0.policy, $0.rule) })
    }

    /// Whether the two are ends that are asked for.
    func mayEnd(_ source: Int64, _ destination: Int64) -> Bool {
        if let sources, !sources.contains(source) { return false }
        if let destinations, !destinations.contains(destination) { return false }
        guard let inNamespace else { return true }
        return inNamespace.contains(source) || inNamespace.contains(destination)
    }

    /// Whether the row matches, but for its time.
    func matches(_ row: TraceRow) -> Bool {
        func isIn(_ set: NumberSet?, _ number: Int64) -> Bool { set?.contains(number) ?? true }
        return mayEnd(row.source, row.destination) && isIn(origins, row.origin)
            && isIn(outcomes, row.outcome) && isIn(labelSets, row.labels)
            && reports.allSatisfy { set in row.reports.contains { set.contains($0) } }
    }

    /// Whether rows have to be looked at, beyond their ends.
    var asksBeyondEnds: Bool {
        origins != nil || outcomes != nil || labelSets != nil || !reports.isEmpty
    }

    /// The rows among these that match, but for their time; the columns that are rarest first.
    func places(_ columns: BlockReader.Columns, among range: Range<Int>) throws -> [Int] {
        var places = Array(range)
        func narrow(_ set: NumberSet?, _ column: Column) throws {
            guard let set, !places.isEmpty else { return }
            let values = try columns[column]
            places = set.filter(places, values)
        }
        try narrow(sources, .source)
        try narrow(destinations, .destination)
        try narrow(origins, .origin)
        try narrow(outcomes, .outcome)
        try narrow(labelSets, .labels)
        if let inNamespace, !places.isEmpty {
            let (from, to) = (try columns[.source], try columns[.destination])
            places = places.filter {
                inNamespace.contains(from[$0]) || inNamespace.contains(to[$0])
            }
        }
        for set in reports where !places.isEmpty {
            let (starts, all) = (try columns.reportStarts(), try columns[.reports])
            places = places.filter { place in
                (starts[place]..<starts[place + 1]).contains { set.contains(all[$0]) }
            }
        }
        return places
    }
}

/// Looks up the numbers of what is named.
private struct Numbers {
    private let connection: Connection

    init(_ connection: Connection) { self.connection = connection }

    func all(_ sql: String, _ values: [Value]) throws -> Set<Int64> {
        let query = try connection.statement(sql)
        defer { query.reset() }
        query.bind(values)
        var found: Set<Int64> = []
        while try query.step() { found.insert(query.number(0)) }
        return found
    }

    func endpoints(_ name: String) throws -> Set<Int64> {
        if let slash = name.firstIndex(of: "/") {
            return try all(
                "select number from endpoint where namespace = ? and name = ? and kind in (1, 2)",
                [.text(String(name[..<slash])), .text(String(name[name.index(after: slash)...]))])
        }
        return try all("select number from endpoint where name = ? and kind < 4", [.text(name)])
    }

    func policies(
        _ name: String?, _ rule: String?
    ) throws -> [(number: Int64, policy: String, rule: String)] {
        let query = try connection.statement("select number, policy, rule from policy")
        defer { query.reset() }
        var found: [(number: Int64, policy: String, rule: String)] = []
        while try query.step() {
            let policy = query.text(1)
            let isNamed =
                name.map {
                    policy == $0 || policy.hasSuffix(":\($0)") || policy.hasSuffix("/\($0)")
                }
                ?? true
            if isNamed, rule == nil || query.text(2) == rule {
                found.append((query.number(0), policy, query.text(2)))
            }
        }
        return found
    }

    func labelSets(_ labels: [String: String]) throws -> Set<Int64> {
        let query = try connection.statement("select number, labels from label_set")
        defer { query.reset() }
        var found: Set<Int64> = []
        while try query.step() {
            let held = LabelText.labels(query.text(1))
            if labels.allSatisfy({ held[$0.key] == $0.value }) { found.insert(query.number(0)) }
        }
        return found
    }
}
