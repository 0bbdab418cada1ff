import Foundation

/// Which API server, as whom: a context of a kubeconfig, made ready.
public struct ClientConfiguration: Sendable {
    /// Without a slash at its end.
    public var server: String
    public var trust: ServerTrust
    public var login: Login
    public var impersonation: Impersonation?
    /// The context's, for objects that have none.
    public var namespace: String?
    /// Where it came from, for messages.
    public var origin: String

    /// Who asks, as the server is to take it from the requests' headers.
    public struct Impersonation: Hashable, Sendable {
        public var user: String
        public var uid: String?
        public var groups: [String]
        public var extra: [String: [String]]
    }

    /// How the client proves who it is.
    public enum Login: Sendable {
        case none
        case basic(user: String, password: String)
        case token(String)
        /// Read again when the file was replaced.
        case tokenFile(String)
        case exec(ExecPlugin)
    }

    /// Of the `client-certificate` kind; read again when the files were replaced.
    public var identity: IdentitySource?

    public enum IdentitySource: Sendable {
        case data(ClientIdentity)
        case files(certificate: String, key: String)
    }
}

extension ClientConfiguration {
    /// Where in-cluster service accounts have their files (kubernetes.io, "Accessing the
    /// Kubernetes API from a Pod").
    static let accountFolder = "/var/run/secrets/kubernetes.io/serviceaccount"

    /// Finds the configuration as kubectl does: the file that is named, or else the files of
    /// KUBECONFIG, or else `~/.kube/config`, or else that of the Pod this runs in.
    ///
    /// Throws what is wrong, and where.
    public static func load(
        kubeconfig named: String? = nil, context: String? = nil,
        surroundings: Surroundings
    ) throws(ConfigError) -> ClientConfiguration {
        let environment = surroundings.environment
        var paths: [String] = []
        if let named {
            paths = [named]
        } else if let list = environment["KUBECONFIG"], !list.isEmpty {
            paths = list.split(separator: ":").map(String.init)
        } else if let home = environment["HOME"] {
            paths = [home + "/.kube/config"]
        }
        var config = Kubeconfig()
        for path in paths {
            guard let bytes = surroundings.contents(path) else {
                // One that is named must be there; of a list some may be missing.
                if named != nil || surroundings.stamp(path) != nil {
                    throw ConfigError(
                        surroundings.stamp(path) == nil
                            ? "\(path): there is no such kubeconfig; give another"
                            : "\(path): the kubeconfig cannot be read; check who owns it")
                }
                continue
            }
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw ConfigError("\(path): the kubeconfig is no text in UTF-8")
            }
            try config.merge(text, file: path)
        }
        if config.contexts.isEmpty, config.clusters.isEmpty, named == nil, context == nil,
            let inCluster = try inCluster(surroundings)
        {
            return inCluster
        }
        return try config.configuration(context: context, surroundings)
    }

    private static func inCluster(
        _ surroundings: Surroundings
    ) throws(ConfigError) -> ClientConfiguration? {
        let environment = surroundings.environment
        guard let host = environment["KUBERNETES_SERVICE_HOST"], !host.isEmpty,
            let port = environment["KUBERNETES_SERVICE_PORT"], !port.isEmpty
        else { return nil }
        let folder = accountFolder
        guard surroundings.contents(folder + "/token") != nil else {
            throw ConfigError(
                "\(folder)/token: cannot be read; does the Pod mount its service account's token?")
        }
        var trust = ServerTrust()
        trust.authorities = surroundings.contents(folder + "/ca.crt")
        let bracketed = host.contains(":") ? "[\(host)]" : host
        return ClientConfiguration(
            server: "https://\(bracketed):\(port)", trust: trust,
            login: .tokenFile(folder + "/token"),
            namespace: surroundings.contents(folder + "/namespace").map {
                String(decoding: $0, as: UTF8.self)
                    .trimmingCharacters(in: .whitespacesAndNewlines)
            }, origin: "the Pod's service account")
    }
}
