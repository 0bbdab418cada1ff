import CCurl
import Foundation

/// Where a container of ECS or a Pod of EKS gets its credentials.
struct ContainerEndpoint: Sendable {
    let url: String
    private let tokenFile: String?
    private let token: Secret?

    static let relativeHost = "http://169.254.170.2"
    private static let hosts: Set<String> = ["169.254.170.2", "169.254.170.23", "fd00:ec2::23"]

    /// Nil when the environment names none.
    init?(_ surroundings: RemoteSurroundings) throws(RemoteError) {
        if let path = surroundings.variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
            guard path.hasPrefix("/"), Self.isPrintable(path), !path.contains("#") else {
                throw Self.failure(
                    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is no path that begins with /")
            }
            url = Self.relativeHost + path
        } else if let full = surroundings.variable("AWS_CONTAINER_CREDENTIALS_FULL_URI") {
            try Self.check(full)
            url = full
        } else {
            return nil
        }
        tokenFile = surroundings.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
        if let text = surroundings.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN"), tokenFile == nil {
            guard let token = Secret(text) else {
                throw Self.failure("AWS_CONTAINER_AUTHORIZATION_TOKEN has control characters")
            }
            self.token = token
        } else {
            token = nil
        }
    }

    /// Over plain HTTP only addresses that cannot leave the machine.
    private static func check(_ text: String) throws(RemoteError) {
        let name = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
        guard isPrintable(text), let parts = URLComponents(string: text),
            let scheme = parts.scheme?.lowercased(), var host = parts.host?.lowercased(),
            !host.isEmpty, parts.user == nil, parts.password == nil
        else { throw failure("\(name) is no URL") }
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        if scheme == "https" { return }
        guard scheme == "http" else { throw failure("\(name) is neither http nor https") }
        guard hosts.contains(host) || isLoopback(host) else {
            throw failure(
                "\(name) is plain HTTP to a host that is neither loopback nor a container's"
            )
        }
    }

    /// `localhost`, 127.0.0.0/8 in its usual form, and ::1.
    private static func isLoopback(_ host: String) -> Bool {
        if host == "localhost" || host == "::1" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127"
            && parts.allSatisfy { (1...3).contains($0.utf8.count) && UInt8($0) != nil }
    }

    private static func isPrintable(_ text: String) -> Bool {
        text.utf8.allSatisfy { $0 > 32 && $0 < 127 }
    }

    private static func failure(_ what: String) -> RemoteError {
        RemoteError(.noCredentials, what, remedy: "correct the variable")
    }

    private struct Answer: Decodable {
        var AccessKeyId: String
        var SecretAccessKey: String
        var Token: String?
        var Expiration: String?
    }

    func credentials(
        _ retries: Retries, _ limits: TransferLimits, _ watch: TransferWatch
    ) throws -> AWSCredentials {
        let handle = try CurlHandle(limits)
        return try retries.run(watch) {
            let transfer = Transfer(handle, url, watch)
            // Read anew each time: it is replaced while the Pod runs.
            let token =
                try tokenFile.map { path throws(RemoteError) in
                    try Secret(file: path, purpose: "authorization token")
                } ?? self.token
            if let token { transfer.headers.append("Authorization: \(token.text)") }
            // No proxy is told the token.
            transfer.options = { [ccurl_set_text($0, CURLOPT_PROXY, "")] }
            try handle.perform(transfer, schemes: "http,https", peer: Self.peer)
            guard transfer.status == 200 else {
                let code = TransferFailures.code(status: transfer.status)
                throw RemoteError(
                    code.mayPass ? code : .noCredentials,
                    "\(Self.peer) answered \(transfer.status)",
                    remedy: "check the role and the authorization token of the container")
            }
            return try Self.read(transfer.answer)
        }
    }

    private static let peer = "the container's credentials endpoint"

    private static func read(_ bytes: [UInt8]) throws -> AWSCredentials {
        // Not with what the decoder says, which may quote the answer.
        guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(bytes)) else {
            throw RemoteError(.noCredentials, "\(peer) answered something else than credentials")
        }
        var expires: Int64?
        if let text = answer.Expiration {
            guard let moment = moment(text) else {
                throw RemoteError(.noCredentials, "\(peer) gave a time of expiry that is none")
            }
            expires = moment
        }
        return try AWSCredentials(
            keyID: answer.AccessKeyId, secretKey: answer.SecretAccessKey,
            sessionToken: answer.Token, expiresUnixMilliseconds: expires, source: peer)
    }

    private static func moment(_ text: String) -> Int64? {
        let styles = [
            Date.ISO8601FormatStyle(), Date.ISO8601FormatStyle(includingFractionalSeconds: true),
        ]
        for style in styles {
            if let date = try? style.parse(text) {
                return Int64(date.timeIntervalSince1970 * 1000)
            }
        }
        return nil
    }
}
