import HTTPTypes
import Kubernetes

/// A request as the API looks at it.
struct APIRequest: Sendable {
    var method: HTTPRequest.Method
    /// The parts of the path, decoded.
    var path: [String]
    var query: [String: String]
    var accept: String
    var contentType: String
    var body: [UInt8] = []
    /// Who asks.
    var identity = Identity.anybody

    /// Throws BadRequest for what cannot be decoded.
    init(method: HTTPRequest.Method, target: String, headers: HTTPFields) throws(APIStatus) {
        self.method = method
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        path = []
        for part in (parts.first ?? "").split(separator: "/") {
            path.append(try Self.decoded(part, plusIsBlank: false))
        }
        query = [:]
        for item in (parts.count > 1 ? parts[1] : "").split(separator: "&") {
            let pair = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let key = try Self.decoded(pair[0], plusIsBlank: true)
            query[key] = pair.count > 1 ? try Self.decoded(pair[1], plusIsBlank: true) : ""
        }
        accept = headers[.accept] ?? ""
        contentType = headers[.contentType] ?? ""
    }

    /// The media type of the body, without its parameters.
    var mediaType: String {
        let type = contentType.prefix { $0 != ";" }.lowercased()
        return String(type.filter { $0 != " " })
    }

    /// Whether a flag of the query is set, in any of the ways that Go reads.
    func flag(_ name: String) -> Bool {
        ["1", "t", "T", "true", "TRUE", "True", ""].contains(query[name] ?? "false")
    }

    /// A whole number of the query, not negative; throws BadRequest for anything else.
    func number(_ name: String) throws(APIStatus) -> Int64? {
        guard let text = query[name], !text.isEmpty else { return nil }
        guard let number = Int64(text), number >= 0 else {
            throw APIStatus(400, .badRequest, "\(name): \"\(text)\" is no number")
        }
        return number
    }

    private static func decoded(
        _ text: Substring, plusIsBlank: Bool
    ) throws(APIStatus) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst().flatMap(hex),
                    let low = rest.popFirst().flatMap(hex)
                else { throw malformed }
                bytes.append(high << 4 | low)
            case UInt8(ascii: "+") where plusIsBlank: bytes.append(0x20)
            case _: bytes.append(byte)
            }
        }
        guard let text = String(validating: bytes, as: UTF8.self),
            !text.unicodeScalars.contains(where: { $0.value < 0x20 })
        else { throw malformed }
        return text
    }

    private static let malformed = APIStatus(400, .badRequest, "the address is malformed")

    private static func hex(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 48...57: byte - 48
        case 65...70: byte - 55
        case 97...102: byte - 87
        case _: nil
        }
    }
}
