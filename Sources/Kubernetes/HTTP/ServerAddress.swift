/// The parts of a URL that say where to connect, and the rest (RFC 3986).
struct ServerAddress {
    var scheme: String
    /// An IPv6 address in its brackets.
    var host: String
    var port: Int
    var rest: String

    /// Nil where the URL is none of HTTP or HTTPS with a host.
    init?(_ url: String) {
        guard let mark = url.range(of: "://") else { return nil }
        scheme = url[..<mark.lowerBound].lowercased()
        guard scheme == "http" || scheme == "https" else { return nil }
        let after = url[mark.upperBound...]
        let authorityEnd = after.firstIndex { "/?#".contains($0) } ?? after.endIndex
        let authority = after[..<authorityEnd]
        rest = String(after[authorityEnd...])
        let hostEnd: Substring.Index
        if authority.hasPrefix("[") {
            guard let bracket = authority.firstIndex(of: "]") else { return nil }
            hostEnd = authority.index(after: bracket)
        } else {
            hostEnd = authority.firstIndex(of: ":") ?? authority.endIndex
        }
        host = String(authority[..<hostEnd])
        let portText = authority[hostEnd...]
        if portText.isEmpty || portText == ":" {
            port = scheme == "https" ? 443 : 80
        } else {
            guard portText.hasPrefix(":"), let number = UInt16(portText.dropFirst()) else {
                return nil
            }
            port = Int(number)
        }
        guard !host.isEmpty, !authority.contains("@") else { return nil }
    }

    var hostAndPort: String { "\(host):\(port)" }
    var url: String { "\(scheme)://\(hostAndPort)\(rest)" }
}
