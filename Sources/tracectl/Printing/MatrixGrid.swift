import Cluster
import Traceflow

/// A matrix as a grid of marks, one for each pair, that stays readable at 50 by 50.
///
/// Columns have the numbers of their Pods, written downwards; a blank line parts namespaces.
enum MatrixGrid {
    /// Up to as many columns stand apart by a blank.
    private static let looseMax = 60

    static func text(_ matrix: some VerdictMatrix) -> String {
        var text = ""
        var marks: Set<Mark> = [.delivered, .dropped, .rejected]
        for port in matrix.ports.indices {
            let counts = matrix.counts(port: port)
            text +=
                "\n\(matrix.ports[port].text): \(counts.allowed) of \(counts.known) pairs may"
                + " speak\n\n" + grid(matrix, port, &marks)
        }
        let legend = Mark.allCases.filter(marks.contains).map(\.legend)
        return legend.joined(separator: "   ") + "\n" + text + columns(matrix)
    }

    /// What stands for a pair.
    private enum Mark: Character, CaseIterable {
        case delivered = "+"
        case dropped = "-"
        case rejected = "x"
        case out = "o"
        case lost = "?"
        case unknown = "!"
        case inferredDelivered = "*"
        case inferredOther = "="
        case untraced = "."
        case samePod = " "

        var legend: String {
            switch self {
            case .delivered: "+ delivered"
            case .dropped: "- dropped"
            case .rejected: "x rejected"
            case .out: "o out of the network"
            case .lost: "? lost"
            case .unknown: "! not known"
            case .inferredDelivered: "* delivered, inferred"
            case .inferredOther: "= not delivered, inferred"
            case .untraced: ". not traced"
            case .samePod: ""
            }
        }
    }

    private static func grid(
        _ matrix: some VerdictMatrix, _ port: Int, _ marks: inout Set<Mark>
    ) -> String {
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
            text += line(matrix, gap) { to in
                let mark = mark(matrix, from, to, port)
                if mark != .samePod { marks.insert(mark) }
                return String(mark.rawValue)
            }
        }
        return text
    }

    private static func line(
        _ matrix: some VerdictMatrix, _ gap: String, _ cell: (Int) -> String
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

    private static func mark(
        _ matrix: some VerdictMatrix, _ from: Int, _ to: Int, _ port: Int
    ) -> Mark {
        if matrix.isSamePod(from, to) { return .samePod }
        guard let verdict = matrix.cell(from, to, port: port) else { return .untraced }
        if matrix.isInferred(from, to, port: port) {
            return verdict == .delivered ? .inferredDelivered : .inferredOther
        }
        switch verdict {
        case .delivered: return .delivered
        case .rejected: return .rejected
        case .dropped: return .dropped
        case .forwardedOutOfNetwork: return .out
        case .lost: return .lost
        case .unknown: return .unknown
        }
    }

    /// Which Pod a column is, where rows do not say it already.
    private static func columns(_ matrix: some VerdictMatrix) -> String {
        if matrix.sources == matrix.destinations { return "" }
        return "\ncolumns:\n"
            + matrix.destinations.enumerated().map { "\($0 + 1) " + printable($1) + "\n" }.joined()
    }

    static func namespace(_ name: String) -> Substring {
        name.prefix { $0 != "/" }
    }
}

extension Reachability.Port {
    /// `TCP/80`; ICMP has no port.
    var text: String { number == 0 ? `protocol` : "\(`protocol`)/\(number)" }
}
