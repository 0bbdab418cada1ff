/// What a watch says, read from the bytes of its answer: one JSON object a line.
struct WatchLines {
    private var rest: [UInt8] = []

    /// An object is at most a few megabytes (etcd's limit is 1.5 MiB).
    private static let lineBytesMax = 64 << 20

    enum Event: Hashable, Sendable {
        case added(JSONValue)
        case modified(JSONValue)
        case deleted(JSONValue)
        case bookmark(resourceVersion: String)
        case error(APIStatus)
        /// What is no event: the stream is of no more use.
        case malformed
    }

    /// The events that are whole now. What is cut off at the end of a stream is never one.
    mutating func take(_ bytes: [UInt8]) -> [Event] {
        var events: [Event] = []
        var begin = bytes.startIndex
        while let end = bytes[begin...].firstIndex(of: UInt8(ascii: "\n")) {
            rest += bytes[begin..<end]
            begin = end + 1
            if !rest.isEmpty { events.append(Self.event(rest)) }
            rest.removeAll(keepingCapacity: true)
        }
        rest += bytes[begin...]
        if rest.count > Self.lineBytesMax {
            rest = []
            events.append(.malformed)
        }
        return events
    }

    private static func event(_ line: [UInt8]) -> Event {
        guard let value = try? JSONValue(parsing: line) else { return .malformed }
        let object = value["object"]
        switch value["type"].text {
        case "ADDED": return .added(object)
        case "MODIFIED": return .modified(object)
        case "DELETED": return .deleted(object)
        case "BOOKMARK":
            return .bookmark(resourceVersion: object["metadata"]["resourceVersion"].text ?? "")
        case "ERROR": return APIStatus(object).map { .error($0) } ?? .malformed
        default: return .malformed
        }
    }
}
