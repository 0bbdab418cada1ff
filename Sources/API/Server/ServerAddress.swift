/// Where the API is served: a host and a port.
public struct ServerAddress: Hashable, Sendable, CustomStringConvertible {
    /// Why a text is no address, and what to write instead.
    public struct Invalid: Error, Hashable, CustomStringConvertible {
        public let description: String
    }

    /// An address or a name, without brackets.
    public let host: String
    /// 0 lets the system choose.
    public let port: Int

    /// Reads `127.0.0.1:7443`, `[::1]:7443` or `0.0.0.0:7443`.
    public init(_ text: String) throws(Invalid) {
        let malformed = Invalid(
            description: "an address and a port are needed, such as 127.0.0.1:7443; port 0 lets"
                + " the system choose one")
        guard let colon = text.lastIndex(of: ":"),
            let port = UInt16(text[text.index(after: colon)...])
        else { throw malformed }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        guard !host.isEmpty, host.allSatisfy({ !"/@[] ".contains($0) }) else { throw malformed }
        // Whatever the resolver makes of the name, it means this host.
        self.host = host == "localhost" ? "127.0.0.1" : host
        self.port = Int(port)
    }

    private init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    func with(port: Int) -> ServerAddress { ServerAddress(host: host, port: port) }

    /// Whether nobody but this host can reach it.
    public var isLoopback: Bool { host == "::1" || LoopbackAddress.isOfLoopbackNet(host) }

    public var description: String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}
