import Foundation

/// Where files are kept: `s3://bucket/prefix` or `sftp://[user@]host[:port]/path`.
///
/// Its text holds no secret, and gives the same location again.
public enum RemoteLocation: Hashable, Sendable, CustomStringConvertible {
    case s3(bucket: String, prefix: [String])
    /// A path that begins with the component `~` is relative to the user's home.
    case sftp(user: String?, host: String, port: Int?, path: [String])

    public static let sftpPortDefault = 22

    public init(_ text: String) throws(RemoteError) {
        guard text.utf8.count <= Self.bytesMax,
            text.unicodeScalars.allSatisfy({ $0.value > 32 && $0.value != 127 })
        else {
            throw Self.refusal("it has spaces or control characters, or is too long")
        }
        guard let mark = text.range(of: "://") else { throw Self.refusal("no scheme is in it") }
        let rest = text[mark.upperBound...]
        guard !rest.contains(where: { "?#\\".contains($0) }) else {
            throw Self.refusal("it has one of ? # \\")
        }
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        let authority = rest[..<slash]
        let path = try Self.components(rest[slash...])
        switch text[..<mark.lowerBound].lowercased() {
        case "s3":
            try Self.checkBucket(authority)
            self = .s3(bucket: String(authority), prefix: path)
        case "sftp":
            let (user, server) = try Self.user(authority)
            let (host, port) = try Self.server(server)
            guard !path.isEmpty else { throw Self.refusal("no path is in it") }
            self = .sftp(user: user, host: host, port: port, path: path)
        default: throw Self.refusal("its scheme is neither s3 nor sftp")
        }
    }

    /// The folder of that name in this one. Takes what `RemoteName` takes.
    public func appending(_ component: String) throws(RemoteError) -> RemoteLocation {
        try RemoteName.check(component)
        return switch self {
        case .s3(let bucket, let prefix): .s3(bucket: bucket, prefix: prefix + [component])
        case .sftp(let user, let host, let port, let path):
            .sftp(user: user, host: host, port: port, path: path + [component])
        }
    }

    public var description: String {
        switch self {
        case .s3(let bucket, let prefix): "s3://\(bucket)/" + Self.text(prefix)
        case .sftp(let user, let host, let port, let path):
            "sftp://" + (user.map { PercentEncoding.encode($0) + "@" } ?? "")
                + (host.contains(":") ? "[\(host)]" : host) + (port.map { ":\($0)" } ?? "") + "/"
                + Self.text(path)
        }
    }

    private static let bytesMax = 2048

    private static func text(_ path: [String]) -> String {
        path.map(PercentEncoding.encode).joined(separator: "/")
    }

    /// Without the text, which may hold a password.
    private static func refusal(_ why: String) -> RemoteError {
        RemoteError(
            .refused, "the archive's location cannot be understood: \(why)",
            remedy: "give s3://BUCKET/PREFIX or sftp://[USER@]HOST[:PORT]/PATH")
    }

    private static func components(_ path: Substring) throws(RemoteError) -> [String] {
        var components: [String] = []
        for part in path.split(separator: "/") {
            guard let component = part.removingPercentEncoding, !component.contains("/"),
                component.unicodeScalars.allSatisfy({ $0.value >= 32 && $0.value != 127 })
            else { throw refusal("an escape in its path cannot be read") }
            guard component != "..", component != "." else {
                throw refusal("its path has a component \(component)")
            }
            components.append(component)
        }
        return components
    }

    private static func checkBucket(_ bucket: Substring) throws(RemoteError) {
        guard !bucket.isEmpty else { throw refusal("no bucket is in it") }
        guard !bucket.contains("@") else {
            throw refusal("credentials do not belong in it")
        }
        let edges = [bucket.first, bucket.last]
        guard (3...63).contains(bucket.utf8.count), !bucket.contains(".."),
            bucket.utf8.allSatisfy({
                (97...122).contains($0) || isDigit($0) || $0 == 45 || $0 == 46
            }),
            edges.allSatisfy({ $0 != "-" && $0 != "." })
        else {
            throw refusal(
                "a bucket's name has 3 to 63 lower-case letters, digits, dots and hyphens")
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }

    private static func user(
        _ authority: Substring
    ) throws(RemoteError) -> (String?, Substring) {
        guard let at = authority.lastIndex(of: "@") else { return (nil, authority) }
        let text = authority[..<at]
        guard !text.contains(":") else {
            throw refusal("a password does not belong in it; it is read from a file or variable")
        }
        guard let user = text.removingPercentEncoding, !user.isEmpty,
            user.unicodeScalars.allSatisfy({
                $0.value > 32 && !":/\u{7f}".unicodeScalars.contains($0)
            })
        else { throw refusal("its user cannot be read") }
        return (user, authority[authority.index(after: at)...])
    }

    private static func server(_ text: Substring) throws(RemoteError) -> (String, Int?) {
        var host = text
        var port: Substring?
        if text.first == "[" {
            guard let end = text.firstIndex(of: "]") else {
                throw refusal("its [ is not closed")
            }
            host = text[text.index(after: text.startIndex)..<end]
            let rest = text[text.index(after: end)...]
            guard rest.isEmpty || rest.first == ":" else {
                throw refusal("something other than a port follows its ]")
            }
            port = rest.isEmpty ? nil : rest.dropFirst()
            guard host.contains(":"),
                host.utf8.allSatisfy({ "0123456789abcdefABCDEF:.".utf8.contains($0) })
            else { throw refusal("what is in its [ ] is no IPv6 address") }
        } else {
            if let colon = text.firstIndex(of: ":") {
                host = text[..<colon]
                port = text[text.index(after: colon)...]
            }
            let letters = host.utf8.allSatisfy {
                isDigit($0) || (97...122).contains($0 | 32) || [45, 46, 95].contains($0)
            }
            guard !host.isEmpty, letters, host.first != "-" else {
                throw refusal("its host cannot be read")
            }
        }
        guard let port else { return (host.lowercased(), nil) }
        guard port.utf8.allSatisfy(isDigit), let number = Int(port), (1...65535).contains(number)
        else { throw refusal("its port is not 1 to 65535") }
        return (host.lowercased(), number)
    }
}
