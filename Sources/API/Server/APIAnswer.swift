import Hummingbird
import HTTPTypes
import Kubernetes
import NIOCore

/// What a request is answered with.
struct APIAnswer: Sendable {
    enum Body: Sendable {
        case bytes([UInt8])
        /// A watch, which goes on until the client, its time or the server ends it.
        case watch(id: Int, AsyncStream<ByteBuffer>)
    }

    var code: Int = 200
    var body: Body
    var type = "application/json"
    /// Told to the client's user (RFC 9111, `Warning: 299`).
    var warnings: [String] = []
    var retryAfterSeconds: Int?
    /// Whether the connection ends after it.
    var closes = false

    init(_ bytes: [UInt8], code: Int = 200) {
        body = .bytes(bytes)
        self.code = code
    }

    init(_ value: JSONValue, code: Int = 200) {
        self.init(value.bytes, code: code)
    }

    init(_ status: APIStatus) {
        self.init(status.json, code: status.code)
        if status.code == 429 || status.code == 503 { retryAfterSeconds = 1 }
    }

    init(watch id: Int, _ chunks: AsyncStream<ByteBuffer>) {
        body = .watch(id: id, chunks)
    }

    func headers() -> HTTPFields {
        var fields: HTTPFields = [.contentType: type, .cacheControl: "no-cache, private"]
        for warning in warnings.prefix(20) {
            fields.append(HTTPField(name: .warning, value: "299 - \(OutputValue.quoted(warning))"))
        }
        if let retryAfterSeconds { fields[.retryAfter] = String(retryAfterSeconds) }
        if closes { fields[.connection] = "close" }
        return fields
    }
}

extension HTTPField.Name {
    static let warning = HTTPField.Name.constant("Warning")

    private static func constant(_ name: String) -> HTTPField.Name {
        HTTPField.Name(name) ?? .via
    }
}
