/// Names of files in a store: letters, digits, `.`, `_` and `-`, not first a dot, up to 200 bytes.
/// `.part` at the end is left to uploads that are not finished.
public enum RemoteName {
    static let unfinishedEnding = ".part"
    private static let bytesMax = 200

    public static func isValid(_ name: String) -> Bool {
        guard (1...bytesMax).contains(name.utf8.count), name.first != ".", name.first != "-",
            !name.hasSuffix(unfinishedEnding)
        else { return false }
        return name.utf8.allSatisfy {
            PercentEncoding.isPlain($0) && $0 != UInt8(ascii: "~")
        }
    }

    static func check(_ name: String) throws(RemoteError) {
        guard isValid(name) else {
            throw RemoteError(
                .refused, "'\(RemoteError.line(name))' is no name for a file in an archive",
                remedy: "use letters, digits, dots, hyphens and underscores")
        }
    }
}

/// The escapes of URLs as AWS signs them: all but unreserved characters.
enum PercentEncoding {
    static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "-._~".utf8.contains(byte)
        }
    }

    static func encode(_ text: String) -> String {
        var encoded: [UInt8] = []
        for byte in text.utf8 {
            if isPlain(byte) {
                encoded.append(byte)
            } else {
                encoded.append(UInt8(ascii: "%"))
                encoded += Hexadecimal.text([byte]).uppercased().utf8
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }
}

enum Hexadecimal {
    private static let digits = Array("0123456789abcdef".utf8)

    static func text(_ bytes: some Sequence<UInt8>) -> String {
        String(
            decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] },
            as: UTF8.self)
    }
}
