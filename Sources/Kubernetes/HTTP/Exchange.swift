import CCurl

/// One request under way, where libcurl's callbacks find it; lives on the transport's thread.
final class Exchange {
    let number: HTTPTransport.Number
    let easy: UnsafeMutableRawPointer
    private let submission: HTTPTransport.Submission
    private let errors: UnsafeMutablePointer<CChar>
    private var headers: UnsafeMutablePointer<curl_slist>?
    private var connectTo: UnsafeMutablePointer<curl_slist>?
    private var answer = TransportAnswer(status: 0)
    private var isTooLarge = false
    private var isRefusedByReceiver = false

    /// Lists come in chunks; what is larger is no answer of an API server.
    private static let bodyBytesMax = 256 << 20
    private static let headersMax = 200

    init(
        _ submission: HTTPTransport.Submission, _ trust: ServerTrust
    ) throws(TransportError) {
        guard let easy = curl_easy_init() else {
            throw TransportError(.unusable, "libcurl has no handle")
        }
        number = submission.number
        self.easy = easy
        self.submission = submission
        errors = .allocate(capacity: Int(CURL_ERROR_SIZE))
        errors.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        try prepare(trust)
    }

    deinit {
        curl_easy_cleanup(easy)
        curl_slist_free_all(headers)
        curl_slist_free_all(connectTo)
        errors.deallocate()
    }

