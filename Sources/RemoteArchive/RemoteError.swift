/// Why something could not be done with a remote store. Never holds a secret.
public struct RemoteError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Code: Hashable, Sendable, CaseIterable {
        /// Asked for something that cannot be: a location, a name, an option.
        case refused
        /// None were found where they are looked for, or they cannot be read.
        case noCredentials
        /// Who asks is not known, or may not.
        case denied
        /// Who asks was known for some time, which is over.
        case credentialsExpired
        case noBucket
        case wrongRegion
        /// The server is not the one that was pinned, or shows no certificate that is trusted.
        case untrustedServer
        case clockSkewed
        case absent
        /// The file has fewer bytes than were asked for.
        case outsideRange
        /// Other content lies under the name.
        case conflict
        /// Something lies under the name that was to be free; `conflict` or nothing, once compared.
        case occupied
        /// The unfinished upload that was gone on with is not there any more.
        case uploadGone
        case localUnreadable
        /// The local file is no longer what it was when it was opened.
        case localChanged
        case diskFull
        case cancelled
        case malformedAnswer
        /// What follows passes by itself, perhaps.
        case throttled
        case serverFailed
        case unreachable
        case interrupted
        case truncated
        case timedOut
        /// What arrived is not what was sent.
        case garbled
    }

    public var code: Code
    public var message: String
    /// What to do about it.
    public var remedy: String
    /// How long the server asks to be left alone.
    var retryAfterMilliseconds: Int64?

    public init(_ code: Code, _ message: String, remedy: String = "") {
        self.code = code
        self.message = message
        self.remedy = remedy
    }

    public var description: String { remedy.isEmpty ? message : "\(message); \(remedy)" }

    /// What a server said: one line, of printable characters, not too long.
    static func line(_ text: String) -> String {
        let printable = text.unicodeScalars.map { scalar -> Character in
            scalar.properties.generalCategory == .control ? " " : Character(scalar)
        }
        let words = String(printable).split(separator: " ").joined(separator: " ")
        return words.count > lineMax ? words.prefix(lineMax) + "…" : words
    }

    private static let lineMax = 300
}
