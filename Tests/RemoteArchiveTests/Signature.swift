import Crypto
import Foundation

/// Signature Version 4 as AWS describes it, over a request as it came in; written for the tests
/// alone, to check what libcurl signs.
struct Signature {
    var method: String
    /// Path and query, as on the wire.
    var target: String
    /// By names in lower case.
    var headers: [String: String]

    /// What is wrong with the request's signature under a secret; nil when nothing is.
    func fault(secret: String) -> String? {
        guard let authorization = headers["authorization"] else { return "no signature" }
        let fields = authorization.split(whereSeparator: { ", ".contains($0) })
        let value = { (name: String) -> String? in
            fields.first { $0.hasPrefix(name + "=") }.map { String($0.dropFirst(name.count + 1)) }
        }
        guard let scope = value("Credential")?.split(separator: "/"), scope.count == 5,
            let signed = value("SignedHeaders")?.split(separator: ";").map(String.init),
            let signature = value("Signature"), let moment = headers["x-amz-date"],
            let content = headers["x-amz-content-sha256"]
        else { return "fields are missing: \(authorization)" }
        for needed in headers.keys where needed.hasPrefix("x-amz-") || needed == "host" {
            if !signed.contains(needed) { return "\(needed) is not signed" }
        }
        if signed != signed.sorted() { return "the signed headers are not sorted" }
        for name in signed where headers[name] == nil { return "\(name) is signed and not sent" }
        let halves = target.split(separator: "?", maxSplits: 1).map(String.init)
        let query = halves.count > 1 ? halves[1] : ""
        if let fault = Self.fault(path: halves[0], query: query) { return fault }
        let request =
            [method, halves[0], query]
            + signed.map { "\($0):\(headers[$0] ?? "")" }
            + ["", signed.joined(separator: ";"), content]
        let scopeText = scope.dropFirst().joined(separator: "/")
        let digest = Self.hex(SHA256.hash(data: Data(request.joined(separator: "\n").utf8)))
        let text = "AWS4-HMAC-SHA256\n\(moment)\n\(scopeText)\n\(digest)"
        var key = Data("AWS4\(secret)".utf8)
        for part in scope.dropFirst() { key = Self.hmac(key, String(part)) }
        return Self.hex(Self.hmac(key, text)) == signature ? nil : "the signature is another"
    }

    /// The forms that AWS makes of a request itself; a client that sends others is refused.
    private static func fault(path: String, query: String) -> String? {
        let isPlain = { (byte: UInt8) in
            "-._~".utf8.contains(byte) || (48...57).contains(byte) || (65...90).contains(byte)
                || (97...122).contains(byte)
        }
        for byte in path.utf8 where !isPlain(byte) && byte != 37 && byte != 47 {
            return "the path is not escaped: \(path)"
        }
        let pairs = query.split(separator: "&", omittingEmptySubsequences: false)
        if query.isEmpty { return nil }
        for pair in pairs {
            let sides = pair.split(separator: "=", omittingEmptySubsequences: false)
            let isEscaped = pair.utf8.allSatisfy { isPlain($0) || $0 == 37 || $0 == 61 }
            if sides.count != 2 || !isEscaped { return "the query is not escaped: \(query)" }
        }
        return pairs.map(String.init) == pairs.map(String.init).sorted()
            ? nil : "the query is not sorted: \(query)"
    }

    private static func hmac(_ key: Data, _ text: String) -> Data {
        Data(
            HMAC<SHA256>.authenticationCode(
                for: Data(text.utf8), using: SymmetricKey(data: key)))
    }

    private static func hex(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { String(format: "%02x", $0) }.joined()
    }
}
