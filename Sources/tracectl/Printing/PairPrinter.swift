import API
import Cluster
import Traceflow

/// Prints computed pairs.
enum PairPrinter {
    static func value(_ answer: PairAnswer, hasWhy: Bool) -> OutputValue {
        let question = answer.question
        var entries: [OutputValue.Entry] = [
            .init(key: "source", value: .string(question.source)),
            .init(key: "destination", value: .string(question.destination)),
            .init(key: "protocol", value: .string(question.protocol)),
            .init(key: "port", value: .int(question.port)),
            .init(key: "allowed", value: .bool(answer.allowed)),
            .init(key: "verdict", value: .string(answer.verdict.rawValue)),
        ]
        if hasWhy {
            entries.append(
                .init(
                    key: "why",
                    value: .map([
                        .init(key: "egress", value: value(answer.egress)),
                        .init(key: "ingress", value: value(answer.ingress)),
                    ])))
        }
        return .map(entries)
    }

    private static func value(_ why: DirectionWhy) -> OutputValue {
        var entries: [OutputValue.Entry] = [
            .init(key: "allowed", value: .bool(why.allowed)),
            .init(key: "default", value: .bool(why.isDefault)),
            .init(key: "because", value: .string(why.because.rawValue)),
            .init(key: "policies", value: .list(why.policies.map { value($0, hasRules: false) })),
            .init(
                key: "considered", value: .list(why.considered.map { value($0, hasRules: true) })),
        ]
        if !why.notes.isEmpty {
            entries.append(
                .init(key: "notes", value: .list(why.notes.map { .string($0.rawValue) })))
        }
        if !why.isCertain { entries.append(.init(key: "certain", value: .bool(false))) }
        return .map(entries)
    }

    private static func value(
        _ policy: DirectionWhy.PolicyWhy, hasRules: Bool
    ) -> OutputValue {
        var entries = [OutputValue.Entry(key: "policy", value: .string(policy.policy))]
        func add(_ key: String, _ text: String?) {
            if let text { entries.append(.init(key: key, value: .string(text))) }
        }
        if hasRules { add("tier", policy.tier) }
        if let rule = policy.rule { entries.append(.init(key: "rule", value: .int(rule))) }
        add("ruleName", policy.ruleName)
        add("action", policy.action)
        add("reason", policy.reason?.rawValue)
        guard hasRules else { return .map(entries) }
        let rules = policy.rules.map { rule in
            var entries = [OutputValue.Entry(key: "rule", value: .int(rule.number))]
            if let name = rule.name {
                entries.append(.init(key: "ruleName", value: .string(name)))
            }
            entries.append(.init(key: "action", value: .string(rule.action)))
            if let reason = rule.reason {
                entries.append(.init(key: "reason", value: .string(reason.rawValue)))
            }
            return OutputValue.map(entries)
        }
        entries.append(.init(key: "rules", value: .list(rules)))
        return .map(entries)
    }

    private static func port(_ question: PairQuestion) -> String {
        question.port == 0 ? question.protocol : "\(question.protocol)/\(question.port)"
    }

    static func words(_ answer: PairAnswer) -> String {
        let question = answer.question
        return printable(
            "\(question.source) → \(question.destination) \(port(question)): "
                + (answer.allowed ? "allowed" : "denied")
                + (answer.verdict == .unknown ? ", but unknown in truth" : "")) + "\n"
            + WhyWords.lines("egress", "leave \(printable(question.source))", answer.egress)
            + WhyWords.lines("ingress", "enter \(printable(question.destination))", answer.ingress)
    }

    /// What decides a direction, in one cell.
    private static func cell(_ why: DirectionWhy) -> String {
        if why.policies.isEmpty { return why.because.rawValue }
        return why.because.rawValue + ": "
            + why.policies.map { policy in
                policy.policy + (policy.rule.map { " rule \($0)" } ?? "")
                    + (policy.reason.map { " (\($0.rawValue))" } ?? "")
            }.joined(separator: "; ")
    }

    static func csvHeader(hasWhy: Bool) -> String {
        "source,destination,protocol,port,verdict" + (hasWhy ? ",egress,ingress" : "") + "\n"
    }

    static func csvLine(
        _ question: PairQuestion, _ verdict: Verdict, _ more: [String] = []
    ) -> String {
        let cells = [
            question.source, question.destination, question.protocol, String(question.port),
            verdict.rawValue,
        ]
        return (cells + more).map(csvCell).joined(separator: ",") + "\n"
    }

    /// A cell, quoted where it has to be (RFC 4180).
    static func csvCell(_ text: String) -> String {
        text.contains { ",\"\n\r".contains($0) }
            ? "\"" + text.replacing("\"", with: "\"\"") + "\"" : text
    }

    static func csv(_ answers: [PairAnswer], hasWhy: Bool) -> String {
        csvHeader(hasWhy: hasWhy)
            + answers.map {
                csvLine(
                    $0.question, $0.verdict, hasWhy ? [cell($0.egress), cell($0.ingress)] : [])
            }.joined()
    }

    static func table(_ answers: [PairAnswer], hasWhy: Bool) -> String {
        var table = TextTable(
            header: ["SOURCE", "DESTINATION", "PORT", "VERDICT"]
                + (hasWhy ? ["EGRESS", "INGRESS"] : []))
        table.rows = answers.map {
            let question = $0.question
            let why = hasWhy ? [cell($0.egress), cell($0.ingress)] : []
            return [
                printable(question.source), printable(question.destination),
                "\(question.protocol)/\(question.port)", $0.verdict.rawValue,
            ] + why.map(printable)
        }
        return table.text()
    }
}
