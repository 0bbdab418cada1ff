import Crypto
import Foundation

/// A server's public key, as SSH has it on the wire.
public struct SSHPublicKey: Hashable, Sendable, CustomStringConvertible {
    public let type: String
    public let bytes: [UInt8]

    /// The longest that an RSA key of 16384 bits needs, and some.
    private static let bytesMax = 4096
    private static let types: Set<String> = [
        "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
        "ssh-rsa",
    ]

    /// From base64 of the wire format, or a line `type base64 [comment]`, as in a `.pub` file.
    public init(_ text: String) throws(RemoteError) {
        let words = text.split(whereSeparator: \.isWhitespace)
        let isLine = words.count > 1
        guard let encoded = isLine ? words[1] : words.first,
            let data = Data(base64Encoded: String(encoded)),
            let key = SSHPublicKey(wire: [UInt8](data)), !isLine || words[0] == key.type
        else {
            throw RemoteError(
                .refused,
                "invalid host public key: it is no key in the wire format of SSH, in base64",
                remedy: "give the second word of what ssh-keyscan prints for the host")
        }
        self = key
    }

    /// Nil unless the bytes are a type that is known and, whole, the fields that belong to it.
    init?(wire bytes: [UInt8]) {
        guard bytes.count <= Self.bytesMax else { return nil }
        var fields: [ArraySlice<UInt8>] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            guard rest.count >= 4 else { return nil }
            let length = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
            rest = rest.dropFirst(4)
            guard length <= rest.count else { return nil }
            fields.append(rest.prefix(length))
            rest = rest.dropFirst(length)
        }
        guard let first = fields.first else { return nil }
        let type = String(decoding: first, as: UTF8.self)
        guard Self.types.contains(type) else { return nil }
        let isWhole =
            switch type {
            case "ssh-ed25519": fields.count == 2 && fields[1].count == 32
            case "ssh-rsa": fields.count == 3 && !fields[1].isEmpty && fields[2].count >= 128
            default:
                fields.count == 3 && fields[1].elementsEqual(type.utf8.suffix(8))
                    && fields[2].count >= 65
            }
        guard isWhole else { return nil }
        self.type = type
        self.bytes = bytes
    }

    /// `SHA256:…`, as ssh shows it.
    public var fingerprint: String { "SHA256:" + Self.digest(bytes) }

    public var description: String { "\(type) \(fingerprint)" }

    var base64: String { Data(bytes).base64EncodedString() }

    static func digest(_ bytes: [UInt8]) -> String {
        let text = Data(SHA256.hash(data: bytes)).base64EncodedString()
        return String(text.prefix { $0 != "=" })
    }
}

/// Which server an SFTP store may talk to.
public enum HostKeyPin: Hashable, Sendable {
    case key(SSHPublicKey)
    /// The SHA-256 of a key in base64. A server with several keys may show another than this one;
    /// with the key itself it is asked for that.
    case sha256(String)
    /// A file as OpenSSH keeps it.
    case knownHosts(path: String)
    /// Whoever answers. What is sent and the password are given to them.
    case anyHostKey

    /// From `SHA256:…`, as ssh shows it, or a key as `SSHPublicKey` takes it.
    public init(_ text: String) throws(RemoteError) {
        let text = text.trimmingSpace()
        guard text.hasPrefix("SHA256:") else {
            self = .key(try SSHPublicKey(text))
            return
        }
        let digest = text.dropFirst("SHA256:".count).prefix { $0 != "=" }
        guard let data = Data(base64Encoded: digest + "="), data.count == SHA256.byteCount else {
            throw RemoteError(
                .refused, "invalid host public key: its fingerprint is no SHA-256 in base64",
                remedy: "give it as ssh-keygen -l shows it")
        }
        self = .sha256(String(digest))
    }
}
