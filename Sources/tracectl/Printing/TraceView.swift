import Scheduler
import TraceLog
import Traceflow

/// What is shown of one trace.
struct TraceView: Hashable, Sendable {
    var id: TraceID
    var createdAt: Moment
    var request: TraceRequest
    var trace: Trace
    /// How many of its captures, the first ones, were given up.
    var prunedCaptures = 0
    /// What became of a PacketCapture's file.
    var upload: CaptureUploaded?

    var name: String { request.name }

    /// The resource as Antrea has it, with our few additions in `status`.
    var resource: OutputValue {
        if let capture = request.packetCapture { return resource(of: capture) }
        return .object([
            "apiVersion": .string(request.apiVersion.rawValue),
            "kind": .string("Traceflow"),
            "metadata": .object([
                "name": .string(name),
                "creationTimestamp": .string(RFC3339.text(createdAt)),
                "labels": .strings(request.labels),
                "annotations": .strings(request.annotations),
            ]),
            "spec": request.spec.output,
            "status": status,
        ])
    }

    private var status: OutputValue {
        let isModern =
            switch request.apiVersion {
            case .v1beta1: true
            case .v1alpha1: false
            }
        let tag = trace.allocation.map(\.tag)
        return .object([
            "phase": .string(trace.phase.rawValue),
            "reason": .text(trace.reason),
            "verdict": .text(trace.verdict?.rawValue),
            "attempt": trace.attempt > 1 ? .int(trace.attempt) : nil,
            "dataplaneTag": tag == 0 ? nil : .number(tag),
            "queuedAt": .string(RFC3339.text(trace.queuedAt)),
            "startTime": isModern ? .text(trace.startedAt.map { RFC3339.text($0) }) : nil,
            "finishedAt": .text(trace.finishedAt.map { RFC3339.text($0) }),
            "capturedPacket": trace.capturedPacket?.output,
            "captures": captures,
            "results": trace.results.isEmpty ? nil : .list(trace.results.map(\.output)),
        ])
    }
    /// What `status.captures` says.
    var captures: OutputValue? {
        guard !trace.captures.isEmpty else { return nil }
        return .list(
            trace.captures.enumerated().map { place, archived in
                archived.output(isPruned: place < prunedCaptures)
            })
    }
}
