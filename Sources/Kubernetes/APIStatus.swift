/// What a Kubernetes API server says of a request that it does not do, the object `Status`
/// (k8s.io/apimachinery, meta/v1).
public struct APIStatus: Error, Hashable, Sendable, CustomStringConvertible {
    /// For people; of a foreign server it may hold anything.
    public var message: String
    public var reason: Reason?
    /// As of HTTP.
    public var code: Int
    /// Which object it is about, and what is wrong with which field.
    public var details: JSONValue

    /// The reasons that are looked at or given; a server may give others.
    public enum Reason: String, Hashable, Sendable {
        case badRequest = "BadRequest"
        case unauthorized = "Unauthorized"
        case forbidden = "Forbidden"
        case notFound = "NotFound"
        case methodNotAllowed = "MethodNotAllowed"
        case notAcceptable = "NotAcceptable"
        case alreadyExists = "AlreadyExists"
        case conflict = "Conflict"
        case gone = "Gone"
        case expired = "Expired"
        case requestEntityTooLarge = "RequestEntityTooLarge"
        case unsupportedMediaType = "UnsupportedMediaType"
        case invalid = "Invalid"
        case tooManyRequests = "TooManyRequests"
        case internalError = "InternalError"
        case serverTimeout = "ServerTimeout"
        case timeout = "Timeout"
        case serviceUnavailable = "ServiceUnavailable"
    }

    public init(_ code: Int, _ reason: Reason?, _ message: String, details: JSONValue = .null) {
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details
    }

    /// Nil when the object is no Status.
    public init?(_ object: JSONValue) {
        guard object["kind"].text == "Status" else { return nil }
        code = object["code"].int ?? 500
        reason = object["reason"].text.flatMap(Reason.init)
        message = object["message"].text ?? "status \(code)"
        details = object["details"]
    }

    /// Whether it says that there is no such object. A 404 may also mean that the server does not
    /// serve the kind: for good, or because it has only just begun and does not know its custom
    /// resources yet; then it has no Status, or one that names nothing.
    public func isAbsence(of name: String) -> Bool {
        code == 404 && reason == .notFound && details["name"].text == name
    }

    public var json: JSONValue {
        .of([
            "kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Failure",
            "message": .string(message), "reason": reason.map { .string($0.rawValue) },
            "details": details, "code": .int(Int64(code)),
        ])
    }

    public var description: String { message }
}
