import Cluster
import Traceflow

/// A matrix as SVG: a square for each pair, in colours that colour-blind people can tell
/// (Okabe and Ito), with lines between namespaces.
enum MatrixDrawing {
    static let delivered = "#0072B2"
    static let dropped = "#E69F00"
    static let rejected = "#CC79A7"
    /// What left the network, was lost, or is not known.
    static let other = "#999999"
    private static let margin = 12
    /// Up to as many Pods get their names.
    private static let namedMax = 120

    static func svg(_ matrix: some VerdictMatrix) -> String {
        let count = max(matrix.sources.count, matrix.destinations.count)
        let cell = count <= namedMax ? 12 : count <= 400 ? 3 : 1
        let isNamed = count <= namedMax
        let longest = (matrix.sources + matrix.destinations).map(\.count).max() ?? 0
        let left = margin + (isNamed ? longest * 6 + 6 : 0)
        let gridHeight = matrix.sources.count * cell
        let top = margin + 20 + (isNamed ? longest * 6 + 6 : 0)
        let height = matrix.ports.count * (top + gridHeight) + margin + 20
        let width = max(left + matrix.destinations.count * cell + margin, 320)
        var text = """
            <svg xmlns="http://www.w3.org/2000/svg" width="\(width)" height="\(height)" \
            viewBox="0 0 \(width) \(height)" font-family="monospace" font-size="10" role="img" \
            aria-label="Reachability of Pods">
            <rect width="100%" height="100%" fill="#ffffff"/>

            """
        for port in matrix.ports.indices {
            let y = port * (top + gridHeight)
            let asked = matrix.ports[port]
            text += """
                <text x="\(margin)" y="\(y + margin + 8)">\(asked.text): \
                \(matrix.counts(port: port).allowed) pairs may speak</text>

                """
            text += grid(matrix, port, x: left, y: y + top, cell, isNamed: isNamed)
        }
        text += legend(y: height - margin)
        return text + "</svg>\n"
    }

    private static func grid(
        _ matrix: some VerdictMatrix, _ port: Int, x: Int, y: Int, _ cell: Int, isNamed: Bool
    ) -> String {
        var text = ""
        for from in matrix.sources.indices {
            let rowY = y + from * cell
            if isNamed {
                text += """
                    <text x="\(x - 4)" y="\(rowY + cell - 2)" text-anchor="end">\
                    \(escaped(matrix.sources[from]))</text>

                    """
            }
            // What is alike in a row is one rectangle.
            var start = 0
            while start < matrix.destinations.count {
                let color = color(matrix, from, start, port)
                var end = start + 1
                while end < matrix.destinations.count,
                    self.color(matrix, from, end, port) == color
                { end += 1 }
                if let color {
                    text += """
                        <rect x="\(x + start * cell)" y="\(rowY)" width="\((end - start) * cell)" \
                        height="\(cell)" fill="\(color)"/>

                        """
                }
                start = end
            }
        }
        return text + names(matrix, x, y, cell, isNamed) + lines(matrix, x, y, cell)
    }

    private static func names(
        _ matrix: some VerdictMatrix, _ x: Int, _ y: Int, _ cell: Int, _ isNamed: Bool
    ) -> String {
        guard isNamed else { return "" }
        return matrix.destinations.enumerated().map { to, name in
            let column = x + to * cell + cell - 3
            return """
                <text transform="translate(\(column),\(y - 4)) rotate(-90)">\(escaped(name))</text>

                """
        }.joined()
    }

    /// Between namespaces.
    private static func lines(_ matrix: some VerdictMatrix, _ x: Int, _ y: Int, _ cell: Int)
        -> String
    {
        func borders(_ names: [String]) -> [Int] {
            names.indices.dropFirst().filter {
                MatrixGrid.namespace(names[$0]) != MatrixGrid.namespace(names[$0 - 1])
            }
        }
        let (right, bottom) = (
            x + matrix.destinations.count * cell, y + matrix.sources.count * cell
        )
        let down = borders(matrix.destinations).map {
            "M\(x + $0 * cell) \(y)V\(bottom)"
        }
        let across = borders(matrix.sources).map { "M\(x) \(y + $0 * cell)H\(right)" }
        return """
            <path d="\((down + across).joined())" stroke="#000000" stroke-width="1"/>

            """
    }

    private static func legend(y: Int) -> String {
        let entries = [
            ("delivered", delivered), ("dropped", dropped), ("rejected", rejected),
            ("other", other),
        ]
        return entries.enumerated().map { number, entry in
            let x = margin + number * 90
            return """
                <rect x="\(x)" y="\(y - 9)" width="10" height="10" fill="\(entry.1)"/>\
                <text x="\(x + 14)" y="\(y)">\(entry.0)</text>

                """
        }.joined()
    }

    private static func color(
        _ matrix: some VerdictMatrix, _ from: Int, _ to: Int, _ port: Int
    ) -> String? {
        if matrix.isSamePod(from, to) { return nil }
        switch matrix.cell(from, to, port: port) {
        case .delivered: return delivered
        case .rejected: return rejected
        case .dropped: return dropped
        case .forwardedOutOfNetwork, .lost, .unknown: return other
        case nil: return nil
        }
    }

    private static func escaped(_ text: String) -> String {
        printable(text).replacing("&", with: "&amp;").replacing("<", with: "&lt;")
            .replacing(">", with: "&gt;")
    }
}
