import CCurl
import Foundation
import Synchronization

/// HTTP by libcurl's multi interface: many requests at once over few connections, which are kept.
///
///     submitted ──▶ waiting (until it is due) ──▶ under way ──▶ ended, `end` called once
///         └────────────────cancel────────────────────┴──────▶ ended, as cancelled
///
/// All of libcurl runs on one thread of this transport; `receive` and `end` are called on it and
/// must not wait for anything.
public final class HTTPTransport: Sendable {
    public typealias Number = UInt64

    struct Submission: Sendable {
        var number: Number
        var request: TransportRequest
        var delayMilliseconds: Int
        var receive: (@Sendable ([UInt8]) -> Bool)?
        var end: @Sendable (Result<TransportAnswer, TransportError>) -> Void
    }

    /// What callers tell the thread.
    final class Inbox: Sendable {
        struct State {
            var submissions: [Submission] = []
            var cancelled: Set<Number> = []
            var isClosed = false
            var last: Number = 0
        }

        let state = Mutex(State())
        /// libcurl's; its `curl_multi_wakeup` alone may be called on any thread.
        let multi: OpaqueMulti

        init(_ multi: OpaqueMulti) { self.multi = multi }

        func wake() { curl_multi_wakeup(multi.pointer) }
    }

    /// A pointer that is only used as libcurl allows it: on the transport's thread, and to wake it
    /// (libcurl: "curl_multi_wakeup can be called from any thread"). The loop frees it after the
    /// inbox was closed, and nobody wakes a closed inbox.
    struct OpaqueMulti: @unchecked Sendable {
        let pointer: UnsafeMutableRawPointer
    }

    private let inbox: Inbox

    /// Throws when libcurl has no memory.
    public init(trust: ServerTrust) throws(TransportError) {
        guard curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK,
            let multi = curl_multi_init()
        else { throw TransportError(.unusable, "libcurl cannot start") }
        let inbox = Inbox(OpaqueMulti(pointer: multi))
        self.inbox = inbox
        let thread = Thread { TransportLoop(inbox, trust).run() }
        thread.name = "tracectl.http"
        // Answers are parsed on it, and may be nested deeply.
        thread.stackSize = 8 << 20
        thread.start()
    }

    deinit { close() }

    /// Sends the request after the delay. What comes of a successful answer's body goes to
    /// `receive`, where it is given, which says whether to go on; without it, into the answer.
    @discardableResult
    public func submit(
        _ request: TransportRequest, afterMilliseconds delay: Int = 0,
        receive: (@Sendable ([UInt8]) -> Bool)? = nil,
        end: @escaping @Sendable (Result<TransportAnswer, TransportError>) -> Void
    ) -> Number {
        let number: Number? = inbox.state.withLock { state in
            guard !state.isClosed else { return nil }
            state.last += 1
            state.submissions.append(
                Submission(
                    number: state.last, request: request, delayMilliseconds: delay,
                    receive: receive, end: end))
            inbox.wake()
            return state.last
        }
        if number == nil { end(.failure(TransportError(.cancelled, "the client was closed"))) }
        return number ?? 0
    }

    /// Ends the request as cancelled, unless it has ended.
    public func cancel(_ number: Number) {
        inbox.state.withLock { state in
            guard !state.isClosed else { return }
            state.cancelled.insert(number)
            inbox.wake()
        }
    }

    /// Ends all requests as cancelled, and the thread.
    public func close() {
        inbox.state.withLock { state in
            guard !state.isClosed else { return }
            state.isClosed = true
            inbox.wake()
        }
    }
}
