/// What kubeconfig files say (client-go, `api/v1` of clientcmd), merged.
///
/// Of several files the first that says something counts: for each cluster, user and context by
/// its name, and for the current context (kubernetes.io, "Merging kubeconfig files").
public struct Kubeconfig: Sendable {
    public internal(set) var clusters: [String: Cluster] = [:]
    public internal(set) var users: [String: User] = [:]
    public internal(set) var contexts: [String: Context] = [:]
    public internal(set) var currentContext: String?
    /// The files that were read, in order.
    public internal(set) var files: [String] = []

    public struct Cluster: Decodable, Sendable {
        var server: String?
        var tlsServerName: String?
        var insecureSkipTLSVerify: Bool?
        var certificateAuthority: String?
        var certificateAuthorityData: String?
        var proxyURL: String?
        /// The folder that paths are relative to.
        var folder = ""

        enum CodingKeys: String, CodingKey {
            case server
            case tlsServerName = "tls-server-name"
            case insecureSkipTLSVerify = "insecure-skip-tls-verify"
            case certificateAuthority = "certificate-authority"
            case certificateAuthorityData = "certificate-authority-data"
            case proxyURL = "proxy-url"
        }
    }

    public struct User: Decodable, Sendable {
        var clientCertificate: String?
        var clientCertificateData: String?
        var clientKey: String?
        var clientKeyData: String?
        var token: String?
        var tokenFile: String?
        var username: String?
        var password: String?
        var impersonate: String?
        var impersonateUID: String?
        var impersonateGroups: [String]?
        var impersonateExtra: [String: [String]]?
        var exec: Exec?
        var authProvider: AuthProvider?
        var folder = ""

        enum CodingKeys: String, CodingKey {
            case clientCertificate = "client-certificate"
            case clientCertificateData = "client-certificate-data"
            case clientKey = "client-key"
            case clientKeyData = "client-key-data"
            case token, tokenFile, username, password, exec
            case impersonate = "as"
            case impersonateUID = "as-uid"
            case impersonateGroups = "as-groups"
            case impersonateExtra = "as-user-extra"
            case authProvider = "auth-provider"
        }
    }

    /// A program that gives credentials (client.authentication.k8s.io).
    public struct Exec: Decodable, Sendable {
        var command: String
        var args: [String]?
        var env: [Variable]?
        var apiVersion: String
        var installHint: String?
        var provideClusterInfo: Bool?
        var interactiveMode: String?

        struct Variable: Decodable, Sendable {
            var name: String
            var value: String
        }
    }

    /// Of providers that client-go has dropped; only their name is looked at.
    struct AuthProvider: Decodable, Sendable { var name: String }

    public struct Context: Decodable, Sendable {
        var cluster: String
        var user: String?
        var namespace: String?
    }
}

extension Kubeconfig {
    /// Adds what a file says and those before it did not.
    mutating func merge(_ text: String, file: String) throws(ConfigError) {
        let read = try KubeconfigFile.read(text, file: file)
        let folder = file.lastIndex(of: "/").map { String(file[...$0]) } ?? ""
        for named in read.clusters ?? [] where clusters[named.name] == nil {
            var cluster = named.cluster
            cluster.folder = folder
            clusters[named.name] = cluster
        }
        for named in read.users ?? [] where users[named.name] == nil {
            var user = named.user ?? User()
            user.folder = folder
            users[named.name] = user
        }
        for named in read.contexts ?? [] where contexts[named.name] == nil {
            contexts[named.name] = named.context
        }
        if currentContext == nil, let current = read.currentContext, !current.isEmpty {
            currentContext = current
        }
        files.append(file)
    }
}
