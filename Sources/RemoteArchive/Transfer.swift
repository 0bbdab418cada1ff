import CCurl
import Glibc

/// One request and what became of it, where libcurl's callbacks find it.
final class Transfer {
    var url: String
    var headers: [String] = []
    /// Of SFTP, done before anything else.
    var commands: [String] = []
    var body: (any TransferBody)?
    /// Takes what a successful answer holds; without it `answer` keeps that, up to
    /// `answerBytesMax`.
    var sink: ((UnsafeRawBufferPointer) throws -> Void)?
    var watch: TransferWatch
    /// Bytes of the body that were given; and what to tell of them.
    var progress: (Int64) -> Void = { _ in }
    /// Further options of this request.
    var options: (UnsafeMutableRawPointer) -> [CURLcode] = { _ in [] }

    fileprivate(set) var status = 0
    fileprivate(set) var length: Int64 = -1
    fileprivate(set) var answer: [UInt8] = []
    /// By their names in lower case.
    fileprivate(set) var answerHeaders: [String: String] = [:]
    fileprivate var offset: Int64 = 0
    fileprivate var thrown: (any Error)?
    fileprivate unowned let handle: CurlHandle

    static let answerBytesMax = 16 << 20
    private static let headersMax = 200

    init(_ handle: CurlHandle, _ url: String, _ watch: TransferWatch) {
        self.handle = handle
        self.url = url
        self.watch = watch
    }

    fileprivate func write(_ bytes: UnsafeRawBufferPointer) -> Bool {
        keepingError {
            let status = handle.status
            if let sink, status == 0 || (200..<300).contains(status) {
                try sink(bytes)
            } else {
                guard answer.count + bytes.count <= Self.answerBytesMax else {
                    throw RemoteError(
                        .malformedAnswer,
                        "the server's answer has more than \(Self.answerBytesMax >> 20) MiB")
                }
                answer += bytes
            }
        }
    }

    fileprivate func read(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
        guard let body else { return 0 }
        var count = 0
        let isRead = keepingError {
            guard offset < body.bytes else { return }
            count = try body.read(into: buffer, from: offset)
            offset += Int64(count)
            progress(offset)
        }
        return isRead ? count : nil
    }

    fileprivate func seek(to offset: Int64) -> Bool {
        guard let body, (0...body.bytes).contains(offset) else { return false }
        self.offset = offset
        return true
    }

    fileprivate func header(_ bytes: UnsafeRawBufferPointer) {
        let line = String(decoding: bytes, as: UTF8.self)
        if line.hasPrefix("HTTP/") { answerHeaders = [:] }
        guard let colon = line.firstIndex(of: ":"), answerHeaders.count < Self.headersMax
        else { return }
        answerHeaders[line[..<colon].lowercased()] = RemoteError.line(
            String(line[line.index(after: colon)...]))
    }

    private func keepingError(_ work: () throws -> Void) -> Bool {
        do {
            try work()
            return true
        } catch {
            thrown = error
            return false
        }
    }
}

/// Limits on how long a server may take.
public struct TransferLimits: Hashable, Sendable {
    public var connectMilliseconds = 15_000
    /// A server that moves fewer bytes a second, for so long, hangs.
    public var bytesPerSecondMin = 1
    public var quietSeconds = 60
    public var requestMilliseconds = 3_600_000

    public init() {}
}

/// A connection of libcurl, kept from one request to the next.
final class CurlHandle {
    private let easy: UnsafeMutableRawPointer
    private let errors: UnsafeMutablePointer<CChar>
    private let limits: TransferLimits

    init(_ limits: TransferLimits) throws(RemoteError) {
        guard let easy = curl_easy_init() else {
            throw RemoteError(.refused, "libcurl has no handle", remedy: "free some memory")
        }
        self.easy = easy
        self.limits = limits
        errors = .allocate(capacity: Int(CURL_ERROR_SIZE))
        errors.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    }

    deinit {
        curl_easy_cleanup(easy)
        errors.deallocate()
    }

    fileprivate var status: Int {
        var status = 0
        ccurl_status(easy, &status)
        return status
    }

