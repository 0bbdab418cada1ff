import API
import ArgumentParser
import Traceflow

/// How traces can be printed.
enum TraceFormat: String, CaseIterable, ExpressibleByArgument {
    case table, wide, yaml, json, name, jsonl, tree, dot, mermaid, svg
}

/// Prints traces in any format.
struct TracePrinter {
    var format: TraceFormat
    var now: Moment
    var tree: TreePrinter
    var hasHeader = true

    /// `isList` prints even a single trace as a list where the format knows lists.
    func text(_ views: [TraceView], isList: Bool) -> String {
        let traces = views.filter { $0.request.packetCapture == nil }
        let captures = views.filter { $0.request.packetCapture != nil }
        let printer = PacketCapturePrinter(now: now, hasHeader: hasHeader)
        let prints: (OutputValue) -> String = format == .yaml ? \.yaml : \.json
        switch format {
        case .table, .wide:
            let isWide = format == .wide
            return [
                traces.isEmpty && !captures.isEmpty ? "" : isWide ? wide(traces) : table(traces),
                captures.isEmpty ? "" : printer.table(captures, isWide: isWide),
            ].filter { !$0.isEmpty }.joined(separator: "\n")
        case .name: return views.map { QualifiedName.text($0.name) + "\n" }.joined()
        case .jsonl: return views.map { $0.resource.compactJSON + "\n" }.joined()
        case .tree:
            return views.map { view in
                view.request.packetCapture == nil
                    ? tree.text(view) : PacketCapturePrinter.summary(view)
            }.joined(separator: "\n")
        // A capture has no path to draw.
        case .dot: return traces.map(GraphPrinter.dot).joined()
        case .mermaid: return traces.map(GraphPrinter.mermaid).joined()
        case .svg: return traces.map(PicturePrinter.svg).joined()
        case .yaml, .json:
            return prints(.resources(views.map(\.resource), isList: isList))
        }
    }

    private func table(_ views: [TraceView]) -> String {
        var table = TextTable(header: ["NAME", "PHASE", "VERDICT", "AGE"])
        table.rows = views.map {
            [
                printable($0.name), $0.trace.phase.rawValue, $0.trace.verdict?.rawValue ?? "",
                Age.text(from: $0.createdAt, to: now),
            ]
        }
        return table.text(hasHeader: hasHeader)
    }

    /// Antrea's printer columns, in its order.
    private func wide(_ views: [TraceView]) -> String {
        var table = TextTable(header: [
            "NAME", "PHASE", "SOURCE-POD", "DESTINATION-POD", "DESTINATION-IP", "LIVE-TRAFFIC",
            "DROPPED-ONLY", "TIMEOUT", "AGE",
        ])
        table.rows = views.map { view in
            let spec = view.request.spec
            return [
                printable(view.name), view.trace.phase.rawValue,
                printable(spec.source?.pod ?? ""), printable(spec.destination?.pod ?? ""),
                printable(spec.destination?.ip ?? ""),
                spec.liveTraffic.map { String($0) } ?? "",
                spec.droppedOnly.map { String($0) } ?? "",
                spec.timeout.map { String($0) } ?? "", Age.text(from: view.createdAt, to: now),
            ]
        }
        return table.text(hasHeader: hasHeader)
    }
}
