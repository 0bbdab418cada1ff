import CCurl
import Foundation

/// Posts notifications to a URL.
public struct WebhookSender: NotificationSender {
    public enum Format: String, Sendable, CaseIterable {
        case json
        case alertmanager
    }

    private let url: String
    private let format: Format
    /// Read anew each time, so that a token may be replaced; nil for none.
    private let tokenFile: String?
    private let timeoutMilliseconds: Int

    private static let redirectsMax = 3

    /// Throws when the URL is none of HTTP or HTTPS.
    public init(
        url: String, format: Format = .json, tokenFile: String? = nil,
        timeoutMilliseconds: Int = 10_000
    ) throws {
        guard let parts = URLComponents(string: url), let scheme = parts.scheme,
            ["http", "https"].contains(scheme.lowercased()), parts.host?.isEmpty == false
        else { throw WorkerError("a webhook must be a URL such as https://host/path") }
        self.url = url
        self.format = format
        self.tokenFile = tokenFile
        self.timeoutMilliseconds = timeoutMilliseconds
    }

    public func send(_ notification: ProbeNotification) throws {
        guard let handle = curl_easy_init() else { throw WorkerError("libcurl has no handle") }
        defer { curl_easy_cleanup(handle) }
        let body = format == .json ? notification.json : notification.alertmanagerJSON
        var headers: UnsafeMutablePointer<curl_slist>?
        defer { curl_slist_free_all(headers) }
        for header in try self.headers(notification) {
            headers = curl_slist_append(headers, header)
        }
        var codes = [
            ccurl_set_text(handle, CURLOPT_URL, url),
            ccurl_set_text(handle, CURLOPT_PROTOCOLS_STR, "http,https"),
            ccurl_set_text(handle, CURLOPT_REDIR_PROTOCOLS_STR, "http,https"),
            ccurl_set_long(handle, CURLOPT_FOLLOWLOCATION, 1),
            ccurl_set_long(handle, CURLOPT_MAXREDIRS, Self.redirectsMax),
            // A POST stays one wherever it is sent on to.
            ccurl_set_long(handle, CURLOPT_POSTREDIR, 7),
            ccurl_set_long(handle, CURLOPT_NOSIGNAL, 1),
            ccurl_set_long(handle, CURLOPT_TIMEOUT_MS, timeoutMilliseconds),
            ccurl_set_list(handle, CURLOPT_HTTPHEADER, headers), ccurl_drop_answer(handle),
        ]
        codes.append(
            body.withUnsafeBytes { bytes in
                ccurl_set_body(
                    handle, bytes.bindMemory(to: CChar.self).baseAddress, bytes.count)
            })
        if let bad = codes.first(where: { $0 != CURLE_OK }) { throw failure(bad) }
        let code = curl_easy_perform(handle)
        guard code == CURLE_OK else { throw failure(code) }
        var status = 0
        ccurl_status(handle, &status)
        guard (200..<300).contains(status) else {
            throw WorkerError("the webhook answered \(status)")
        }
    }

    private func headers(_ notification: ProbeNotification) throws -> [String] {
        var headers = [
            "Content-Type: application/json", "Idempotency-Key: \(notification.id)", "Expect:",
        ]
        if let tokenFile {
            guard let data = FileManager.default.contents(atPath: tokenFile) else {
                throw WorkerError("\(tokenFile): the token file cannot be read")
            }
            let token = String(decoding: data, as: UTF8.self)
                .trimmingCharacters(in: .whitespacesAndNewlines)
            guard !token.isEmpty, token.utf8.allSatisfy({ $0 > 32 && $0 < 127 }) else {
                throw WorkerError("\(tokenFile): no bearer token is in it")
            }
            headers.append("Authorization: Bearer \(token)")
        }
        return headers
    }

    /// Without the URL, which may hold a secret.
    private func failure(_ code: CURLcode) -> WorkerError {
        WorkerError("the webhook cannot be reached: \(String(cString: curl_easy_strerror(code)))")
    }
}
