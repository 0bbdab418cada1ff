import Synchronization

/// What requests are signed with.
public struct AWSCredentials: Hashable, Sendable {
    public var keyID: String
    public var secretKey: Secret
    public var sessionToken: Secret?
    /// Nil when they do not expire.
    public var expiresUnixMilliseconds: Int64?

    /// Throws when one of them is empty or cannot be in a header; `source` is where they are from.
    public init(
        keyID: String, secretKey: String, sessionToken: String? = nil,
        expiresUnixMilliseconds: Int64? = nil, source: String
    ) throws(RemoteError) {
        guard !keyID.isEmpty, keyID.utf8.allSatisfy({ $0 > 32 && $0 < 127 && $0 != 58 && $0 != 47 })
        else { throw Self.failure(source, "the access key ID is empty or no key ID") }
        guard let secret = Secret(secretKey) else {
            throw Self.failure(source, "the secret access key is empty or has control characters")
        }
        self.keyID = keyID
        self.secretKey = secret
        if let sessionToken, !sessionToken.isEmpty {
            guard let token = Secret(sessionToken) else {
                throw Self.failure(source, "the session token has control characters")
            }
            self.sessionToken = token
        }
        self.expiresUnixMilliseconds = expiresUnixMilliseconds
    }

    private static func failure(_ source: String, _ what: String) -> RemoteError {
        RemoteError(.noCredentials, "\(source): \(what)")
    }

    func redact(_ text: String) -> String {
        let redacted = secretKey.redact(text)
        return sessionToken?.redact(redacted) ?? redacted
    }
}

/// Looks for credentials where AWS's own programs do, and keeps them until shortly before they
/// expire.
///
/// First found, first used: the environment's variables; the profile in the shared credentials
/// file, then in the configuration file; the endpoint of the container. A place that is set and
/// broken ends the search: what comes after it was not meant.
public final class CredentialsChain: Sendable {
    private let surroundings: RemoteSurroundings
    private let limits: TransferLimits
    private let policy: RetryPolicy
    private let kept = Mutex<AWSCredentials?>(nil)

    /// Credentials are renewed so long before they expire.
    static let marginMilliseconds: Int64 = 300_000

    public init(
        _ surroundings: RemoteSurroundings, limits: TransferLimits = TransferLimits(),
        policy: RetryPolicy = RetryPolicy()
    ) {
        self.surroundings = surroundings
        self.limits = limits
        self.policy = policy
    }

    /// May ask the container's endpoint, and block as long.
    public func credentials(_ watch: TransferWatch = TransferWatch()) throws -> AWSCredentials {
        let known = kept.withLock { $0 }
        let left =
            (known?.expiresUnixMilliseconds).map { $0 - surroundings.unixMilliseconds() } ?? .max
        if let known, left > Self.marginMilliseconds { return known }
        do {
            let found = try find(watch)
            kept.withLock { $0 = found }
            return found
        } catch {
            // They cannot be renewed just now, and are good for a while.
            if let known, left > 0, !watch.isCancelled() { return known }
            throw error
        }
    }

    /// After a server said that they have expired: the next call looks again.
    func forget() { kept.withLock { $0 = nil } }

    private func find(_ watch: TransferWatch) throws -> AWSCredentials {
        if let found = try fromEnvironment() { return found }
        let profile = try SharedProfile(surroundings)
        if let found = try Self.from(profile) { return found }
        if let endpoint = try ContainerEndpoint(surroundings) {
            return try endpoint.credentials(
                Retries(policy: policy, surroundings: surroundings), limits, watch)
        }
        throw nothing(profile)
    }

    private func fromEnvironment() throws(RemoteError) -> AWSCredentials? {
        let keyID = surroundings.variable("AWS_ACCESS_KEY_ID")
        let secret = surroundings.variable("AWS_SECRET_ACCESS_KEY")
        guard keyID != nil || secret != nil else { return nil }
        guard let keyID, let secret else {
            let missing = keyID == nil ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY"
            throw RemoteError(
                .noCredentials, "\(missing) is not set, though its companion is",
                remedy: "set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or neither")
        }
        return try AWSCredentials(
            keyID: keyID, secretKey: secret,
            sessionToken: surroundings.variable("AWS_SESSION_TOKEN"), source: "the environment")
    }

    private static func from(_ profile: SharedProfile) throws(RemoteError) -> AWSCredentials? {
        let places = [
            (profile.credentials, profile.credentialsPath),
            (profile.configuration, profile.configurationPath),
        ]
        for (settings, path) in places {
            guard let settings, let path else { continue }
            let source = "\(path), profile \(profile.name)"
            let keyID = settings["aws_access_key_id"]
            let secret = settings["aws_secret_access_key"]
            guard keyID != nil || secret != nil else { continue }
            return try AWSCredentials(
                keyID: keyID ?? "", secretKey: secret ?? "",
                sessionToken: settings["aws_session_token"], source: source)
        }
        return nil
    }

    private func nothing(_ profile: SharedProfile) -> RemoteError {
        var places = ["AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"]
        for path in [profile.credentialsPath, profile.configurationPath] {
            if let path { places.append("profile \(profile.name) of \(path)") }
        }
        places.append("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and _FULL_URI")
        var remedy = "set one of them"
        if surroundings.variable("AWS_WEB_IDENTITY_TOKEN_FILE") != nil {
            remedy += "; AWS_WEB_IDENTITY_TOKEN_FILE is not used, EKS Pod Identity is"
        }
        return RemoteError(
            .noCredentials, "no AWS credentials: none in " + places.joined(separator: ", in "),
            remedy: remedy)
    }
}
