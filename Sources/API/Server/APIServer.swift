import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import JobLog
import Logging
import NIOCore
import NIOPosix
import Scheduler
import Synchronization
import Traceflow
import Worker

/// Serves the Kubernetes API of a log's traces.
///
///     start ──bound──▶ serving ──stop──▶ watches end ──▶ closed
///       └──address in use──▶ throws
///
/// HTTP on SwiftNIO's shared threads, the log on a few of its own, following on one: none of
/// Swift's waits.
public final class APIServer: Sendable {
    /// What is served, where and to whom.
    public struct Options: Sendable {
        public var address: ServerAddress
        public var version: String
        /// What Pods send, for live traces.
        public var traffic: [TrafficReference] = []
        package var tokens: TokenFile?
        package var tls: TLSFiles?
        /// Hears what goes wrong here.
        public var tell: @Sendable (String) -> Void = { _ in }
        var limits = ServerLimits()

        public init(address: ServerAddress, version: String) {
            self.address = address
            self.version = version
        }
    }

    /// Where it serves, with the port that the system chose.
    public var address: ServerAddress { application.address }
    let tls: TLSFiles?
    private let tokens: TokenFile?
    private let isStopped = Mutex(false)
    private let hub: WatchHub
    private let pool: NIOThreadPool
    private let application: RunningApplication

    private static let logThreads = 6

    /// Serves the log; throws `WorkerError` when the address cannot be had.
    ///
    /// Blocks until it serves: not to be called on a thread of Swift concurrency.
    public init(log: JobLog, clusters: ClusterStore, clock: Clock = .system, _ options: Options)
        throws
    {
        let store = try ObjectStore(log: log)
        let others = OtherObjects(log: log)
        let hub = WatchHub(store: store, others: others, clock: clock, tell: options.tell)
        let reading = ObjectReading(store: store, others: others, hub: hub, clock: clock)
        let writing = ObjectWriting(
            reading: reading, log: log, clusters: clusters, traffic: options.traffic, clock: clock)
        let pool = NIOThreadPool(numberOfThreads: Self.logThreads)
        pool.start()
        let responder = APIResponder(
            handlers: APIHandlers(reading: reading, writing: writing, version: options.version),
            access: AccessControl(
                tokens: options.tokens,
                takesCertificates: options.tls?.clientAuthority != nil,
                isLoopback: options.address.isLoopback),
            limits: options.limits, pool: pool, clock: clock, tell: options.tell)
        do {
            application = try RunningApplication(
                at: options.address, of: "--listen"
            ) { onBound in
                try Self.application(responder, options, onBound: onBound)
            }
        } catch {
            hub.stop()
            try? pool.syncShutdownGracefully()
            throw error
        }
        (tls, tokens) = (options.tls, options.tokens)
        (self.hub, self.pool) = (hub, pool)
    }

    /// How kubectl reaches it, as whoever has the first token.
    public var kubeconfig: Kubeconfig {
        Kubeconfig(server: url, authority: tls?.certificate, token: tokens?.first)
    }

    /// Where clients find it; of all addresses of the host one that it surely has.
    public var url: String {
        let host = ["0.0.0.0", "::"].contains(address.host) ? "127.0.0.1" : address.host
        let shown = host.contains(":") ? "[\(host)]" : host
        return "\(tls == nil ? "http" : "https")://\(shown):\(address.port)"
    }

    /// Ends all watches and closes all connections, once. Blocks a little.
    public func stop() {
        let isFirst = isStopped.withLock { isStopped in
            defer { isStopped = true }
            return !isStopped
        }
        guard isFirst else { return }
        hub.stop()
        application.stop()
        try? pool.syncShutdownGracefully()
    }

    private static func application(
        _ responder: APIResponder, _ options: Options,
        onBound: @escaping @Sendable (Int?) -> Void
    ) throws -> Application<CallbackResponder<APIContext>> {
        // Standard error is for people; and no header ever gets there.
        let logger = Logger(label: "tracectl.api") { _ in SwiftLogNoOpLogHandler() }
        let limits = options.limits
        let plain = HTTPServerBuilder.http1(
            configuration: HTTP1Channel.Configuration(
                additionalChannelHandlers: [ConnectionGuard(limits)],
                httpDecoderConfiguration: .init(
                    maxHeaderFieldSize: limits.headerBytesMax,
                    maxHeaderListSize: limits.headerBytesMax,
                    maxHeaderFieldCount: limits.headerCountMax)))
        return Application(
            responder: CallbackResponder { request, context in
                await responder.response(to: request, context)
            },
            server: try options.tls.map {
                try .tls(plain, tlsConfiguration: $0.configuration())
            } ?? plain,
            configuration: ApplicationConfiguration(
                address: .hostname(options.address.host, port: options.address.port),
                availableConnectionsDelegate: MaximumAvailableConnections(
                    limits.connectionsMax, logger: logger)),
            onServerRunning: { channel in onBound(channel.localAddress?.port) },
            logger: logger)
    }
}
