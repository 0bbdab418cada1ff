import API
import Traceflow

/// A trace's path as one self-contained SVG picture.
enum PicturePrinter {
    private static let width = 520
    private static let lineHeight = 16

    static func svg(_ view: TraceView) -> String {
        let path = TracePath(view)
        var canvas = Canvas(width: width)
        canvas.text(view.name, size: 16, isBold: true)
        canvas.text(path.caption + " · " + path.packet, size: 12, isBold: false)
        canvas.endpoint(path.source)
        for node in path.nodes { canvas.node(node) }
        if path.isDelivered || path.isLost || path.nodes.isEmpty {
            canvas.arrow(isLost: !path.isDelivered)
            canvas.endpoint(path.destination)
        }
        return canvas.document(title: view.name + ": " + path.caption)
    }

    private struct Canvas {
        let width: Int
        var y = 16
        var body = ""

        mutating func text(_ text: String, size: Int, isBold: Bool) {
            y += size
            body += "<text x=\"\(width / 2)\" y=\"\(y)\" font-size=\"\(size)\""
            body += " text-anchor=\"middle\"\(isBold ? " font-weight=\"bold\"" : "")>"
            body += "\(escaped(text, width / (size * 6 / 10)))</text>\n"
            y += 6
        }

        mutating func endpoint(_ name: String) {
            y += 8
            body += "<ellipse cx=\"\(width / 2)\" cy=\"\(y + 16)\" rx=\"140\" ry=\"16\""
            body += " fill=\"#C8C8C8\" stroke=\"#808080\" stroke-width=\"2\"/>\n"
            body += "<text x=\"\(width / 2)\" y=\"\(y + 20)\" font-size=\"12\""
            body += " text-anchor=\"middle\">\(escaped(name, 40))</text>\n"
            y += 32
        }

        mutating func arrow(isLost: Bool) {
            let colour = isLost ? "#B20000\" stroke-dasharray=\"5 4" : "#808080"
            body += "<path d=\"M\(width / 2) \(y)v18m-4 -6l4 6l4 -6\" fill=\"none\""
            body += " stroke=\"\(colour)\" stroke-width=\"2\"/>\n"
            y += 18
        }

        mutating func node(_ node: TracePath.Node) {
            arrow(isLost: false)
            let steps = node.steps.map { [$0.title + ": " + $0.action.rawValue] + $0.details }
            let height = 30 + steps.reduce(0) { $0 + $1.count * lineHeight + 26 }
            body += "<rect x=\"20\" y=\"\(y)\" width=\"\(width - 40)\" height=\"\(height)\""
            body += " rx=\"6\" fill=\"#F8F8FF\" stroke=\"#B0B0C0\"/>\n"
            body += "<text x=\"32\" y=\"\(y + 18)\" font-size=\"12\" font-weight=\"bold\">"
            body += "\(escaped("node " + node.name, 60))</text>\n"
            y += 26
            for (index, lines) in steps.enumerated() {
                if index > 0 { arrow(isLost: false) }
                box(lines, isDrop: node.steps[index].isDrop)
            }
            y += 10 + (steps.isEmpty ? 0 : 8)
        }

        private mutating func box(_ lines: [String], isDrop: Bool) {
            let height = lines.count * lineHeight + 8
            body +=
                "<rect x=\"50\" y=\"\(y)\" width=\"\(width - 100)\" height=\"\(height)\" rx=\"8\""
            body +=
                isDrop
                ? " fill=\"#EDD5D5\" stroke=\"#B22222\"/>\n"
                : " fill=\"#DCDCDC\" stroke=\"#696969\"/>\n"
            for (index, line) in lines.enumerated() {
                let place = y + 17 + index * lineHeight
                body += "<text x=\"\(width / 2)\" y=\"\(place)\" font-size=\"12\""
                body += " text-anchor=\"middle\">\(escaped(line, 62))</text>\n"
            }
            y += height
        }

        func document(title: String) -> String {
            let height = y + 20
            return "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(width)\""
                + " height=\"\(height)\" viewBox=\"0 0 \(width) \(height)\" role=\"img\""
                + " font-family=\"sans-serif\">\n<title>\(escaped(title, 400))</title>\n"
                + "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\(body)</svg>\n"
        }

        /// XML text of at most so many characters.
        private func escaped(_ text: String, _ length: Int) -> String {
            let short = text.count > length ? text.prefix(length - 1) + "…" : text[...]
            return printable(String(short)).replacing("&", with: "&amp;")
                .replacing("<", with: "&lt;").replacing(">", with: "&gt;")
        }
    }
}
