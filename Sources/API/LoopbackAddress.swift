/// An address of this host that nobody else can reach, and a port.
public struct LoopbackAddress: Hashable, Sendable, CustomStringConvertible {
    /// Why a text is no such address, and what to write instead.
    public struct Invalid: Error, Hashable, CustomStringConvertible {
        public let description: String
    }

    /// `127.0.0.1`, another address of 127.0.0.0/8, or `::1`; port 0 lets the system choose.
    public let address: ServerAddress

    /// Reads `127.0.0.1:9464`, `localhost:9464` or `[::1]:9464`.
    public init(_ text: String) throws(Invalid) {
        do {
            address = try ServerAddress(text)
        } catch {
            throw Invalid(
                description: "an address and a port are needed, such as 127.0.0.1:9464; port 0"
                    + " lets the system choose one")
        }
        guard address.isLoopback else {
            throw Invalid(
                description: "only loopback addresses are served, since there is neither TLS nor"
                    + " authentication yet: use 127.0.0.1:\(address.port), and a proxy or an SSH"
                    + " tunnel for others")
        }
    }

    public var description: String { address.description }

    static func isOfLoopbackNet(_ host: String) -> Bool {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127"
            && parts.allSatisfy { part in
                part.utf8.allSatisfy { (48...57).contains($0) } && UInt8(part) != nil
            }
    }
}
