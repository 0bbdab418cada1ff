import Dispatch
import Glibc
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import Worker

/// Serves `/metrics`, `/healthz` and `/readyz` on a loopback address.
///
///     start ──bound──▶ serving: the process alone ──serve(metrics)──▶ serving ──stop──▶ closed
///       └──address in use──▶ throws
///
/// One thread of its own; what waits for the log waits on a queue and not on Swift's threads.
public final class MetricsServer: Sendable {
    /// Where it serves, with the port that the system chose.
    public let address: LoopbackAddress
    private let endpoints: Endpoints
    private let group: MultiThreadedEventLoopGroup
    private let task: Task<Void, Never>
    private let progress: ServerProgress

    /// Connections at once at most; more wait to be accepted. A scraper needs one.
    private static let connectionsMax = 64
    private static let idleSeconds: Int64 = 30
    private static let headerBytesMax = 16 << 10
    private static let headerCountMax = 100
    private static let stopSeconds = 2

    /// Serves at the address; throws `WorkerError` when it cannot be had.
    ///
    /// Blocks until it serves: not to be called on a thread of Swift concurrency.
    public init(at wanted: LoopbackAddress, version: String) throws {
        let endpoints = Endpoints(version: version)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let progress = ServerProgress()
        let application = Self.application(at: wanted, endpoints, group) { port in
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
        case .success(let port): address = LoopbackAddress(host: wanted.host, port: port)
        case .failure(let error):
            try? group.syncShutdownGracefully()
            throw Self.failure(error, at: wanted)
        case nil: throw WorkerError("metrics cannot be served at \(wanted)")
        }
        self.endpoints = endpoints
        self.group = group
        self.progress = progress
    }

    /// From now on it speaks of a worker, too.
    public func serve(_ metrics: WorkerMetrics) { endpoints.serve(metrics) }

    /// Closes all connections. Blocks a little.
    public func stop() {
        task.cancel()
        _ = progress.ended.wait(timeout: .now() + .seconds(Self.stopSeconds))
        try? group.syncShutdownGracefully()
    }

    private static func application(
        at address: LoopbackAddress, _ endpoints: Endpoints, _ group: MultiThreadedEventLoopGroup,
        onBound: @escaping @Sendable (Int?) -> Void
    ) -> Application<CallbackResponder<BasicRequestContext>> {
        // Standard error is for people, and says what matters already.
        let logger = Logger(label: "tracectl.metrics") { _ in SwiftLogNoOpLogHandler() }
        return Application(
            responder: CallbackResponder { request, _ in
                await endpoints.response(to: request)
            },
            server: .http1(
                configuration: HTTP1Channel.Configuration(
                    idleTimeout: .seconds(idleSeconds),
                    httpDecoderConfiguration: .init(
                        maxHeaderFieldSize: headerBytesMax, maxHeaderListSize: headerBytesMax,
                        maxHeaderFieldCount: headerCountMax))),
            configuration: ApplicationConfiguration(
                address: .hostname(address.host, port: address.port),
                availableConnectionsDelegate: MaximumAvailableConnections(
                    connectionsMax, logger: logger)),
            onServerRunning: { channel in onBound(channel.localAddress?.port) },
            eventLoopGroupProvider: .shared(group), logger: logger)
    }

    private static func failure(_ error: any Error, at address: LoopbackAddress) -> WorkerError {
        if let error = error as? IOError, error.errnoCode == EADDRINUSE {
            return WorkerError(
                "\(address): the port is in use; choose another for --metrics, or 0")
        }
        return WorkerError("\(address): metrics cannot be served there: \(error)")
    }
}
