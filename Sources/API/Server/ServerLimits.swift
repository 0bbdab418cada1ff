/// How much clients may ask for.
struct ServerLimits: Hashable, Sendable {
    /// As of Kubernetes' own.
    var bodyBytesMax = 3 << 20
    var headerBytesMax = 64 << 10
    var headerCountMax = 100
    /// Connections at once; more wait to be accepted.
    var connectionsMax = 1024
    var requestsPerSecond = 400.0
    var requestsBurst = 800.0
    /// How long the head of a request may take, and its body.
    var headSeconds: Int64 = 10
    var bodySeconds: Int64 = 30
    /// How long a connection may be without a request.
    var idleSeconds: Int64 = 120
    /// How long a client may leave what it is sent unread.
    var stalledSeconds: Int64 = 20
}
