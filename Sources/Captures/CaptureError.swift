/// Why a capture archive could not be written or read.
public struct CaptureError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Code: Sendable {
        /// What is there is not what was archived.
        case damaged
        /// A file that the log speaks of is not there.
        case missing
        case diskFull
        /// Asked for something that cannot be.
        case refused
        case failed
    }

    public var code: Code
    public var message: String
    /// What to do about it.
    public var remedy: String

    public init(_ code: Code, _ message: String, remedy: String) {
        self.code = code
        self.message = message
        self.remedy = remedy
    }

    public var description: String { remedy.isEmpty ? message : "\(message); \(remedy)" }
}
