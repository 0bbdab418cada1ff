import CCurl
import Crypto
import Foundation

/// Signed requests to one bucket.
final class S3Client {
    enum Method: String {
        case get = "GET"
        case head = "HEAD"
        case put = "PUT"
        case post = "POST"
        case delete = "DELETE"
    }

    struct Request {
        var method: Method
        /// Empty for the bucket itself.
        var key = ""
        /// Names and values as they are; sorted and escaped here, as the signature needs them.
        var query: [String: String] = [:]
        var headers: [String] = []
        var body: (any TransferBody)?
        /// Of the body.
        var digest: [UInt8]?
        /// Takes what a successful answer holds, with its headers.
        var sink: ((UnsafeRawBufferPointer, [String: String]) throws -> Void)?
        var progress: (Int64) -> Void = { _ in }
    }

    let bucket: String
    private let settings: S3Settings
    private let chain: CredentialsChain
    private let handle: CurlHandle

    static let digestOfNothing = [UInt8](SHA256.hash(data: [UInt8]()))

    init(
        bucket: String, _ settings: S3Settings, _ chain: CredentialsChain, _ limits: TransferLimits
    ) throws(RemoteError) {
        self.bucket = bucket
        self.settings = settings
        self.chain = chain
        handle = try CurlHandle(limits)
    }

    /// One attempt, or two where the credentials had expired. Throws unless the status is 2xx.
    func perform(_ request: Request, _ watch: TransferWatch) throws -> Transfer {
        do {
            return try attempt(request, watch)
        } catch let error as RemoteError where error.code == .credentialsExpired {
            chain.forget()
            return try attempt(request, watch)
        }
    }

    private func attempt(_ request: Request, _ watch: TransferWatch) throws -> Transfer {
        let credentials = try chain.credentials(watch)
        let transfer = Transfer(handle, url(request), watch)
        transfer.headers = request.headers
        transfer.headers.append(
            "x-amz-content-sha256: \(Hexadecimal.text(request.digest ?? Self.digestOfNothing))")
        if let token = credentials.sessionToken {
            transfer.headers.append("x-amz-security-token: \(token.text)")
        }
        transfer.body = request.body
        if let sink = request.sink {
            transfer.sink = { [unowned transfer] bytes in
                try sink(bytes, transfer.answerHeaders)
            }
        }
        transfer.progress = request.progress
        transfer.options = { [settings] easy in
            var codes = [
                ccurl_set_text(easy, CURLOPT_AWS_SIGV4, "aws:amz:\(settings.region):s3"),
                ccurl_set_text(easy, CURLOPT_USERNAME, credentials.keyID),
                ccurl_set_text(easy, CURLOPT_PASSWORD, credentials.secretKey.text),
                ccurl_set_long(easy, CURLOPT_PATH_AS_IS, 1),
            ]
            switch request.method {
            case .get, .put: break
            case .head: codes.append(ccurl_set_long(easy, CURLOPT_NOBODY, 1))
            case .post, .delete:
                codes.append(
                    ccurl_set_text(easy, CURLOPT_CUSTOMREQUEST, request.method.rawValue))
            }
            if let file = settings.authoritiesFile {
                codes.append(ccurl_set_text(easy, CURLOPT_CAINFO, file))
            }
            return codes
        }
        try handle.perform(transfer, schemes: "http,https", peer: settings.endpoint)
        guard (200..<300).contains(transfer.status) else {
            throw failure(request, transfer, credentials)
        }
        return transfer
    }

    private func url(_ request: Request) -> String {
        let key = request.key.split(separator: "/", omittingEmptySubsequences: false)
            .map { PercentEncoding.encode(String($0)) }.joined(separator: "/")
        let query = request.query.sorted { $0.key < $1.key }.map { name, value in
            "\(PercentEncoding.encode(name))=\(PercentEncoding.encode(value))"
        }
        return "\(settings.url(bucket: bucket))/\(key)"
            + (query.isEmpty ? "" : "?" + query.joined(separator: "&"))
    }

    private func failure(
        _ request: Request, _ transfer: Transfer, _ credentials: AWSCredentials
    ) -> RemoteError {
        let tree = transfer.answer.isEmpty ? nil : try? XMLTree.parse(transfer.answer)
        var error = self.error(tree, status: transfer.status, request, credentials)
        if error.code == .wrongRegion {
            let region =
                transfer.answerHeaders["x-amz-bucket-region"] ?? tree?["Region"] ?? ""
            error.remedy =
                region.isEmpty
                ? "set AWS_REGION to the bucket's" : "set AWS_REGION to \(RemoteError.line(region))"
        }
        if let seconds = transfer.answerHeaders["retry-after"].flatMap({ Int64($0) }), seconds >= 0
        {
            error.retryAfterMilliseconds = min(seconds, 86_400) * 1000
        }
        return error
    }

    /// The error that an answer holds, whatever its status.
    private func error(
        _ tree: XMLTree?, status: Int, _ request: Request, _ credentials: AWSCredentials
    ) -> RemoteError {
        let isError = tree?.name == "Error"
        let name = isError ? tree?["Code"] ?? "" : ""
        let code = TransferFailures.code(s3: name, status: status)
        let said = isError ? tree?["Message"] ?? "" : ""
        var text = name.isEmpty ? "the server answered \(status)" : name
        if !said.isEmpty { text += ": \(said)" }
        let place = request.key.isEmpty ? "s3://\(bucket)" : "s3://\(bucket)/\(request.key)"
        return RemoteError(
            code, "\(place): \(RemoteError.line(credentials.redact(text)))",
            remedy: Self.remedy(code))
    }

    /// For an answer of status 200 that is one of its errors after all; nil when it is none.
    func error(in tree: XMLTree, _ request: Request, _ watch: TransferWatch) throws -> RemoteError?
    {
        guard tree.name == "Error" else { return nil }
        return error(tree, status: 500, request, try chain.credentials(watch))
    }

    private static func remedy(_ code: RemoteError.Code) -> String {
        switch code {
        case .denied: "check the credentials and what they may do with the bucket"
        case .credentialsExpired: "get new credentials"
        case .noBucket: "make the bucket, or correct its name"
        case .clockSkewed: "set this machine's clock right"
        case .diskFull: "free some space in the store"
        default: ""
        }
    }
}
