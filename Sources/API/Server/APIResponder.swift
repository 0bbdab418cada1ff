import HTTPTypes
import Hummingbird
import JobLog
import Kubernetes
import NIOCore
import NIOPosix
import Worker

/// Answers requests of the API.
///
///     request ──who?──▶ 401 ──how often?──▶ 429 ──what?──▶ 404 ──may they?──▶ 403 ──▶ answer
///
/// Whatever is refused is told by a `Status`. What blocks on the log runs on threads of its own.
final class APIResponder: Sendable {
    let handlers: APIHandlers
    private let access: AccessControl
    private let limits: ServerLimits
    private let rate: RateLimit
    private let pool: NIOThreadPool
    private let clock: Clock
    private let tell: @Sendable (String) -> Void

    init(
        handlers: APIHandlers, access: AccessControl, limits: ServerLimits, pool: NIOThreadPool,
        clock: Clock, tell: @escaping @Sendable (String) -> Void
    ) {
        self.handlers = handlers
        self.access = access
        self.limits = limits
        self.pool = pool
        self.clock = clock
        self.tell = tell
        rate = RateLimit(perSecond: limits.requestsPerSecond, burst: limits.requestsBurst)
    }

    func response(to request: Request, _ context: APIContext) async -> Response {
        let answer: APIAnswer
        do {
            answer = try await self.answer(request, context)
        } catch let status as APIStatus {
            answer = APIAnswer(status)
        } catch {
            answer = APIAnswer(status(of: error))
        }
        let response = response(answer, request)
        return request.method == .head ? response.createHeadResponse() : response
    }

    private func answer(_ request: Request, _ context: APIContext) async throws -> APIAnswer {
        var asked = try APIRequest(
            method: request.method, target: request.head.path ?? "", headers: request.headers)
        try access.refuseForeignPages(request)
        let route = Result { () throws(APIStatus) in try APIRoute(asked.path) }
        if case .success(.health) = route {
            return .health(isWell: handlers.reading.store.isFollowing)
        }
        let identity: Identity
        do {
            identity = try await access.identity(of: request, context)
        } catch {
            // Who guesses tokens is slowed down as well.
            try takeRate(of: "unknown at " + access.peer(context))
            throw error
        }
        try takeRate(of: access.isOpen ? access.peer(context) : identity.name)
        let found = try route.get()
        if let wanted = try found.access(asked.method, isWatch: asked.flag("watch")) {
            try identity.demand(wanted.verb, wanted.kind, name: wanted.name)
            guard wanted.kind.verbs.contains(wanted.verb) else {
                throw APIRoute.notAllowed(asked.method)
            }
        }
        if asked.method != .get {
            asked.body = try await body(of: request)
        }
        asked.identity = identity
        let (handlers, ready) = (handlers, asked)
        return try await pool.runIfActive { try handlers.answer(ready, found) }
    }

    private func takeRate(of client: String) throws(APIStatus) {
        guard rate.take(client, at: clock.monotonicMicroseconds()) else {
            throw APIStatus(
                429, .tooManyRequests, "too many requests, please try again later",
                details: ["retryAfterSeconds": 1])
        }
    }

    private func body(of request: Request) async throws -> [UInt8] {
        if let text = request.headers[.contentLength], let length = Int(text),
            length > limits.bodyBytesMax
        {
            throw tooLarge
        }
        do {
            let buffer = try await request.body.collect(upTo: limits.bodyBytesMax)
            return Array(buffer.readableBytesView)
        } catch is NIOTooManyBytesError {
            throw tooLarge
        }
    }

    private var tooLarge: APIStatus {
        APIStatus(
            413, .requestEntityTooLarge,
            "Request entity too large: limit is \(limits.bodyBytesMax)")
    }

    /// What clients are told of what failed here: what it is about, and nothing of this machine.
    private func status(of error: any Error) -> APIStatus {
        switch error {
        case let error as JobLogError where error.code == .archived:
            return APIStatus(410, .gone, "a part of it is archived; restore its segment first")
        case let error as JobLogError where error.code == .diskFull:
            tell("\(error)")
            return APIStatus(507, .internalError, "the log cannot be written: the disk is full")
        case let refusal as Refusal:
            return APIStatus(422, .invalid, ObjectBody.plain(refusal.description))
        case is NIOTooManyBytesError: return tooLarge
        case is ChannelError, is CancellationError:
            return APIStatus(503, .serviceUnavailable, "the connection or the server ends")
        case _:
            tell("a request failed: \(error)")
            return APIStatus(
                500, .internalError, "Internal error occurred: see the server's messages")
        }
    }

    private func response(_ answer: APIAnswer, _ request: Request) -> Response {
        var answer = answer
        // What was not read of a body would be taken for the next request.
        if answer.code >= 400, request.method != .get { answer.closes = true }
        let status = HTTPResponse.Status(code: answer.code)
        switch answer.body {
        case .bytes(let bytes):
            return Response(
                status: status, headers: answer.headers(),
                body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
        case .watch(let id, let chunks):
            let hub = handlers.reading.hub
            return Response(
                status: status, headers: answer.headers(),
                body: ResponseBody { writer in
                    defer { hub.leave(id) }
                    try await request.body.consumeWithCancellationOnInboundClose { _ in
                        for await chunk in chunks { try await writer.write(chunk) }
                    }
                    try await writer.finish(nil)
                })
        }
    }
}

extension APIAnswer {
    /// Whether the server is of use.
    static func health(isWell: Bool) -> APIAnswer {
        if isWell { return text("ok") }
        return APIAnswer(APIStatus(503, .serviceUnavailable, "the log cannot be followed"))
    }

    static func text(_ text: String) -> APIAnswer {
        var answer = APIAnswer(Array(text.utf8))
        answer.type = "text/plain; charset=utf-8"
        return answer
    }
}
