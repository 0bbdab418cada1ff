import Foundation

/// A line of `tracectl log dump`, as far as it is checked.
struct LoggedEvent {
    var position: Int
    var stream: Int
    var version: Int
    var type: String
    var recordedAt: String
    var attempt: Int?
    var tag: Int?
    /// The nodes of a scope; none at all means everywhere.
    var nodes: [String]
    var name: String?
    var epoch: Int?
    var verdict: String?

    /// What only a decider may write. A retry may also be asked for by hand.
    static let decisions: Set = [
        "TagAllocated", "TraceSucceeded", "TraceTimedOut", "TraceFailed", "DeciderTookOver",
        "TagProfileChanged", "Checkpoint", "SegmentSealed",
    ]

    init(line: some StringProtocol) throws {
        guard
            let event = try? JSONSerialization.jsonObject(with: Data(String(line).utf8))
                as? [String: Any],
            let position = event["position"] as? Int, let stream = event["stream"] as? Int,
            let version = event["version"] as? Int, let type = event["type"] as? String,
            let recordedAt = event["recordedAt"] as? String,
            let data = event["data"] as? [String: Any]
        else { throw Violation("a line of the dump that is no event: \(line)") }
        self.position = position
        self.stream = stream
        self.version = version
        self.type = type
        self.recordedAt = recordedAt
        attempt = Self.number(data["attempt"])
        tag = Self.number(data["tag"])
        nodes = (data["scope"] as? [String: Any])?["nodes"] as? [String] ?? []
        name = data["name"] as? String
        epoch = Self.number(data["epoch"])
        verdict = data["verdict"] as? String
    }

    /// Protocol Buffers' JSON writes large numbers as text.
    private static func number(_ value: Any?) -> Int? {
        value as? Int ?? (value as? String).flatMap { Int($0) }
    }

    static func all(in dump: String) throws -> [LoggedEvent] {
        try dump.split(separator: "\n").map { try LoggedEvent(line: $0) }
    }
}
