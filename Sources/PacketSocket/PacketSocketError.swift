/// Why packets of an interface cannot be had, in one line.
public struct PacketSocketError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Code: Hashable, Sendable {
        /// It is not written as an interface is.
        case address
        case noPermission
        case noNamespace
        case noInterface
        /// Its link carries no IP that we could find.
        case unsupportedLink
        /// It went down, or away, while packets were awaited.
        case down, vanished
        /// The filter would be longer than a kernel takes.
        case filterTooLong
        case noPacketSockets
        case system
    }

    public let code: Code
    public let description: String

    public init(_ code: Code, at place: String, _ why: String) {
        self.code = code
        // The place may be what somebody typed: it must not break the line.
        let shown = place.unicodeScalars.map { $0.value < 32 || $0.value == 127 ? "?" : $0 }
        description = "\(String(String.UnicodeScalarView(shown))): \(why)"
    }
}
