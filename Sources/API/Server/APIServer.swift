import Dispatch
import Glibc
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
/// HTTP on two threads, the log on a few of its own, following on one: none of Swift's waits.
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
    public let address: ServerAddress
    let tls: TLSFiles?
    private let tokens: TokenFile?
    private let isStopped = Mutex(false)
    private let hub: WatchHub
    private let group: MultiThreadedEventLoopGroup
    private let pool: NIOThreadPool
    private let task: Task<Void, Never>
    private let progress: ServerProgress

    private static let httpThreads = 2
    private static let logThreads = 6
    private static let stopSeconds = 3

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
        let group = MultiThreadedEventLoopGroup(numberOfThreads: Self.httpThreads)
        let progress = ServerProgress()
        let wanted = options.address
        let application = try Self.application(responder, options, group) { port in
            progress.begin(.success(port ?? wanted.port))
        }
        task = Task.detached {
            do {
                try await application.run()
                progress.begin(.failure(CancellationError()))
            } catch {
                progress.begin(.failure(error))
            }
            progress.ended.signal()
        }
        progress.began.wait()
        switch progress.bound {
        case .success(let port): address = wanted.with(port: port)
        case .failure(let error):
            hub.stop()
            try? group.syncShutdownGracefully()
            throw Self.failure(error, at: wanted)
        case nil: throw WorkerError("the API cannot be served at \(wanted)")
        }
        (tls, tokens) = (options.tls, options.tokens)
        (self.hub, self.group, self.pool, self.progress) = (hub, group, pool, progress)
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
        task.cancel()
        _ = progress.ended.wait(timeout: .now() + .seconds(Self.stopSeconds))
        try? group.syncShutdownGracefully()
        try? pool.syncShutdownGracefully()
    }

    private static func application(
        _ responder: APIResponder, _ options: Options, _ group: MultiThreadedEventLoopGroup,
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
            eventLoopGroupProvider: .shared(group), logger: logger)
    }

    private static func failure(_ error: any Error, at address: ServerAddress) -> WorkerError {
        if let error = error as? IOError, error.errnoCode == EADDRINUSE {
            return WorkerError(
                "\(address): the port is in use; choose another for --listen, or 0")
        }
        return WorkerError("\(address): the API cannot be served there: \(error)")
    }
}
