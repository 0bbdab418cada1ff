import API
import Cluster

/// Prints how two matrices differ.
enum DifferencePrinter {
    static func table(_ differences: [PairDifference]) -> String {
        if differences.isEmpty { return "no pair changes\n" }
        var table = TextTable(
            header: ["CHANGE", "SOURCE", "DESTINATION", "PORT", "EGRESS", "INGRESS"])
        table.rows = differences.map { row($0, arrow: " → ").map(printable) }
        return table.text()
    }

    static func markdown(_ differences: [PairDifference]) -> String {
        if differences.isEmpty { return "No pair changes.\n" }
        func line(_ cells: [String]) -> String {
            "| " + cells.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ") + " |\n"
        }
        return line(["Change", "Source", "Destination", "Port", "Egress", "Ingress"])
            + "|---|---|---|---|---|---|\n"
            + differences.map { line(row($0, arrow: " → ").map(printable)) }.joined()
    }

    static func value(_ differences: [PairDifference]) -> OutputValue {
        .map([
            .init(
                key: "differences",
                value: .list(
                    differences.map { difference in
                        .map([
                            .init(key: "change", value: .string(difference.kind.rawValue)),
                            .init(key: "source", value: .string(difference.source)),
                            .init(key: "destination", value: .string(difference.destination)),
                            .init(key: "protocol", value: .string(difference.port.protocol)),
                            .init(key: "port", value: .int(difference.port.number)),
                            .init(key: "before", value: sides(difference.before)),
                            .init(key: "after", value: sides(difference.after)),
                        ])
                    }))
        ])
    }

    private static func sides(_ sides: (egress: String, ingress: String)) -> OutputValue {
        .map([
            .init(key: "egress", value: .string(sides.egress)),
            .init(key: "ingress", value: .string(sides.ingress)),
        ])
    }

    private static func row(_ difference: PairDifference, arrow: String) -> [String] {
        func change(_ before: String, _ after: String) -> String {
            before == after ? after : before + arrow + after
        }
        return [
            difference.kind.rawValue, difference.source, difference.destination,
            "\(difference.port.protocol)/\(difference.port.number)",
            change(difference.before.egress, difference.after.egress),
            change(difference.before.ingress, difference.after.ingress),
        ]
    }
}
