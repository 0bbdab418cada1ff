import API
import Cluster
import Traceflow

/// Prints PacketCaptures, with Antrea's columns.
struct PacketCapturePrinter {
    var now: Moment
    var hasHeader = true

    func table(_ views: [TraceView], isWide: Bool) -> String {
        var header = ["NAME", "AGE", "CAPTURED-PACKETS", "STARTED", "COMPLETE"]
        if isWide {
            header += [
                "SOURCE-POD", "DESTINATION-POD", "SOURCE-IP", "DESTINATION-IP", "TIMEOUT",
                "UPLOADED",
            ]
        }
        var table = TextTable(header: header)
        table.rows = views.map { row($0, isWide: isWide) }
        return table.text(hasHeader: hasHeader)
    }

    private func row(_ view: TraceView, isWide: Bool) -> [String] {
        let cells = view.captureCells
        let row = [
            printable(PacketCaptureManifest.name(ofTrace: view.name) ?? view.name),
            Age.text(from: view.createdAt, to: now), cells.captured, cells.started, cells.complete,
        ]
        return isWide ? row + cells.wide.map(printable) : row
    }

    /// What became of one capture, for people.
    static func summary(_ view: TraceView) -> String {
        let conditions = view.captureConditions
        let last = conditions.last
        var state = last.map { $0.reason } ?? ""
        if let message = last?.message, !message.isEmpty { state += ": " + message }
        let asked = view.request.packetCapture?.firstN ?? 0
        var text =
            "\(printable(QualifiedName.text(view.name)))  \(printable(state)), "
            + "\(view.captureProgress.captured) of \(asked) packets\n"
        for (place, capture) in view.trace.captures.enumerated() {
            text +=
                "kept \(counted(capture.place.packets, "packet")) at the"
                + " \(capture.point.rawValue.lowercased()), on \(printable(capture.report.node))"
                + (place < view.prunedCaptures ? " (pruned)\n" : "\n")
        }
        if view.trace.captures.count > view.prunedCaptures {
            text += "look at them: tracectl capture show \(printable(view.name))\n"
        }
        return text
    }
}
