import Foundation
import TestBinary
import Testing

/// Who may do what, over all routes.
struct AccessTableTests {
    private static let tokens = [
        "view": "view-token-0123456789", "edit": "edit-token-0123456789",
        "admin": "admin-token-0123456789", "captures": "captures-token-0123456789",
        "view+captures": "view-captures-token-01", "edit+captures": "edit-captures-token-01",
        "none": "none-token-0123456789",
    ]

    /// In clear, as no server beyond loopback is, so that a plain socket can ask.
    private static func served(_ more: [String] = ["--no-tls"]) throws -> ServedAPI {
        let binary = try Binary()
        let lines = tokens.sorted { $0.key < $1.key }.map { role, token in
            let roles = role == "none" ? "" : role.replacing("+", with: ",")
            return "\(token),\(role)-user,1,\"\(roles)\""
        }
        let file = try binary.write(lines.joined(separator: "\n") + "\n", to: "tokens")
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file)
        return try ServedAPI(binary, ["--tokens", file] + more)
    }

    private struct Route {
        var method: String
        var path: String
        /// Who is let through; whatever is found there then.
        var roles: Set<String>
        var body = ""
        var type = "application/json"
    }

    private static let everybody = Set(tokens.keys)
    private static let viewers: Set<String> = [
        "view", "edit", "admin", "view+captures", "edit+captures",
    ]
    private static let editors: Set<String> = ["edit", "admin", "edit+captures"]

    private static let routes: [Route] = {
        var routes: [Route] = []
        for path in [
            "/", "/version", "/api", "/api/v1", "/api/v1/events", "/apis", "/apis/crd.antrea.io",
            "/apis/tracectl.dev", "/apis/crd.antrea.io/v1beta1", "/apis/crd.antrea.io/v1alpha1",
            "/apis/tracectl.dev/v1alpha1", "/openapi/v2", "/openapi/v3",
            "/openapi/v3/apis/crd.antrea.io/v1beta1",
        ] {
            routes.append(Route(method: "GET", path: path, roles: everybody))
        }
        for review in [
            "/apis/authentication.k8s.io/v1/selfsubjectreviews",
            "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        ] {
            routes.append(Route(method: "POST", path: review, roles: everybody, body: "{}"))
        }
        let collections: [(path: String, isOfCaptures: Bool, isSweep: Bool)] = [
            ("/apis/crd.antrea.io/v1beta1/traceflows", false, false),
            ("/apis/crd.antrea.io/v1alpha1/traceflows", false, false),
            ("/apis/crd.antrea.io/v1alpha1/packetcaptures", true, false),
            ("/apis/tracectl.dev/v1alpha1/traceschedules", false, false),
            ("/apis/tracectl.dev/v1alpha1/tracesweeps", false, true),
        ]
        for (path, isOfCaptures, isSweep) in collections {
            func only(_ roles: Set<String>) -> Set<String> {
                isOfCaptures ? roles.filter { $0.hasSuffix("+captures") } : roles
            }
            let merge = "application/merge-patch+json"
            routes += [
                Route(method: "GET", path: path, roles: only(viewers)),
                Route(
                    method: "GET", path: path + "?watch=1&timeoutSeconds=0", roles: only(viewers)),
                Route(method: "GET", path: path + "/nobody", roles: only(viewers)),
                Route(method: "GET", path: path + "/nobody/status", roles: only(viewers)),
                Route(method: "POST", path: path, roles: only(editors), body: "{}"),
                Route(method: "PUT", path: path + "/nobody", roles: only(editors), body: "{}"),
                Route(
                    method: "PATCH", path: path + "/nobody", roles: only(editors), body: "{}",
                    type: merge),
                Route(method: "DELETE", path: path + "/nobody", roles: only(editors)),
            ]
            if !isSweep {
                routes.append(
                    Route(
                        method: "DELETE", path: path + "?dryRun=All",
                        roles: isOfCaptures ? [] : ["admin"]))
            }
        }
        return routes
    }()

    @Test func everyRouteKnowsWhoMay() throws {
        let served = try Self.served()
        for route in Self.routes {
            let what = Comment(rawValue: "\(route.method) \(route.path)")
            for token in [nil, "unknown-token-0123456789"] {
                let answer = try served.ask(
                    route.method, route.path, route.body, token: token, type: route.type)
                #expect(answer.status == 401, what)
                #expect(try ServedAPI.object(answer)["reason"] as? String == "Unauthorized", what)
            }
            for (role, token) in Self.tokens {
                let answer = try served.ask(
                    route.method, route.path, route.body, token: token, type: route.type)
                let isForbidden = answer.status == 403
                #expect(
                    isForbidden != route.roles.contains(role),
                    "\(route.method) \(route.path) as \(role): \(answer.status)")
                #expect(answer.status != 401 && answer.status < 500, what)
            }
        }
        for path in ["/healthz", "/livez", "/readyz"] {
            #expect(try served.ask("GET", path).status == 200)
        }
    }

    @Test func packetsAreKeptForThoseAloneWhoMay() throws {
        let served = try Self.served()
        let keeping = ServedAPI.traceflow("k", ", \"capture\": {\"firstN\": 1}")
        let refused = try served.ask(
            "POST", ServedAPI.traceflows, keeping, token: Self.tokens["edit"])
        #expect(refused.status == 403 && refused.body.contains("role captures"))
        let taken = try served.ask(
            "POST", ServedAPI.traceflows, keeping, token: Self.tokens["edit+captures"])
        #expect(taken.status == 201)
    }

    @Test func theKubeconfigIsReadyAndNoTokenIsEverSaid() throws {
        let served = try Self.served([])
        #expect(served.url.hasPrefix("https://"))
        let who = try served.kubectl(["auth", "whoami", "-o", "jsonpath={.status.userInfo}"])
        #expect(
            who.output == "{\"groups\":[\"admin\"],\"username\":\"admin-user\"}", "\(who.errors)")
        let mode =
            try FileManager.default.attributesOfItem(atPath: served.kubeconfig)[
                .posixPermissions] as? Int
        #expect(mode == 0o600)
        for file in FileManager.default.enumerator(atPath: served.binary.log) ?? .init() {
            guard let name = file as? String,
                let data = FileManager.default.contents(atPath: served.binary.log + "/" + name)
            else { continue }
            for token in Self.tokens.values {
                #expect(data.firstRange(of: Data(token.utf8)) == nil, "\(name)")
            }
        }
    }

    @Test func beyondLoopbackThereAreTLSAndRoles() throws {
        let binary = try Binary()
        let refused = try binary.run(["serve", "--listen", "0.0.0.0:0"])
        #expect(refused.status == 2 && refused.errors.contains("--tokens or --client-ca"))
        let clear = try binary.run([
            "serve", "--listen", "0.0.0.0:0", "--tokens", "x", "--no-tls",
        ])
        #expect(clear.status == 2 && clear.errors.contains("TLS is needed"))
        let readable = try binary.write("0123456789abcdef,a,1,view\n", to: "tokens")
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: readable)
        let open = try binary.run(["serve", "--listen", "127.0.0.1:0", "--tokens", readable])
        #expect(open.status == 3 && open.errors.contains("chmod 600"))
        #expect(!open.errors.contains("0123456789abcdef"))
    }

    @Test func withTLSAClientProvesWhoItIsByACertificate() throws {
        let binary = try Binary()
        let folder = binary.folder
        func openssl(_ arguments: String) throws {
            let result = try Tools.run(
                "/usr/bin/openssl", arguments.split(separator: " ").map(String.init), in: folder)
            #expect(result.status == 0, "\(result.errors)")
        }
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
        try openssl(
            "req -x509 \(key) -keyout \(folder)/ca.key -out \(folder)/ca.crt -subj /CN=ca -days 2")
        for (name, subject) in [("dora", "/O=view/CN=dora"), ("nils", "/CN=nils")] {
            try openssl(
                "req \(key) -keyout \(folder)/\(name).key -out \(folder)/\(name).csr"
                    + " -subj \(subject)")
            try openssl(
                "x509 -req -in \(folder)/\(name).csr -CA \(folder)/ca.crt -CAkey \(folder)/ca.key"
                    + " -CAcreateserial -days 2 -out \(folder)/\(name).crt")
        }
        let served = try ServedAPI(binary, ["--client-ca", folder + "/ca.crt"])
        #expect(served.url.hasPrefix("https://"))
        func kubectl(_ user: String, _ arguments: [String]) throws -> Binary.Result {
            try served.kubectl(
                arguments + [
                    "--client-certificate", "\(folder)/\(user).crt", "--client-key",
                    "\(folder)/\(user).key",
                ])
        }
        #expect(try kubectl("dora", ["get", "tf"]).status == 0)
        #expect(try kubectl("dora", ["delete", "tf", "x"]).errors.contains("User \"dora\" cannot"))
        #expect(try kubectl("nils", ["get", "tf"]).errors.contains("User \"nils\" cannot"))
        // Without one, kubectl asks for a password that nobody knows.
        #expect(try served.kubectl(["get", "tf"]).status == 1)
        #expect(try served.kubectl(["get", "tf", "--token", "x"]).errors.contains("Unauthorized"))
    }
}
