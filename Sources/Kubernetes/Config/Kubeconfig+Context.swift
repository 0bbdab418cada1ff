import Foundation

extension Kubeconfig {
    /// What the context says, or the current one, with files read and names resolved.
    func configuration(
        context named: String?, _ surroundings: Surroundings
    ) throws(ConfigError) -> ClientConfiguration {
        let origin = files.isEmpty ? "kubeconfig" : files.joined(separator: ":")
        guard let name = named ?? currentContext else {
            throw ConfigError(
                files.isEmpty
                    ? "no kubeconfig found; give one with --kubeconfig or KUBECONFIG"
                    : "\(origin): no current-context; choose one with --context")
        }
        guard let context = contexts[name] else {
            let known = contexts.keys.sorted().joined(separator: ", ")
            throw ConfigError(
                "\(origin): no context \"\(name)\""
                    + (known.isEmpty ? "" : "; known: \(known)"))
        }
        guard let cluster = clusters[context.cluster] else {
            throw ConfigError(
                "\(origin): context \"\(name)\" names cluster \"\(context.cluster)\", which is not"
                    + " there")
        }
        let place = "\(origin): cluster \"\(context.cluster)\""
        guard var server = cluster.server, ServerAddress(server) != nil else {
            throw ConfigError(
                "\(place): server must be a URL such as https://host:6443")
        }
        while server.hasSuffix("/") { server.removeLast() }
        var user = User()
        if let userName = context.user, !userName.isEmpty {
            guard let found = users[userName] else {
                throw ConfigError(
                    "\(origin): context \"\(name)\" names user \"\(userName)\", which is not there")
            }
            user = found
        }
        let userPlace = "\(origin): user \"\(context.user ?? "")\""
        var made = ClientConfiguration(
            server: server, trust: try cluster.trust(place, surroundings),
            login: try user.login(userPlace, server, cluster, surroundings),
            namespace: context.namespace, origin: "\(origin), context \"\(name)\"")
        made.identity = try user.identity(userPlace, surroundings)
        if let impersonated = user.impersonate, !impersonated.isEmpty {
            made.impersonation = .init(
                user: impersonated, uid: user.impersonateUID, groups: user.impersonateGroups ?? [],
                extra: user.impersonateExtra ?? [:])
        } else if user.impersonateUID != nil || user.impersonateGroups?.isEmpty == false {
            throw ConfigError("\(userPlace): as-uid and as-groups need as")
        }
        return made
    }

    static func path(_ path: String, in folder: String) -> String {
        path.hasPrefix("/") ? path : folder + path
    }

    static func data(
        _ text: String, _ place: String, _ field: String
    ) throws(ConfigError) -> [UInt8] {
        guard let data = Data(base64Encoded: text, options: .ignoreUnknownCharacters),
            !data.isEmpty
        else { throw ConfigError("\(place): \(field) is no base64") }
        return Array(data)
    }
}

extension Kubeconfig.Cluster {
    fileprivate func trust(
        _ place: String, _ surroundings: Surroundings
    ) throws(ConfigError) -> ServerTrust {
        var trust = ServerTrust()
        trust.skipsVerification = insecureSkipTLSVerify ?? false
        trust.serverName = tlsServerName.flatMap { $0.isEmpty ? nil : $0 }
        trust.proxy = proxyURL.flatMap { $0.isEmpty ? nil : $0 }
        if let proxy = trust.proxy {
            guard ["http://", "https://", "socks5://"].contains(where: proxy.hasPrefix) else {
                throw ConfigError("\(place): proxy-url must begin with http, https or socks5")
            }
        }
        if let data = certificateAuthorityData, !data.isEmpty {
            trust.authorities = try Kubeconfig.data(data, place, "certificate-authority-data")
        } else if let file = certificateAuthority, !file.isEmpty {
            let path = Kubeconfig.path(file, in: folder)
            guard let bytes = surroundings.contents(path) else {
                throw ConfigError("\(place): certificate-authority \(path) cannot be read")
            }
            trust.authorities = bytes
        }
        if trust.skipsVerification, trust.authorities != nil {
            throw ConfigError(
                "\(place): certificate-authority and insecure-skip-tls-verify exclude each other")
        }
        return trust
    }
}

