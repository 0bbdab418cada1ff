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
        .map([
            .init(key: "allowed", value: .bool(why.allowed)),
            .init(key: "default", value: .bool(why.isDefault)),
            .init(
                key: "policies",
                value: .list(
                    why.policies.map { policy in
                        var entries = [
                            OutputValue.Entry(key: "policy", value: .string(policy.policy))
                        ]
                        if let rule = policy.rule {
                            entries.append(.init(key: "rule", value: .int(rule)))
                        }
                        if let reason = policy.reason {
                            entries.append(.init(key: "reason", value: .string(reason.rawValue)))
                        }
                        return .map(entries)
                    })),
        ])
    }

    static func words(_ answer: PairAnswer) -> String {
        let question = answer.question
        return printable(
            "\(question.source) → \(question.destination) \(question.protocol)/\(question.port): "
                + (answer.allowed ? "allowed" : "denied")) + "\n"
            + words("egress", "leave \(question.source)", answer.egress)
            + words("ingress", "enter \(question.destination)", answer.ingress)
    }

    private static func words(_ side: String, _ act: String, _ why: DirectionWhy) -> String {
        if why.isDefault { return "  \(side): allowed, no policy selects the Pod\n" }
        let head =
            printable(
                why.allowed
                    ? "  \(side): allowed to \(act) by"
                    : "  \(side): denied to \(act); isolated, and no rule matches:") + "\n"
        return head
            + why.policies.map { policy in
                let reason =
                    switch policy.reason {
                    case .noRules: "has no rules"
                    case .peer: "no rule names the peer"
                    case .ports: "rule \(policy.rule ?? 0) names the peer, but not the port"
                    case nil: "rule \(policy.rule ?? 0)"
                    }
                return "    " + printable(policy.policy) + ": \(reason)\n"
            }.joined()
    }

    static func csv(_ answers: [PairAnswer]) -> String {
        "source,destination,protocol,port,verdict\n"
            + answers.map {
                let question = $0.question
                return [
                    question.source, question.destination, question.protocol,
                    String(question.port), $0.verdict.rawValue,
                ].map { cell in
                    cell.contains { ",\"\n\r".contains($0) }
                        ? "\"" + cell.replacing("\"", with: "\"\"") + "\"" : cell
                }.joined(separator: ",") + "\n"
            }.joined()
    }

    static func table(_ answers: [PairAnswer]) -> String {
        var table = TextTable(header: ["SOURCE", "DESTINATION", "PORT", "VERDICT"])
        table.rows = answers.map {
            let question = $0.question
            return [
                printable(question.source), printable(question.destination),
                "\(question.protocol)/\(question.port)", $0.verdict.rawValue,
            ]
        }
        return table.text()
    }
}
