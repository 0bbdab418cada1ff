import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import Worker

/// Serves `/metrics`, `/healthz` and `/readyz` on a loopback address.
///
///     start ──bound──▶ serving: the process alone ──serve(metrics)──▶ serving ──stop──▶ closed
///       └──address in use──▶ throws
///
/// What waits for the log waits on a queue and not on Swift's threads.
public final class MetricsServer: Sendable {
    /// Where it serves, with the port that the system chose.
    public var address: ServerAddress { application.address }
    private let endpoints: Endpoints
    private let application: RunningApplication

    /// Connections at once at most; more wait to be accepted. A scraper needs one.
    private static let connectionsMax = 64
    private static let idleSeconds: Int64 = 30
    private static let headerBytesMax = 16 << 10
    private static let headerCountMax = 100

    /// Serves at the address; throws `WorkerError` when it cannot be had.
    ///
    /// Blocks until it serves: not to be called on a thread of Swift concurrency.
    public init(at wanted: LoopbackAddress, version: String) throws {
        let endpoints = Endpoints(version: version)
        application = try RunningApplication(
            at: wanted.address, of: "--metrics"
        ) { onBound in
            Self.application(at: wanted, endpoints, onBound: onBound)
        }
        self.endpoints = endpoints
    }

    /// From now on it speaks of a worker, too.
    public func serve(_ metrics: WorkerMetrics) { endpoints.serve(metrics) }

    /// Closes all connections. Blocks a little.
    public func stop() { application.stop() }

    private static func application(
        at address: LoopbackAddress, _ endpoints: Endpoints,
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
                address: .hostname(address.address.host, port: address.address.port),
                availableConnectionsDelegate: MaximumAvailableConnections(
                    connectionsMax, logger: logger)),
            onServerRunning: { channel in onBound(channel.localAddress?.port) },
            logger: logger)
    }
}
