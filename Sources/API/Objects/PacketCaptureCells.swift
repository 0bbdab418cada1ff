import Traceflow

/// What Antrea's columns say of a PacketCapture, beside its name and age.
package struct PacketCaptureCells: Hashable, Sendable {
    package var captured = ""
    package var started = ""
    package var complete = ""
    /// Both Pods, both addresses, the timeout, and whether the file was uploaded.
    package var wide: [String] = []
}

extension TraceView {
    /// The cells of the PacketCapture behind the trace.
    package var captureCells: PacketCaptureCells {
        let conditions = captureConditions
        func status(_ type: PacketCaptureCondition.Kind) -> String {
            conditions.first { $0.type == type }.map { $0.status ? "True" : "False" } ?? ""
        }
        let captured = captureProgress.captured
        var cells = PacketCaptureCells(
            captured: captured == 0 ? "" : String(captured), started: status(.started),
            complete: status(.complete))
        if let spec = request.packetCapture {
            cells.wide = [
                spec.source?.pod?.name ?? "", spec.destination?.pod?.name ?? "",
                spec.source?.ip ?? "", spec.destination?.ip ?? "", String(spec.timeoutSeconds),
                status(.fileUploaded),
            ]
        }
        return cells
    }
}
