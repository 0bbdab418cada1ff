/// Why the log could not do what was asked: what, where, and what to do.
public struct JobLogError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Code: Sendable {
        case noLog
        case notALog
        case damaged
        case newerVersion
        case readOnly
        case diskFull
        case versionConflict
        case nameTaken
        case leaseLost
        /// The segment was closed meanwhile; the log goes on in the next.
        case sealed
        /// The event's segment is archived or was dropped.
        case archived
        case refused
        case failed
    }

    public let code: Code
    public let message: String
    /// What the user can do; empty when there is nothing to say.
    public let remedy: String

    public init(_ code: Code, _ message: String, remedy: String = "") {
        self.code = code
        self.message = message
        self.remedy = remedy
    }

    public var description: String { remedy.isEmpty ? message : "\(message); \(remedy)" }
}
