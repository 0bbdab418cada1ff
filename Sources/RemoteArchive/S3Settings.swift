import Foundation

/// Where a bucket is asked for.
public struct S3Settings: Hashable, Sendable {
    public enum Style: String, Hashable, Sendable, CaseIterable {
        /// `https://bucket.host/key`
        case host
        /// `https://host/bucket/key`
        case path
    }

    public let region: String
    /// `scheme://host[:port]`
    public let endpoint: String
    public let style: Style
    /// Of the authorities that are trusted instead of the system's.
    public var authoritiesFile: String?
    /// Whether uploads ask the server to refuse a name that is taken meanwhile; for servers that do
    /// not know `If-None-Match` of a PUT.
    public var asksForFreeName = true

    /// What is not given is looked for: the region in `AWS_REGION`, `AWS_DEFAULT_REGION` and the
    /// profile's `region`; the endpoint in `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL` and the
    /// profile's `endpoint_url`. Without an endpoint it is that of AWS, and buckets are part of the
    /// host; with one they are part of the path.
    public init(
        region: String? = nil, endpoint: String? = nil, style: Style? = nil,
        _ surroundings: RemoteSurroundings
    ) throws(RemoteError) {
        var profile: SharedProfile?
        var region =
            region ?? surroundings.variable("AWS_REGION")
            ?? surroundings.variable("AWS_DEFAULT_REGION")
        var endpoint =
            endpoint ?? surroundings.variable("AWS_ENDPOINT_URL_S3")
            ?? surroundings.variable("AWS_ENDPOINT_URL")
        if region == nil || endpoint == nil {
            profile = try SharedProfile(surroundings)
            region = region ?? profile?.configuration?["region"]
            endpoint = endpoint ?? profile?.configuration?["endpoint_url"]
        }
        if region == nil, endpoint != nil { region = Self.regionOfOthers }
        guard let region else {
            throw RemoteError(
                .refused, "no region of AWS is given", remedy: "set AWS_REGION, as to eu-west-1")
        }
        guard region.utf8.allSatisfy({ PercentEncoding.isPlain($0) && $0 != 46 }), !region.isEmpty
        else {
            throw RemoteError(
                .refused, "'\(RemoteError.line(region))' is no region of AWS",
                remedy: "give one such as eu-west-1")
        }
        self.region = region
        if let endpoint {
            self.endpoint = try Self.checked(endpoint)
            self.style = style ?? .path
        } else {
            let domain = region.hasPrefix("cn-") ? "amazonaws.com.cn" : "amazonaws.com"
            self.endpoint = "https://s3.\(region).\(domain)"
            self.style = style ?? .host
        }
        authoritiesFile = surroundings.variable("AWS_CA_BUNDLE")
    }

    /// What servers other than AWS call theirs.
    private static let regionOfOthers = "us-east-1"

    private static func checked(_ text: String) throws(RemoteError) -> String {
        // Not with the text, which may hold a password.
        let refusal = RemoteError(
            .refused, "the endpoint is no URL such as https://host:9000",
            remedy: "give http or https, a host and a port, and nothing else")
        guard text.utf8.allSatisfy({ $0 > 32 && $0 < 127 }),
            let parts = URLComponents(string: text),
            let scheme = parts.scheme?.lowercased(), ["http", "https"].contains(scheme),
            let host = parts.host, !host.isEmpty, parts.user == nil, parts.password == nil,
            parts.query == nil, parts.fragment == nil, parts.path.isEmpty || parts.path == "/"
        else { throw refusal }
        return "\(scheme)://\(host)" + (parts.port.map { ":\($0)" } ?? "")
    }

    /// Without a slash at its end. Buckets with dots are in the path: no certificate covers them.
    func url(bucket: String) -> String {
        guard style == .host, !(bucket.contains(".") && endpoint.hasPrefix("https:")),
            let mark = endpoint.range(of: "://")
        else { return "\(endpoint)/\(bucket)" }
        return endpoint[..<mark.upperBound] + "\(bucket)." + endpoint[mark.upperBound...]
    }
}