extension Kubeconfig.User {
    /// A token beats the file of one; a program beats neither (client-go's order).
    fileprivate func login(
        _ place: String, _ server: String, _ cluster: Kubeconfig.Cluster,
        _ surroundings: Surroundings
    ) throws(ConfigError) -> ClientConfiguration.Login {
        if let authProvider {
            throw ConfigError(
                "\(place): auth-provider \"\(authProvider.name)\" is not supported; use its exec"
                    + " plugin")
        }
        // client-go lets the file win where both are given.
        if let tokenFile, !tokenFile.isEmpty {
            let path = Kubeconfig.path(tokenFile, in: folder)
            guard surroundings.contents(path) != nil else {
                throw ConfigError("\(place): tokenFile \(path) cannot be read")
            }
            return .tokenFile(path)
        }
        if let token, !token.isEmpty { return .token(token) }
        if let username, !username.isEmpty {
            return .basic(user: username, password: password ?? "")
        }
        guard let exec else { return .none }
        return .exec(
            try ExecPlugin(
                exec, place: place, folder: folder,
                cluster: exec.provideClusterInfo == true
                    ? cluster.info(server, surroundings) : nil, surroundings.environment))
    }

    fileprivate func identity(
        _ place: String, _ surroundings: Surroundings
    ) throws(ConfigError) -> ClientConfiguration.IdentitySource? {
        let hasData = clientCertificateData?.isEmpty == false
        let hasFile = clientCertificate?.isEmpty == false
        let hasKeyData = clientKeyData?.isEmpty == false
        let hasKeyFile = clientKey?.isEmpty == false
        guard hasData || hasFile || hasKeyData || hasKeyFile else { return nil }
        guard (hasData || hasFile) && (hasKeyData || hasKeyFile) else {
            throw ConfigError(
                "\(place): a client certificate needs its key, and a key its certificate")
        }
        func bytes(
            _ data: String?, _ file: String?, _ field: String
        ) throws(ConfigError) -> [UInt8] {
            if let data, !data.isEmpty {
                return try Kubeconfig.data(data, place, field + "-data")
            }
            let path = Kubeconfig.path(file ?? "", in: folder)
            guard let bytes = surroundings.contents(path) else {
                throw ConfigError("\(place): \(field) \(path) cannot be read")
            }
            return bytes
        }
        let certificate = try bytes(clientCertificateData, clientCertificate, "client-certificate")
        let key = try bytes(clientKeyData, clientKey, "client-key")
        if !hasData, !hasKeyData {
            return .files(
                certificate: Kubeconfig.path(clientCertificate ?? "", in: folder),
                key: Kubeconfig.path(clientKey ?? "", in: folder))
        }
        return .data(ClientIdentity(certificate: certificate, key: key))
    }
}

extension Kubeconfig.Cluster {
    /// What a plugin is told of the cluster (client.authentication.k8s.io, `Cluster`).
    fileprivate func info(_ server: String, _ surroundings: Surroundings) -> JSONValue {
        var authorities = certificateAuthorityData
        if authorities == nil, let certificateAuthority {
            authorities = surroundings.contents(Kubeconfig.path(certificateAuthority, in: folder))
                .map { Data($0).base64EncodedString() }
        }
        return .of([
            "server": .string(server), "tls-server-name": tlsServerName.map { .string($0) },
            "insecure-skip-tls-verify": insecureSkipTLSVerify.map { .bool($0) },
            "certificate-authority-data": authorities.map { .string($0) },
            "proxy-url": proxyURL.map { .string($0) }, "config": .null,
        ])
    }
}
