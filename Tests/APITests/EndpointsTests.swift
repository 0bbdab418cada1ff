import Hummingbird
import Testing

@testable import API

/// What is answered before the log is open, which may take as long as it likes.
struct EndpointsTests {
    private func ask(_ method: HTTPRequest.Method, _ path: String) async -> Response {
        let head = HTTPRequest(method: method, scheme: "http", authority: "localhost", path: path)
        return await Endpoints(version: "1").response(
            to: Request(head: head, body: RequestBody(buffer: ByteBuffer())))
    }

    @Test(arguments: [
        ("/metrics", 200), ("/metrics?name=x", 200), ("/healthz", 200), ("/readyz", 503),
        ("/", 404), ("/metrics/", 404), ("/METRICS", 404), ("/metrics/../healthz", 404),
        ("//metrics", 404),
    ])
    func threePathsAreThere(_ path: String, _ status: Int) async {
        for method in [HTTPRequest.Method.get, .head] {
            #expect(await ask(method, path).status.code == status, "\(method) \(path)")
        }
    }

    @Test(arguments: [HTTPRequest.Method.post, .put, .delete, .options, .patch, .trace])
    func nothingIsDoneThere(_ method: HTTPRequest.Method) async {
        let response = await ask(method, "/metrics")
        #expect(response.status == .methodNotAllowed)
        #expect(response.headers[.allow] == "GET, HEAD")
    }

    @Test func headSaysHowLongTheAnswerIsWithoutGivingIt() async {
        let (get, head) = (await ask(.get, "/healthz"), await ask(.head, "/healthz"))
        #expect(get.headers[.contentLength] == "3")
        #expect(head.headers[.contentLength] == "3")
        #expect(head.body.contentLength == 0)
        #expect(get.headers[.cacheControl] == "no-store")
    }
}
