import API
import Cluster
import Traceflow

/// A pair of which traces and model say different things.
struct Disagreement {
    var source: String
    var destination: String
    var port: Reachability.Port
    var observed: Verdict
    var computed: Verdict

    /// The pairs of an observed matrix that the computed one, of the same ends, answers otherwise.
    static func all(
        of observed: some VerdictMatrix, with computed: some VerdictMatrix
    ) -> [Disagreement] {
        var found: [Disagreement] = []
        for port in observed.ports.indices {
            for (from, source) in observed.sources.enumerated() {
                for (to, destination) in observed.destinations.enumerated()
                where !observed.isSamePod(from, to) {
                    guard let seen = observed.cell(from, to, port: port),
                        let said = computed.cell(from, to, port: port), seen != said
                    else { continue }
                    found.append(
                        Disagreement(
                            source: source, destination: destination, port: observed.ports[port],
                            observed: seen, computed: said))
                }
            }
        }
        return found
    }

    static func text(_ differences: [Disagreement], _ format: MatrixShow.Format) -> String {
        switch format {
        case .json:
            return OutputValue.object(["disagreements": .list(differences.map(\.value))]).json
        case .jsonl: return differences.map { $0.value.compactJSON + "\n" }.joined()
        case .csv:
            return "source,destination,protocol,port,observed,computed\n"
                + differences.map { pair in
                    [
                        PairPrinter.csvCell(pair.source), PairPrinter.csvCell(pair.destination),
                        pair.port.protocol, String(pair.port.number), pair.observed.rawValue,
                        pair.computed.rawValue,
                    ].joined(separator: ",") + "\n"
                }.joined()
        case .table, .svg, .html:
            if differences.isEmpty { return "traces and model agree\n" }
            var table = TextTable(header: ["SOURCE", "DESTINATION", "PORT", "OBSERVED", "COMPUTED"])
            table.rows = differences.map {
                [
                    printable($0.source), printable($0.destination), $0.port.text,
                    $0.observed.rawValue, $0.computed.rawValue,
                ]
            }
            return table.text()
        }
    }

    private var value: OutputValue {
        .map([
            .init(key: "source", value: .string(source)),
            .init(key: "destination", value: .string(destination)),
            .init(key: "protocol", value: .string(port.protocol)),
            .init(key: "port", value: .int(port.number)),
            .init(key: "observed", value: .string(observed.rawValue)),
            .init(key: "computed", value: .string(computed.rawValue)),
        ])
    }
}
