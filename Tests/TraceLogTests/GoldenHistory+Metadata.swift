import Scheduler
import TraceLog

extension GoldenHistory {
    /// And with labels and annotations that changed.
    static let withMetadata: [LogEvent] =
        withPacketCaptures + [
            .trace(.metadataChanged(labels: ["team": "net"], annotations: ["why": "a \"note\""])),
            .trace(.metadataChanged(labels: [:], annotations: [:])),
        ]
}
