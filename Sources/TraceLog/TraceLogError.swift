/// Why bytes of the log could not be understood.
public struct TraceLogError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Code: Sendable {
        /// A type or shape that a newer version wrote; deciding must stop.
        case unknownEvent
        /// Bytes that are not what their type promises.
        case malformedEvent
        /// Something an event refers to is not in the log.
        case missingContent
    }

    public let code: Code
    /// Where in the log.
    public let position: Int64
    public let detail: String

    public init(_ code: Code, position: Int64, detail: String) {
        self.code = code
        self.position = position
        self.detail = detail
    }

    public var description: String {
        switch code {
        case .unknownEvent:
            "event \(position) was written by a newer version (\(detail)); use that version of"
                + " tracectl on this log"
        case .malformedEvent:
            "event \(position) cannot be read (\(detail)); run `tracectl log verify` and restore"
                + " from a backup"
        case .missingContent:
            "event \(position) refers to \(detail), which the log does not hold; run `tracectl log"
                + " verify` and restore from a backup"
        }
    }
}
