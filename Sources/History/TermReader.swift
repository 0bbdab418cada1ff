import JobLog
import TraceLog

/// The terms by which an ended attempt can be asked for.
final class TermReader {
    private let connection: Connection
    private var endpoints: [Int64: Term] = [:]
    private var outcomes: [Int64: [Term]] = [:]
    private var labels: [Int64: [Term]] = [:]
    private var reports: [Int64: [Term]] = [:]

    private static let cachedMax = 200_000

    init(_ connection: Connection) { self.connection = connection }

    func insert(of row: TraceRow, into terms: inout Set<Term>) throws {
        terms.insert(Term(.pair, row.source, row.destination))
        terms.insert(Term(.source, row.source))
        terms.insert(Term(.destination, row.destination))
        terms.insert(try namespace(row.source))
        terms.insert(try namespace(row.destination))
        terms.insert(Term(.origin, row.origin))
        for term in try ofOutcome(row.outcome) { terms.insert(term) }
        for term in try ofLabels(row.labels) { terms.insert(term) }
        for report in row.reports {
            for term in try ofReport(report) { terms.insert(term) }
        }
    }

    private func namespace(_ number: Int64) throws -> Term {
        if let known = endpoints[number] { return known }
        let text = try connection.texts(
            "select namespace from endpoint where number = ?", number, 1)[0]
        let term = Term(.namespace, text)
        keep(term, number, in: &endpoints)
        return term
    }

    private func ofOutcome(_ number: Int64) throws -> [Term] {
        if let known = outcomes[number] { return known }
        let text = try connection.texts(
            "select phase, verdict from outcome where number = ?", number, 2)
        let terms = [Term(.phase, text[0]), Term(.verdict, text[1])]
        keep(terms, number, in: &outcomes)
        return terms
    }

    private func ofLabels(_ number: Int64) throws -> [Term] {
        if let known = labels[number] { return known }
        let text = try connection.texts("select labels from label_set where number = ?", number, 1)[
            0]
        let terms = LabelText.labels(text).map { Self.label($0.key, $0.value) }
        keep(terms, number, in: &labels)
        return terms
    }

    private func ofReport(_ number: Int64) throws -> [Term] {
        if let known = reports[number] { return known }
        let query = try connection.statement("select bytes from report where number = ?")
        defer { query.reset() }
        query.bind(1, number)
        guard try query.step(), let report = TraceCoding.report(bytes: query.blob(0)) else {
            throw connection.damaged(number)
        }
        var terms = [Term(.node, report.node)]
        for (policy, rule) in Dictionaries.policies(of: report) {
            terms.append(Term(.policy, policy))
            terms.append(Self.rule(policy, rule))
        }
        keep(terms, number, in: &reports)
        return terms
    }

    static func label(_ key: String, _ value: String) -> Term {
        Term(.label, "\(key)\u{1}\(value)")
    }

    static func rule(_ policy: String, _ rule: String) -> Term {
        Term(.rule, "\(policy)\u{1}\(rule)")
    }

    private func keep<T>(_ value: T, _ number: Int64, in cache: inout [Int64: T]) {
        if cache.count >= Self.cachedMax { cache = [:] }
        cache[number] = value
    }
}