    /// Throws where there was no whole answer; what its status means is the caller's to say.
    /// `scheme` is the only one that may be used; `peer` is for the error.
    func perform(_ transfer: Transfer, schemes: String, peer: String) throws {
        curl_easy_reset(easy)
        errors.pointee = 0
        let headers = Self.list(transfer.headers)
        let commands = Self.list(transfer.commands)
        defer {
            curl_slist_free_all(headers)
            curl_slist_free_all(commands)
        }
        let context = Unmanaged.passUnretained(transfer).toOpaque()
        var codes = [
            ccurl_set_errors(easy, errors), ccurl_set_text(easy, CURLOPT_URL, transfer.url),
            ccurl_set_text(easy, CURLOPT_PROTOCOLS_STR, schemes),
            ccurl_set_long(easy, CURLOPT_NOSIGNAL, 1),
            // What is under way at once by SFTP is as large, however long a round trip takes.
            ccurl_set_long(easy, CURLOPT_BUFFERSIZE, 512 << 10),
            ccurl_set_long(easy, CURLOPT_UPLOAD_BUFFERSIZE, 1 << 20),
            ccurl_set_long(easy, CURLOPT_CONNECTTIMEOUT_MS, limits.connectMilliseconds),
            ccurl_set_long(easy, CURLOPT_TIMEOUT_MS, limits.requestMilliseconds),
            ccurl_set_long(easy, CURLOPT_LOW_SPEED_LIMIT, limits.bytesPerSecondMin),
            ccurl_set_long(easy, CURLOPT_LOW_SPEED_TIME, limits.quietSeconds),
            ccurl_set_write(easy, Self.write, context),
            ccurl_set_header(easy, Self.header, context),
            ccurl_set_progress(easy, Self.progress, context),
        ]
        if headers != nil { codes.append(ccurl_set_list(easy, CURLOPT_HTTPHEADER, headers)) }
        if commands != nil { codes.append(ccurl_set_list(easy, CURLOPT_QUOTE, commands)) }
        if let body = transfer.body {
            codes += [
                ccurl_set_long(easy, CURLOPT_UPLOAD, 1),
                ccurl_set_large(easy, CURLOPT_INFILESIZE_LARGE, curl_off_t(body.bytes)),
                ccurl_set_read(easy, Self.read, Self.seek, context),
            ]
        }
        codes += transfer.options(easy)
        if let bad = codes.first(where: { $0 != CURLE_OK }) { throw failure(bad, peer) }
        let code = withExtendedLifetime(transfer) { curl_easy_perform(easy) }
        transfer.status = status
        var length: curl_off_t = -1
        ccurl_length(easy, &length)
        transfer.length = Int64(length)
        // Of the connection, the request and the credentials nothing stays behind.
        curl_easy_reset(easy)
        if let thrown = transfer.thrown { throw thrown }
        guard code == CURLE_OK else { throw failure(code, peer) }
    }

    private static func list(_ texts: [String]) -> UnsafeMutablePointer<curl_slist>? {
        texts.reduce(nil) { curl_slist_append($0, $1) }
    }

    private func failure(_ code: CURLcode, _ peer: String) -> RemoteError {
        let kind = TransferFailures.code(code)
        if kind == .cancelled { return Retries.cancelled }
        let detail = RemoteError.line(String(cString: errors))
        let why = detail.isEmpty ? String(cString: curl_easy_strerror(code)) : detail
        return RemoteError(kind, "\(peer): \(why)")
    }

    private static func transfer(_ context: UnsafeMutableRawPointer?) -> Transfer? {
        context.map { Unmanaged<Transfer>.fromOpaque($0).takeUnretainedValue() }
    }

    private static let write: curl_write_callback = { bytes, size, count, context in
        let all = UnsafeRawBufferPointer(start: bytes, count: size * count)
        return transfer(context)?.write(all) == true ? size * count : 0
    }

    private static let header: curl_write_callback = { bytes, size, count, context in
        transfer(context)?.header(UnsafeRawBufferPointer(start: bytes, count: size * count))
        return size * count
    }

    private static let read: curl_read_callback = { bytes, size, count, context in
        let all = UnsafeMutableRawBufferPointer(start: bytes, count: size * count)
        return transfer(context)?.read(into: all) ?? Int(CURL_READFUNC_ABORT)
    }

    private static let seek: curl_seek_callback = { context, offset, origin in
        let isThere = origin == SEEK_SET && transfer(context)?.seek(to: Int64(offset)) == true
        return isThere ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_CANTSEEK
    }

    private static let progress: curl_xferinfo_callback = { context, _, _, _, _ in
        transfer(context)?.watch.isCancelled() == true ? 1 : 0
    }
}
