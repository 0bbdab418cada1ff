import Glibc

/// A text that is shown nowhere: not by printing, dumping or describing what holds it.
public struct Secret: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    /// For libcurl alone.
    let text: String

    /// Nil when it is empty, or has control characters, which would end a header.
    public init?(_ text: String) {
        guard !text.isEmpty, text.unicodeScalars.allSatisfy({ $0.value >= 32 && $0.value != 127 })
        else { return nil }
        self.text = text
    }

    /// What a small file holds, without the space around it.
    public init(file path: String, purpose: String) throws(RemoteError) {
        let content = try SmallFile.text(path, purpose: purpose)
        guard let secret = Secret(content.trimmingSpace()) else {
            throw RemoteError(.noCredentials, "\(path): no \(purpose) is in it")
        }
        self = secret
    }

    public var description: String { "(secret)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }

    /// The text of somebody else without this secret.
    func redact(_ other: String) -> String {
        other.contains(text) ? other.split(separator: text).joined(separator: "(secret)") : other
    }
}

/// Files of settings and secrets, read whole.
enum SmallFile {
    private static let bytesMax: Int64 = 1 << 20

    static func text(_ path: String, purpose: String) throws(RemoteError) -> String {
        let file: LocalFile
        do {
            file = try LocalFile(path)
        } catch {
            var error = error
            error.code = .noCredentials
            error.message += ": it should hold the \(purpose)"
            throw error
        }
        guard file.bytes <= bytesMax else {
            throw RemoteError(.noCredentials, "\(path) is too large to hold the \(purpose)")
        }
        var bytes = [UInt8](repeating: 0, count: Int(file.bytes))
        do {
            _ = try bytes.withUnsafeMutableBytes { try file.read(into: $0, from: 0) }
        } catch {
            throw RemoteError(.noCredentials, "\(path) cannot be read", remedy: "try again")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw RemoteError(.noCredentials, "\(path) is no text in UTF-8")
        }
        return text
    }

    /// Whether something of that name is there, readable or not.
    static func isThere(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 || errno != ENOENT && errno != ENOTDIR
    }
}

extension StringProtocol {
    func trimmingSpace() -> String {
        let isSpace: (Character) -> Bool = { $0.isWhitespace || $0.isNewline }
        guard let first = firstIndex(where: { !isSpace($0) }),
            let last = lastIndex(where: { !isSpace($0) })
        else { return "" }
        return String(self[first...last])
    }
}
