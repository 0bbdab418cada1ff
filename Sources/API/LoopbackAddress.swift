/// An address of this host that nobody else can reach, and a port.
public struct LoopbackAddress: Hashable, Sendable, CustomStringConvertible {
    /// Why a text is no such address, and what to write instead.
    public struct Invalid: Error, Hashable, CustomStringConvertible {
        public let description: String
    }

    /// `127.0.0.1`, another address of 127.0.0.0/8, or `::1`.
    public let host: String
    /// 0 lets the system choose.
    public let port: Int

    /// Reads `127.0.0.1:9464`, `localhost:9464` or `[::1]:9464`.
    public init(_ text: String) throws(Invalid) {
        guard let colon = text.lastIndex(of: ":") else { throw Self.malformed }
        var host = String(text[..<colon])
        guard let port = UInt16(text[text.index(after: colon)...]) else { throw Self.malformed }
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        guard !host.isEmpty else { throw Self.malformed }
        // Whatever the resolver makes of the name, it means this host.
        if host == "localhost" { host = "127.0.0.1" }
        guard host == "::1" || Self.isOfLoopbackNet(host) else {
            throw Invalid(
                description: "only loopback addresses are served, since there is neither TLS nor"
                    + " authentication yet: use 127.0.0.1:\(port), and a proxy or an SSH tunnel for"
                    + " others")
        }
        self.host = host
        self.port = Int(port)
    }

    init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    public var description: String { host == "::1" ? "[::1]:\(port)" : "\(host):\(port)" }

    private static let malformed = Invalid(
        description: "an address and a port are needed, such as 127.0.0.1:9464; port 0 lets the"
            + " system choose one")

    static func isOfLoopbackNet(_ host: String) -> Bool {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127"
            && parts.allSatisfy { part in
                part.utf8.allSatisfy { (48...57).contains($0) } && UInt8(part) != nil
            }
    }
}
