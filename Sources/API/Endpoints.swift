import Dispatch
import Hummingbird
import Synchronization
import Worker

/// What is answered to whom: three paths to be read, and nothing else.
final class Endpoints: Sendable {
    private let version: String
    private let metrics = Mutex<WorkerMetrics?>(nil)
    /// Where the log is waited for: one after the other, so that many scrapers are no burden.
    private let queue = DispatchQueue(label: "tracectl.metrics", qos: .utility)

    private enum Path: String {
        case metrics = "/metrics"
        case liveness = "/healthz"
        case readiness = "/readyz"
    }

    init(version: String) { self.version = version }

    func serve(_ metrics: WorkerMetrics) { self.metrics.withLock { $0 = metrics } }

    func response(to request: Request) async -> Response {
        guard let path = Path(rawValue: request.uri.path) else {
            return Self.response(
                .notFound, "not found; there are /metrics, /healthz and /readyz\n")
        }
        guard request.method == .get || request.method == .head else {
            var response = Self.response(.methodNotAllowed, "only GET and HEAD\n")
            response.headers[.allow] = "GET, HEAD"
            return response
        }
        let response = await answer(path)
        return request.method == .head ? response.createHeadResponse() : response
    }

    private func answer(_ path: Path) async -> Response {
        let metrics = metrics.withLock { $0 }
        switch path {
        case .metrics:
            let version = version
            let page = await waiting {
                metrics?.page()
                    ?? MetricsPage.text(MetricsReading(version: version, process: .now()))
            }
            return Self.response(.ok, page, type: Exposition.contentType)
        case .liveness: return Self.response(metrics?.liveness ?? .ok)
        case .readiness:
            guard let metrics else { return Self.response(.no("the log is being opened")) }
            return Self.response(await waiting { metrics.readiness() })
        }
    }

    private func waiting<T: Sendable>(_ body: @escaping @Sendable () -> T) async -> T {
        await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: body()) }
        }
    }

    private static func response(_ answer: Health.Answer) -> Response {
        response(answer.isWell ? .ok : .serviceUnavailable, answer.text + "\n")
    }

    private static func response(
        _ status: HTTPResponse.Status, _ text: String, type: String = "text/plain; charset=utf-8"
    ) -> Response {
        Response(
            status: status, headers: [.contentType: type, .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}
