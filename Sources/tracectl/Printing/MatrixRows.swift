import Cluster
import Traceflow

/// Prints a whole matrix pair by pair, a source at a time, so that a million pairs need no memory.
struct MatrixRows {
    let format: MatrixShow.Format
    let hasWhy: Bool
    let prefersV6: Bool

    static func head(_ ports: [String]) -> String {
        "{\"ports\":" + OutputValue.list(ports.map { .string($0) }).compactJSON + ",\"pairs\":["
    }

    /// The pairs of one source, with their verdicts.
    static func questions(
        _ matrix: Reachability, _ from: Int
    ) -> [(question: PairQuestion, verdict: Verdict)] {
        matrix.destinations.indices.filter { !matrix.isSamePod(from, $0) }.flatMap { to in
            matrix.ports.enumerated().map { number, port in
                (
                    PairQuestion(
                        source: matrix.sources[from], destination: matrix.destinations[to],
                        protocol: port.protocol, port: port.number),
                    matrix.verdict(from, to, port: number)
                )
            }
        }
    }

    func print(_ matrix: Reachability, _ model: Cluster) throws {
        switch format {
        case .json:
            Output.result(Self.head(matrix.ports.map { "\($0.protocol)/\($0.number)" }))
        case .csv: Output.result(PairPrinter.csvHeader(hasWhy: false))
        case .jsonl, .table, .svg, .html: break
        }
        var isFirst = true
        for from in matrix.sources.indices {
            var text = ""
            for (question, verdict) in Self.questions(matrix, from) {
                if format == .csv {
                    text += PairPrinter.csvLine(question, verdict)
                    continue
                }
                let value =
                    hasWhy
                    ? PairPrinter.value(
                        try model.answer(question, prefersV6: prefersV6), hasWhy: true)
                    : PairPrinter.value(question, verdict)
                if format == .json, !isFirst { text += "," }
                isFirst = false
                text += value.compactJSON + (format == .jsonl ? "\n" : "")
            }
            Output.result(text)
        }
        if format == .json { Output.result("]}\n") }
    }
}
