import Cluster
import Traceflow

/// A matrix as a grid of marks, one for each pair, that stays readable at 50 by 50.
///
/// Columns have the numbers of their Pods, written downwards; a blank line parts namespaces.
enum MatrixGrid {
    /// Up to as many columns stand apart by a blank.
    private static let looseMax = 60

    static func text(_ matrix: Reachability) -> String {
        var text = "+ delivered   - dropped   x rejected\n"
        for port in matrix.ports.indices {
            let asked = matrix.ports[port]
            let pairs = matrix.sources.indices.reduce(0) { sum, from in
                sum + matrix.destinations.indices.count { !matrix.isSamePod(from, $0) }
            }
            text +=
                "\n\(asked.protocol)/\(asked.number): \(matrix.allowedCount(port: port)) of"
                + " \(pairs) pairs may speak\n\n" + grid(matrix, port)
        }
        return text + columns(matrix)
    }

    private static func grid(_ matrix: Reachability, _ port: Int) -> String {
        let labels = matrix.sources.enumerated().map { number, name in
            "\(number + 1) " + printable(name)
        }
        let width = labels.map(\.count).max() ?? 0
        let gap = matrix.destinations.count <= looseMax ? " " : ""
        var text = ""
        let digits = String(matrix.destinations.count).count
        for digit in 0..<digits {
            text += String(repeating: " ", count: width) + " "
            text += line(matrix, gap) { to in
                let number = Array(String(to + 1))
                let place = digit - (digits - number.count)
                return place < 0 ? " " : String(number[place])
            }
        }
        for (from, label) in labels.enumerated() {
            if from > 0, namespace(matrix.sources[from]) != namespace(matrix.sources[from - 1]) {
                text += "\n"
            }
            text += label + String(repeating: " ", count: width - label.count) + " "
            text += line(matrix, gap) { mark(matrix, from, $0, port) }
        }
        return text
    }

    private static func line(
        _ matrix: Reachability, _ gap: String, _ cell: (Int) -> String
    ) -> String {
        var text = ""
        for to in matrix.destinations.indices {
            let isNew =
                to > 0
                && namespace(matrix.destinations[to]) != namespace(matrix.destinations[to - 1])
            text += gap + (isNew ? " " : "") + cell(to)
        }
        while text.last == " " { text.removeLast() }
        return text + "\n"
    }

    private static func mark(_ matrix: Reachability, _ from: Int, _ to: Int, _ port: Int) -> String
    {
        if matrix.isSamePod(from, to) { return " " }
        switch matrix.verdict(from, to, port: port) {
        case .delivered: return "+"
        case .rejected: return "x"
        case .dropped, .forwardedOutOfNetwork, .lost, .unknown: return "-"
        }
    }

    /// Which Pod a column is, where rows do not say it already.
    private static func columns(_ matrix: Reachability) -> String {
        if matrix.sources == matrix.destinations { return "" }
        return "\ncolumns:\n"
            + matrix.destinations.enumerated().map { "\($0 + 1) " + printable($1) + "\n" }.joined()
    }

    static func namespace(_ name: String) -> Substring {
        name.prefix { $0 != "/" }
    }
}
