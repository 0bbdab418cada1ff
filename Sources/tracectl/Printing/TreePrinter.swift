import API
import Scheduler
import Traceflow

/// A trace's path for a terminal.
struct TreePrinter {
    var usesColor = false
    /// Columns of the terminal; nil when there is none.
    var width: Int?

    func text(_ view: TraceView) -> String {
        let path = TracePath(view)
        var lines = [
            bold(printable(view.name)) + "  " + verdict(path, view),
            path.source + " → " + path.destination + "  (" + path.packet + ")",
        ]
        if let captured = view.trace.capturedPacket {
            lines.append(
                "captured " + printable(captured.srcIP) + " → " + printable(captured.dstIP)
                    + ", \(captured.length) bytes")
        }
        for (place, capture) in view.trace.captures.enumerated() {
            let packets = counted(capture.place.packets, "packet")
            let point = capture.point.rawValue.lowercased()
            lines.append(
                "kept \(packets) at the \(point), on \(printable(capture.report.node))"
                    + (place < view.prunedCaptures ? " (pruned)" : ""))
        }
        return (lines + steps(of: path)).map { clip($0) + "\n" }.joined()
    }

    /// The nodes and what happened there.
    func steps(of path: TracePath) -> [String] {
        var lines: [String] = []
        for (index, node) in path.nodes.enumerated() {
            let isLast = index == path.nodes.count - 1
            lines += self.lines(node, isLast: isLast && !path.isLost)
        }
        if path.isLost {
            lines.append("└─ " + red("lost: sent on, and nobody saw it again before the deadline"))
        }
        return lines
    }

    private func lines(_ node: TracePath.Node, isLast: Bool) -> [String] {
        let rail = isLast ? "   " : "│  "
        var lines = [(isLast ? "└─ " : "├─ ") + "node " + node.name]
        for (index, step) in node.steps.enumerated() {
            let ends = index == node.steps.count - 1
            var action = step.action.rawValue
            if step.isDrop { action = red("✗ " + action) }
            if step.isEnd { action = green("✓ " + action) }
            lines.append(rail + (ends ? "└─ " : "├─ ") + step.title + ": " + action)
            for detail in step.details { lines.append(rail + (ends ? "     " : "│    ") + detail) }
        }
        return lines
    }

    private func verdict(_ path: TracePath, _ view: TraceView) -> String {
        switch view.trace.verdict {
        case .delivered: green(path.caption)
        case .dropped, .rejected, .lost: red(path.caption)
        case .forwardedOutOfNetwork, .unknown, nil: path.caption
        }
    }

    /// Cuts a line at the terminal's edge; escape sequences take no room.
    private func clip(_ line: String) -> String {
        guard let width, width > 10 else { return line }
        var shown = 0
        var result = ""
        var isEscape = false
        for character in line {
            if character == "\u{1b}" { isEscape = true }
            if !isEscape { shown += 1 }
            if shown > width - 1, !isEscape {
                return result + "…" + (usesColor ? "\u{1b}[0m" : "")
            }
            result.append(character)
            if isEscape, character == "m" { isEscape = false }
        }
        return result
    }

    private func paint(_ text: String, _ code: String) -> String {
        usesColor ? "\u{1b}[\(code)m\(text)\u{1b}[0m" : text
    }

    private func bold(_ text: String) -> String { paint(text, "1") }
    private func red(_ text: String) -> String { paint(text, "31") }
    private func green(_ text: String) -> String { paint(text, "32") }
}
