/// One request to an API server.
public struct APICall: Sendable {
    public var method: String
    public var path: String
    public var query: [(name: String, value: String)]
    public var body: JSONValue?
    public var contentType: String
    public var timeoutMilliseconds: Int?
    /// Whether doing it twice does no harm, so that it is tried again where nobody knows whether
    /// it was done.
    public var isRepeatable: Bool

    public static let json = "application/json"
    public static let mergePatch = "application/merge-patch+json"

    public init(
        _ method: String, _ path: String, query: [(name: String, value: String)] = [],
        body: JSONValue? = nil, contentType: String = APICall.json,
        timeoutMilliseconds: Int? = 30_000, isRepeatable: Bool? = nil
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.body = body
        self.contentType = contentType
        self.timeoutMilliseconds = timeoutMilliseconds
        self.isRepeatable = isRepeatable ?? (method == "GET")
    }

    var target: String {
        guard !query.isEmpty else { return path }
        let pairs = query.map { "\($0.name)=\(PercentEncoding.text($0.value))" }
        return path + "?" + pairs.joined(separator: "&")
    }
}
