/// A kind of object by where an API server keeps it.
public struct APIResource: Hashable, Sendable {
    /// Empty for the core group.
    public var group: String
    public var version: String
    /// As in paths: `traceflows`.
    public var plural: String
    public var kind: String
    public var isNamespaced: Bool

    public init(
        group: String, version: String, plural: String, kind: String, isNamespaced: Bool = true
    ) {
        self.group = group
        self.version = version
        self.plural = plural
        self.kind = kind
        self.isNamespaced = isNamespaced
    }

    public var groupVersion: String { group.isEmpty ? version : "\(group)/\(version)" }

    /// The path of all of them, of one, or of a part of it.
    public func path(
        namespace: String? = nil, name: String? = nil, subresource: String? = nil
    ) -> String {
        var path = group.isEmpty ? "/api/\(version)" : "/apis/\(group)/\(version)"
        if let namespace { path += "/namespaces/" + PercentEncoding.text(namespace) }
        path += "/" + plural
        if let name { path += "/" + PercentEncoding.text(name) }
        if let subresource { path += "/" + subresource }
        return path
    }
}

/// RFC 3986: what is not unreserved is written as octets.
enum PercentEncoding {
    static func text(_ text: String) -> String {
        var encoded = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "_"), UInt8(ascii: "~"):
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let hex = String(byte, radix: 16, uppercase: true)
                encoded += hex.count == 1 ? "%0" + hex : "%" + hex
            }
        }
        return encoded
    }
}
