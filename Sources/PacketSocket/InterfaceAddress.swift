/// Which interface of this host: `iface:NAME`, or `iface:NAME@NETNS` for one in a network
/// namespace, which is a name that `ip netns` knows or the absolute path of its file.
public struct InterfaceAddress: Hashable, Sendable, CustomStringConvertible {
    public let name: String
    /// The namespace as it was written; nil for the one this process is in.
    public let namespace: String?

    public static let scheme = "iface:"

    /// A name has this many bytes at most: the kernel keeps 16 (IFNAMSIZ), with a NUL behind it.
    static let nameBytesMax = 15
    /// The kernel's limits of a file name and a path (NAME_MAX; PATH_MAX without its NUL).
    static let namespaceNameBytesMax = 255
    static let pathBytesMax = 4095
    static let namespaces = "/run/netns/"

    /// Whether the text means an interface, rightly written or not.
    public static func isMeant(by text: String) -> Bool { text.hasPrefix(scheme) }

    /// Refuses with a line what no interface can be called.
    public init(_ text: String) throws(PacketSocketError) {
        func refuse(_ why: String) -> PacketSocketError {
            PacketSocketError(.address, at: text, why)
        }
        guard Self.isMeant(by: text) else {
            throw refuse("an interface is written iface:NAME or iface:NAME@NETNS")
        }
        let rest = text.dropFirst(Self.scheme.count)
        let place = rest.firstIndex(of: "@")
        let name = String(rest[..<(place ?? rest.endIndex)])
        let namespace = place.map { String(rest[rest.index(after: $0)...]) }
        if let why = Self.faultOfName(name) { throw refuse(why) }
        if let namespace, let why = Self.faultOfNamespace(namespace) { throw refuse(why) }
        self.name = name
        self.namespace = namespace
    }

    public var description: String {
        Self.scheme + name + (namespace.map { "@" + $0 } ?? "")
    }

    /// The file that is the namespace; nil for the one this process is in.
    public var namespacePath: String? {
        namespace.map { $0.hasPrefix("/") ? $0 : Self.namespaces + $0 }
    }

    /// What the kernel says no to (dev_valid_name), and what would break a line.
    private static func faultOfName(_ name: String) -> String? {
        if name.isEmpty { return "the interface has no name" }
        guard name.utf8.count <= nameBytesMax else {
            return "the name of an interface has at most \(nameBytesMax) bytes"
        }
        if name == "." || name == ".." { return "no interface is called \"\(name)\"" }
        guard !name.utf8.contains(where: { "/:".utf8.contains($0) || !isPrintable($0) }) else {
            return "the name of an interface has no \"/\", no \":\", no blank and no control byte"
        }
        return nil
    }

    private static func faultOfNamespace(_ namespace: String) -> String? {
        if namespace.isEmpty { return "the network namespace has no name" }
        guard namespace.utf8.allSatisfy(isPrintable) else {
            return "a network namespace is written without blanks and control bytes"
        }
        if namespace.hasPrefix("/") {
            return namespace.utf8.count <= pathBytesMax
                ? nil : "the path of a network namespace has at most \(pathBytesMax) bytes"
        }
        guard !namespace.contains("/"), namespace != ".", namespace != ".." else {
            return "a network namespace is a name under /run/netns or an absolute path"
        }
        return namespace.utf8.count <= namespaceNameBytesMax
            ? nil
            : "the name of a network namespace has at most \(namespaceNameBytesMax) bytes"
    }

    private static func isPrintable(_ byte: UInt8) -> Bool { byte > 32 && byte != 127 }
}
