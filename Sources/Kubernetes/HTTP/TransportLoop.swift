import CCurl
import Glibc

/// The thread of a transport: takes requests from its inbox and turns libcurl's wheel.
struct TransportLoop {
    private let inbox: HTTPTransport.Inbox
    private let trust: ServerTrust
    private var multi: UnsafeMutableRawPointer { inbox.multi.pointer }
    private var waiting: [(due: Int64, submission: HTTPTransport.Submission)] = []
    private var underWay: [UnsafeMutableRawPointer: Exchange] = [:]

    private static let pollMillisecondsMax: Int64 = 60_000
    /// So many connections to the one server; HTTP/2 needs one.
    private static let connectionsMax = 32

    init(_ inbox: HTTPTransport.Inbox, _ trust: ServerTrust) {
        self.inbox = inbox
        self.trust = trust
    }

    consuming func run() {
        ccurl_multi_set_long(multi, CURLMOPT_MAX_HOST_CONNECTIONS, Self.connectionsMax)
        ccurl_multi_set_long(multi, CURLMOPT_PIPELINING, Int(CURLPIPE_MULTIPLEX))
        while takeInbox() {
            startDue()
            var running: Int32 = 0
            curl_multi_perform(multi, &running)
            takeEnded()
            var ready: Int32 = 0
            curl_multi_poll(multi, nil, 0, Int32(pollMilliseconds), &ready)
        }
        let error = TransportError(.cancelled, "the client was closed")
        for (easy, exchange) in underWay {
            curl_multi_remove_handle(multi, easy)
            exchange.end(.failure(error))
        }
        for (_, submission) in waiting { submission.end(.failure(error)) }
        underWay = [:]
        curl_multi_cleanup(multi)
    }

    private var pollMilliseconds: Int64 {
        let now = Self.now()
        return waiting.reduce(Self.pollMillisecondsMax) { min($0, max(0, $1.due - now)) }
    }

    /// Returns whether to go on.
    private mutating func takeInbox() -> Bool {
        let (submissions, cancelled, isClosed) = inbox.state.withLock { state in
            defer { (state.submissions, state.cancelled) = ([], []) }
            return (state.submissions, state.cancelled, state.isClosed)
        }
        let now = Self.now()
        for submission in submissions {
            waiting.append((now + Int64(submission.delayMilliseconds), submission))
        }
        guard !isClosed else { return false }
        if !cancelled.isEmpty { cancel(cancelled) }
        return true
    }

    private mutating func cancel(_ numbers: Set<HTTPTransport.Number>) {
        let error = TransportError(.cancelled, "the request was cancelled")
        for (easy, exchange) in underWay where numbers.contains(exchange.number) {
            curl_multi_remove_handle(multi, easy)
            underWay[easy] = nil
            exchange.end(.failure(error))
        }
        for (_, submission) in waiting where numbers.contains(submission.number) {
            submission.end(.failure(error))
        }
        waiting.removeAll { numbers.contains($0.submission.number) }
    }

    private mutating func startDue() {
        let now = Self.now()
        let due = waiting.filter { $0.due <= now }
        guard !due.isEmpty else { return }
        waiting.removeAll { $0.due <= now }
        for (_, submission) in due {
            do throws(TransportError) {
                let exchange = try Exchange(submission, trust)
                curl_multi_add_handle(multi, exchange.easy)
                underWay[exchange.easy] = exchange
            } catch {
                submission.end(.failure(error))
            }
        }
    }

    private mutating func takeEnded() {
        var left: Int32 = 0
        while let message = curl_multi_info_read(multi, &left) {
            guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle
            else { continue }
            let code = message.pointee.data.result
            curl_multi_remove_handle(multi, easy)
            underWay.removeValue(forKey: easy)?.finish(code)
        }
    }

    private static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}
