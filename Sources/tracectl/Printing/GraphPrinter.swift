import API
import Traceflow

/// A trace's path as a graph: Graphviz DOT and Mermaid. Colours are those of Antrea's pictures.
enum GraphPrinter {
    static func dot(_ view: TraceView) -> String {
        let path = TracePath(view)
        func quoted(_ lines: [String]) -> String {
            "\""
                + lines.map {
                    $0.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
                }.joined(separator: "\\n") + "\""
        }
        var text = "digraph \(quoted([view.name])) {\n"
        text += "  label=\(quoted([view.name, path.caption])); labelloc=t;\n"
        text += "  node [shape=box, style=\"rounded,filled\", color=\"#696969\","
        text += " fillcolor=\"#DCDCDC\"];\n  edge [color=\"#C0C0C0\", penwidth=2];\n"
        text += "  source [shape=ellipse, label=\(quoted([path.source]))];\n"
        var previous = "source"
        for (nodeIndex, node) in path.nodes.enumerated() {
            text += "  subgraph cluster_\(nodeIndex) {\n    label=\(quoted([node.name]));"
            text += " bgcolor=\"#F8F8FF\";\n"
            for (index, step) in node.steps.enumerated() {
                let colour =
                    step.isDrop ? ", color=\"#B22222\", fillcolor=\"#EDD5D5\"" : ""
                let label = [step.title, step.action.rawValue] + step.details
                text += "    n\(nodeIndex)_\(index) [label=\(quoted(label))\(colour)];\n"
            }
            text += "  }\n"
            for index in node.steps.indices {
                text += "  \(previous) -> n\(nodeIndex)_\(index);\n"
                previous = "n\(nodeIndex)_\(index)"
            }
        }
        if path.isDelivered || path.isLost || path.nodes.isEmpty {
            text += "  destination [shape=ellipse, label=\(quoted([path.destination]))];\n"
            let lost = path.isDelivered ? "" : " [style=dashed, color=\"#B20000\"]"
            text += "  \(previous) -> destination\(lost);\n"
        }
        return text + "}\n"
    }

    static func mermaid(_ view: TraceView) -> String {
        let path = TracePath(view)
        func quoted(_ lines: [String]) -> String {
            "\""
                + lines.map {
                    $0.replacing("&", with: "#amp;").replacing("\"", with: "#quot;")
                        .replacing("<", with: "#lt;").replacing(">", with: "#gt;")
                }.joined(separator: "<br/>") + "\""
        }
        var text = "flowchart TB\n  source([\(quoted([path.source]))])\n"
        var previous = "source"
        for (nodeIndex, node) in path.nodes.enumerated() {
            text += "  subgraph s\(nodeIndex)[\(quoted([node.name]))]\n"
            for (index, step) in node.steps.enumerated() {
                let label = [step.title, step.action.rawValue] + step.details
                text += "    n\(nodeIndex)_\(index)[\(quoted(label))]\n"
            }
            text += "  end\n"
            for (index, step) in node.steps.enumerated() {
                text += "  \(previous) --> n\(nodeIndex)_\(index)\n"
                previous = "n\(nodeIndex)_\(index)"
                if step.isDrop { text += "  style \(previous) fill:#EDD5D5,stroke:#B22222\n" }
            }
        }
        if path.isDelivered || path.isLost || path.nodes.isEmpty {
            text += "  destination([\(quoted([path.destination]))])\n"
            text += "  \(previous) \(path.isDelivered ? "-->" : "-.->") destination\n"
        }
        return text
    }
}
