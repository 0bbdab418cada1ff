import HTTPTypes
import Kubernetes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// Cuts off clients that are slow, and answers what is no HTTP.
///
///     opened ──head in time──▶ reading ──body in time──▶ answering ──answered──▶ idle ──head──▶ …
///        └────────────────── too late: closed ──────────────┴──unread for long: closed
///
/// Its state belongs to the connection's event loop.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let limits: ServerLimits
    private var reading: Scheduled<Void>?
    private var stalled: Scheduled<Void>?
    /// Whether an answer was begun, which no other may follow.
    private var isAnswering = false
    private var isBroken = false

    init(_ limits: ServerLimits) { self.limits = limits }

    func handlerAdded(context: ChannelHandlerContext) {
        // The handshake of TLS counts, too.
        expect(within: limits.headSeconds, context)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        reading?.cancel()
        stalled?.cancel()
    }

    func channelInactive(context: ChannelHandlerContext) {
        reading?.cancel()
        stalled?.cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isBroken else { return }
        switch unwrapInboundIn(data) {
        case .head:
            expect(within: limits.bodySeconds, context)
        case .body: break
        case .end: reading?.cancel()
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head: isAnswering = true
        case .body: break
        case .end:
            isAnswering = false
            expect(within: limits.idleSeconds, context)
        }
        context.write(data, promise: promise)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        stalled?.cancel()
        if !context.channel.isWritable {
            stalled = close(after: limits.stalledSeconds, context)
        }
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard !isBroken else { return }
        isBroken = true
        let isOverflow = (error as? HTTPParserError) == .headerOverflow
        // Of bytes that are no TLS, and of a connection that is gone, nobody reads an answer.
        guard error is HTTPParserError || error is HTTP1TypeConversionError, !isAnswering else {
            context.close(promise: nil)
            return
        }
        let status = APIStatus(
            isOverflow ? 431 : 400, .badRequest,
            isOverflow ? "the headers are too large" : "the request is malformed")
        let body = ByteBuffer(bytes: status.json.bytes)
        var head = HTTPResponse(status: .init(code: status.code))
        head.headerFields[.contentType] = "application/json"
        head.headerFields[.contentLength] = String(body.readableBytes)
        head.headerFields[.connection] = "close"
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(body)), promise: nil)
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in
            channel.close(promise: nil)
        }
    }

    private func expect(within seconds: Int64, _ context: ChannelHandlerContext) {
        reading?.cancel()
        reading = close(after: seconds, context)
    }

    private func close(
        after seconds: Int64, _ context: ChannelHandlerContext
    ) -> Scheduled<Void> {
        let channel = context.channel
        return context.eventLoop.scheduleTask(in: .seconds(seconds)) {
            channel.close(promise: nil)
        }
    }
}
