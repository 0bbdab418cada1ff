import JobLog
import TraceLog

/// The terms by which an ended attempt can be asked for.
final class TermReader {
    private let connection: Connection
    private var endpoints = NumberTable<Term>()
    private var outcomes = NumberTable<[Term]>()
    private var labels = NumberTable<[Term]>()
    private var reports = NumberTable<[Term]>()

    private static let cachedMax = 200_000

    init(_ connection: Connection) { self.connection = connection }

    /// Some more than once.
    func forEach(of row: TraceRow, _ body: (Term) -> Void) throws {
        body(Term(.pair, row.source, row.destination))
        body(Term(.source, row.source))
        body(Term(.destination, row.destination))
        body(try namespace(row.source))
        body(try namespace(row.destination))
        body(Term(.origin, row.origin))
        for term in try ofOutcome(row.outcome) { body(term) }
        for term in try ofLabels(row.labels) { body(term) }
        for report in row.reports {
            for term in try ofReport(report) { body(term) }
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

    private func keep<T>(_ value: T, _ number: Int64, in cache: inout NumberTable<T>) {
        if cache.count >= Self.cachedMax { cache.removeAll() }
        cache.put(value, at: number)
    }
}
