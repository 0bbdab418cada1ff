import Dispatch
import Foundation
import Synchronization

/// A client of one API server: requests over few connections, with credentials that are renewed,
/// made again where that helps.
///
/// Answers that are no success throw the server's `APIStatus`; where there was no answer, a
/// `TransportError`; where there is no credential, a `ConfigError`.
public final class KubernetesClient: Sendable {
    public typealias End = @Sendable (Result<JSONValue, any Error>) -> Void

    public let configuration: ClientConfiguration
    private let transport: HTTPTransport
    private let credentials: CredentialStore
    /// Where files are read and plugins are run, so that neither waits for the other's network.
    private let logins = DispatchQueue(label: "tracectl.kubernetes.logins")
    private let userAgent: String

    /// Throws when the transport cannot start.
    public init(
        _ configuration: ClientConfiguration, userAgent: String, surroundings: Surroundings
    ) throws {
        self.configuration = configuration
        self.userAgent = userAgent
        transport = try HTTPTransport(trust: configuration.trust)
        credentials = CredentialStore(configuration, surroundings)
    }

    /// Ends all calls as cancelled.
    public func close() { transport.close() }

    /// Makes the call; `end` is called once, on a thread that must not wait.
    public func send(_ call: APICall, end: @escaping End) { attempt(call, CallRetry(), 0, end) }

    /// Makes the call and waits. Blocks: for threads of one's own.
    @discardableResult
    public func call(_ call: APICall) throws -> JSONValue {
        let done = DispatchSemaphore(value: 0)
        let result = Mutex<Result<JSONValue, any Error>?>(nil)
        send(call) { given in
            result.withLock { $0 = given }
            done.signal()
        }
        done.wait()
        guard let given = result.withLock({ $0 }) else {
            throw TransportError(.cancelled, "the client was closed")
        }
        return try given.get()
    }

    private func attempt(_ call: APICall, _ retry: CallRetry, _ delay: Int, _ end: @escaping End) {
        login(end) { [self] credential in
            let request = request(call, credential)
            transport.submit(request, afterMilliseconds: delay) { [self] result in
                var retry = retry
                let decision = retry.decide(
                    result, isRepeatable: call.isRepeatable, mayLoginAgain: credentials.mayChange)
                switch decision {
                case .give: end(Self.value(result))
                case .again(let delay): attempt(call, retry, delay, end)
                case .login:
                    forgetCredential()
                    attempt(call, retry, 0, end)
                }
            }
        }
    }

    /// Opens a stream: what comes goes to `receive`; `end` is given nil when the server ended it in
    /// order. Nothing is tried again but a login.
    func stream(
        _ call: APICall, receive: @escaping @Sendable ([UInt8]) -> Bool,
        end: @escaping @Sendable ((any Error)?) -> Void
    ) {
        stream(call, mayLogin: true, receive, end)
    }

    private func stream(
        _ call: APICall, mayLogin: Bool, _ receive: @escaping @Sendable ([UInt8]) -> Bool,
        _ end: @escaping @Sendable ((any Error)?) -> Void
    ) {
        let fail: End = { result in
            if case .failure(let error) = result { end(error) }
        }
        login(fail) { [self] credential in
            transport.submit(request(call, credential), receive: receive) { [self] result in
                switch result {
                case .success(let answer) where answer.isSuccess: end(nil)
                case .success(let answer):
                    if answer.status == 401, mayLogin, credentials.mayChange {
                        forgetCredential()
                        return stream(call, mayLogin: false, receive, end)
                    }
                    end(Self.status(answer))
                case .failure(let error): end(error)
                }
            }
        }
    }

    /// Behind what is read or run now, so that nobody waits for that here.
    private func forgetCredential() { logins.async { [credentials] in credentials.forget() } }

    private func login(
        _ end: @escaping End, _ go: @escaping @Sendable (CredentialStore.Credential) -> Void
    ) {
        logins.async { [credentials] in
            do throws(ConfigError) {
                go(try credentials.current())
            } catch {
                end(.failure(error))
            }
        }
    }

    private func request(
        _ call: APICall, _ credential: CredentialStore.Credential
    ) -> TransportRequest {
        var request = TransportRequest(
            call.method, configuration.server + call.target,
            timeoutMilliseconds: call.timeoutMilliseconds, identity: credential.identity)
        request.headers = [("Accept", "application/json"), ("User-Agent", userAgent)]
        if let authorization = credential.authorization {
            request.headers.append(("Authorization", authorization))
        }
        if let impersonation = configuration.impersonation {
            request.headers += impersonation.headers
        }
        if let body = call.body {
            request.headers.append(("Content-Type", call.contentType))
            request.body = body.bytes
        }
        return request
    }

    private static func value(
        _ result: Result<TransportAnswer, TransportError>
    ) -> Result<JSONValue, any Error> {
        switch result {
        case .failure(let error): return .failure(error)
        case .success(let answer):
            guard answer.isSuccess else { return .failure(status(answer)) }
            do {
                return .success(try JSONValue(parsing: answer.body))
            } catch {
                return .failure(TransportError(.malformed, "the server did not answer with JSON"))
            }
        }
    }

    /// What the server says, or what its status means where it says nothing.
    static func status(_ answer: TransportAnswer) -> APIStatus {
        if let object = try? JSONValue(parsing: answer.body), var status = APIStatus(object) {
            status.code = answer.status
            return status
        }
        let reason: APIStatus.Reason? =
            switch answer.status {
            case 400: .badRequest
            case 401: .unauthorized
            case 403: .forbidden
            case 404: .notFound
            case 409: .conflict
            case 410: .gone
            case 422: .invalid
            case 429: .tooManyRequests
            case 500: .internalError
            case 503: .serviceUnavailable
            case 504: .timeout
            default: nil
            }
        return APIStatus(answer.status, reason, "the server answered with status \(answer.status)")
    }
}

extension ClientConfiguration.Impersonation {
    fileprivate var headers: [(name: String, value: String)] {
        var headers = [(name: "Impersonate-User", value: user)]
        if let uid { headers.append(("Impersonate-Uid", uid)) }
        headers += groups.map { ("Impersonate-Group", $0) }
        for (key, values) in extra.sorted(by: { $0.key < $1.key }) {
            headers += values.map { ("Impersonate-Extra-" + PercentEncoding.text(key), $0) }
        }
        return headers
    }
}
