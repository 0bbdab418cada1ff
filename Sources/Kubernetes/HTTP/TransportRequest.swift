/// What is asked of a server.
public struct TransportRequest: Sendable {
    public var method: String
    /// Absolute.
    public var url: String
    public var headers: [(name: String, value: String)]
    public var body: [UInt8]?
    /// From the start to the last byte; nil for as long as it takes.
    public var timeoutMilliseconds: Int?
    /// The certificate that the client shows, if any.
    public var identity: ClientIdentity?

    public init(
        _ method: String, _ url: String, headers: [(name: String, value: String)] = [],
        body: [UInt8]? = nil, timeoutMilliseconds: Int? = 30_000, identity: ClientIdentity? = nil
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.timeoutMilliseconds = timeoutMilliseconds
        self.identity = identity
    }
}

/// What a server answered.
public struct TransportAnswer: Sendable {
    public var status: Int
    /// By their names in lower case.
    public var headers: [String: String]
    /// Empty where the body went to somebody as it came.
    public var body: [UInt8]

    public init(status: Int, headers: [String: String] = [:], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    public var isSuccess: Bool { (200..<300).contains(status) }
}

/// A certificate and its private key, in PEM.
public struct ClientIdentity: Hashable, Sendable, CustomReflectable {
    var certificate: [UInt8]
    var key: [UInt8]

    public init(certificate: [UInt8], key: [UInt8]) {
        self.certificate = certificate
        self.key = key
    }

    /// The key is shown nowhere.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// How the server is reached and believed.
public struct ServerTrust: Hashable, Sendable {
    /// Authorities in PEM that the server's certificate must come from; nil for the system's.
    public var authorities: [UInt8]?
    public var skipsVerification = false
    /// The name that the certificate must be of, in place of the URL's host.
    public var serverName: String?
    /// `http://`, `https://` or `socks5://`; nil for what the environment says.
    public var proxy: String?

    public init() {}
}

/// Why there was no whole answer.
public struct TransportError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Code: Hashable, Sendable {
        /// Nothing was sent: no such host, nobody listens, or no way there.
        case unreachable
        /// Whether the server did it nobody knows.
        case interrupted
        case timedOut
        /// Its certificate is not of who it should be, or ours is not taken.
        case untrusted
        case cancelled
        /// What came is no HTTP, or more than may be.
        case malformed
        /// The request itself cannot be made.
        case unusable
    }

    public var code: Code
    public var message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
