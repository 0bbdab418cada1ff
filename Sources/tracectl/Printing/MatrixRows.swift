import API
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

    /// The pairs of one source.
    static func questions(_ matrix: some VerdictMatrix, _ from: Int) -> [PairQuestion] {
        matrix.destinations.indices.filter { !matrix.isSamePod(from, $0) }.flatMap { to in
            matrix.ports.map {
                PairQuestion(
                    source: matrix.sources[from], destination: matrix.destinations[to],
                    protocol: $0.protocol, port: $0.number)
            }
        }
    }

    /// `model` is asked for reasons.
    func print(_ matrix: some VerdictMatrix, _ model: Cluster) throws {
        switch format {
        case .json:
            Output.result(Self.head(matrix.ports.map { "\($0.protocol)/\($0.number)" }))
        case .csv: Output.result(PairPrinter.csvHeader(hasWhy: false))
        case .jsonl, .table, .svg, .html: break
        }
        // What a million pairs have in common is written once.
        let destinations = matrix.destinations.map(written)
        let ports = matrix.ports.map { port in
            format == .csv
                ? ",\(port.protocol),\(port.number),"
                : ",\"protocol\":\"\(port.protocol)\",\"port\":\(port.number),\"allowed\":"
        }
        var isFirst = true
        for from in matrix.sources.indices {
            let source = written(matrix.sources[from])
            var text = ""
            for to in matrix.destinations.indices where !matrix.isSamePod(from, to) {
                for port in matrix.ports.indices {
                    guard let verdict = matrix.cell(from, to, port: port) else { continue }
                    if format == .json, !isFirst { text += "," }
                    isFirst = false
                    if hasWhy, format != .csv {
                        text += try why(matrix, from, to, port, model)
                    } else {
                        write(
                            source, destinations[to], ports[port], verdict,
                            isInferred: matrix.isInferred(from, to, port: port), to: &text)
                    }
                    if format != .json { text += "\n" }
                }
            }
            Output.result(text)
        }
        if format == .json { Output.result("]}\n") }
    }

    /// A name as the format has it.
    private func written(_ name: String) -> String {
        format == .csv ? PairPrinter.csvCell(name) : OutputValue.string(name).compactJSON
    }

    private func write(
        _ source: String, _ destination: String, _ port: String, _ verdict: Verdict,
        isInferred: Bool, to text: inout String
    ) {
        if format == .csv {
            text += source
            text += ","
            text += destination
            text += port
            text += verdict.rawValue
            return
        }
        text += "{\"source\":"
        text += source
        text += ",\"destination\":"
        text += destination
        text += port
        text += verdict == .delivered ? "true" : "false"
        text += ",\"verdict\":\""
        text += verdict.rawValue
        text += isInferred ? "\",\"inferred\":true}" : "\"}"
    }

    private func why(
        _ matrix: some VerdictMatrix, _ from: Int, _ to: Int, _ port: Int, _ model: Cluster
    ) throws -> String {
        let question = PairQuestion(
            source: matrix.sources[from], destination: matrix.destinations[to],
            protocol: matrix.ports[port].protocol, port: matrix.ports[port].number)
        return PairPrinter.value(
            try model.answer(question, prefersV6: prefersV6), hasWhy: true
        ).compactJSON
    }
}
