import Scheduler
import TraceLog
import Traceflow

/// What is shown of one trace.
package struct TraceView: Hashable, Sendable {
    package var id: TraceID
    package var createdAt: Moment
    package var request: TraceRequest
    package var trace: Trace
    /// How many of its captures, the first ones, were given up.
    package var prunedCaptures = 0
    /// What became of a PacketCapture's file.
    package var upload: CaptureUploaded?

    package init(id: TraceID, createdAt: Moment, request: TraceRequest, trace: Trace) {
        self.id = id
        self.createdAt = createdAt
        self.request = request
        self.trace = trace
    }

    package var name: String { request.name }

    /// The resource as Antrea has it, with our few additions in `status`.
    package var resource: OutputValue { resource(as: request.apiVersion) }

    /// The resource in another version of its API; `identity` is what a server adds to its
    /// metadata.
    package func resource(
        as version: APIVersion, identity: [String: OutputValue?] = [:]
    ) -> OutputValue {
        if let capture = request.packetCapture { return resource(of: capture, identity) }
        var metadata = identity
        metadata["name"] = .string(name)
        metadata["creationTimestamp"] = .string(RFC3339.text(createdAt))
        metadata["labels"] = .strings(request.labels)
        metadata["annotations"] = .strings(request.annotations)
        return .object([
            "apiVersion": .string(version.rawValue), "kind": .string("Traceflow"),
            "metadata": .object(metadata), "spec": request.spec.output, "status": status,
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
    package var captures: OutputValue? {
        guard !trace.captures.isEmpty else { return nil }
        return .list(
            trace.captures.enumerated().map { place, archived in
                archived.output(isPruned: place < prunedCaptures)
            })
    }
}