    private func prepare(_ trust: ServerTrust) throws(TransportError) {
        let request = submission.request
        var address = ServerAddress(request.url)
        if let name = trust.serverName, let there = address {
            // The name is the host as far as TLS goes; the connection goes where the URL says.
            address?.host = name
            connectTo = curl_slist_append(
                nil, "\(name):\(there.port):\(there.host):\(there.port)")
            headers = curl_slist_append(headers, "Host: \(there.hostAndPort)")
        }
        for (name, value) in request.headers {
            headers = curl_slist_append(headers, "\(name): \(value)")
        }
        // A body is sent at once, without being asked for.
        headers = curl_slist_append(headers, "Expect:")
        let context = Unmanaged.passUnretained(self).toOpaque()
        var codes = [
            ccurl_set_errors(easy, errors),
            ccurl_set_text(easy, CURLOPT_URL, address?.url ?? request.url),
            ccurl_set_text(easy, CURLOPT_PROTOCOLS_STR, "http,https"),
            ccurl_set_text(easy, CURLOPT_CUSTOMREQUEST, request.method),
            ccurl_set_long(easy, CURLOPT_NOSIGNAL, 1),
            ccurl_set_long(easy, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2TLS)),
            ccurl_set_long(easy, CURLOPT_PIPEWAIT, 1),
            ccurl_set_long(easy, CURLOPT_CONNECTTIMEOUT_MS, 10_000),
            ccurl_set_long(easy, CURLOPT_TIMEOUT_MS, request.timeoutMilliseconds ?? 0),
            // A peer that vanished is noticed also where a watch is silent for long.
            ccurl_set_long(easy, CURLOPT_TCP_KEEPALIVE, 1),
            ccurl_set_long(easy, CURLOPT_TCP_KEEPIDLE, 30),
            ccurl_set_long(easy, CURLOPT_TCP_KEEPINTVL, 15),
            ccurl_set_list(easy, CURLOPT_HTTPHEADER, headers),
            ccurl_set_write(easy, Self.write, context),
            ccurl_set_header(easy, Self.header, context),
        ]
        if submission.receive == nil {
            codes.append(ccurl_set_text(easy, CURLOPT_ACCEPT_ENCODING, "gzip"))
        }
        if let connectTo { codes.append(ccurl_set_list(easy, CURLOPT_CONNECT_TO, connectTo)) }
        if let proxy = trust.proxy { codes.append(ccurl_set_text(easy, CURLOPT_PROXY, proxy)) }
        if trust.skipsVerification {
            codes.append(ccurl_set_long(easy, CURLOPT_SSL_VERIFYPEER, 0))
            codes.append(ccurl_set_long(easy, CURLOPT_SSL_VERIFYHOST, 0))
        }
        codes.append(blob(CURLOPT_CAINFO_BLOB, trust.authorities))
        codes.append(blob(CURLOPT_SSLCERT_BLOB, request.identity?.certificate))
        codes.append(blob(CURLOPT_SSLKEY_BLOB, request.identity?.key))
        if let body = request.body {
            codes.append(
                body.withUnsafeBytes { bytes in
                    ccurl_set_body(
                        easy, bytes.bindMemory(to: CChar.self).baseAddress, bytes.count)
                })
        }
        guard let bad = codes.first(where: { $0 != CURLE_OK }) else { return }
        throw TransportError(
            .unusable, "the request cannot be made: \(String(cString: curl_easy_strerror(bad)))")
    }

    private func blob(_ option: CURLoption, _ bytes: [UInt8]?) -> CURLcode {
        guard let bytes else { return CURLE_OK }
        return bytes.withUnsafeBytes { ccurl_set_blob(easy, option, $0.baseAddress, $0.count) }
    }

    /// libcurl is done with it.
    func finish(_ code: CURLcode) {
        var status = 0
        ccurl_status(easy, &status)
        answer.status = status
        if isTooLarge {
            end(
                .failure(
                    TransportError(
                        .malformed,
                        "the server's answer has more than \(Self.bodyBytesMax >> 20) MiB")))
        } else if isRefusedByReceiver {
            end(.failure(TransportError(.cancelled, "the request was cancelled")))
        } else if code == CURLE_OK {
            end(.success(answer))
        } else {
            end(.failure(failure(code)))
        }
    }

    func end(_ result: Result<TransportAnswer, TransportError>) { submission.end(result) }

    private func failure(_ code: CURLcode) -> TransportError {
        let detail = String(cString: errors)
        let why = detail.isEmpty ? String(cString: curl_easy_strerror(code)) : detail
        let kind: TransportError.Code =
            switch code {
            case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_CONNECT:
                .unreachable
            case CURLE_OPERATION_TIMEDOUT: .timedOut
            case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CERTPROBLEM,
                CURLE_SSL_ISSUER_ERROR, CURLE_SSL_CIPHER:
                .untrusted
            case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL: .unusable
            case CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING: .malformed
            default: .interrupted
            }
        return TransportError(kind, why)
    }

    private func take(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var status = 0
        ccurl_status(easy, &status)
        if let receive = submission.receive, (200..<300).contains(status) {
            isRefusedByReceiver = !receive(Array(bytes))
            return !isRefusedByReceiver
        }
        isTooLarge = answer.body.count + bytes.count > Self.bodyBytesMax
        if !isTooLarge { answer.body += bytes }
        return !isTooLarge
    }

    private func takeHeader(_ bytes: UnsafeRawBufferPointer) {
        let line = String(decoding: bytes, as: UTF8.self)
        if line.hasPrefix("HTTP/") { answer.headers = [:] }
        guard let colon = line.firstIndex(of: ":"), answer.headers.count < Self.headersMax
        else { return }
        let value = line[line.index(after: colon)...].drop { $0 == " " }
        answer.headers[line[..<colon].lowercased()] = String(
            value.prefix { !$0.isNewline })
    }

    private static func exchange(_ context: UnsafeMutableRawPointer?) -> Exchange? {
        context.map { Unmanaged<Exchange>.fromOpaque($0).takeUnretainedValue() }
    }

    private static let write: curl_write_callback = { bytes, size, count, context in
        let all = UnsafeRawBufferPointer(start: bytes, count: size * count)
        return exchange(context)?.take(all) == true ? size * count : 0
    }

    private static let header: curl_write_callback = { bytes, size, count, context in
        exchange(context)?.takeHeader(UnsafeRawBufferPointer(start: bytes, count: size * count))
        return size * count
    }
}
