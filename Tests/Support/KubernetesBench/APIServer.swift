import Foundation
import Synchronization
import TestBinary

/// A real API server over an etcd of its own, both on the loopback, in a folder that goes with it.
package final class APIServer: Sendable {
    package let folder: String
    package let port: Int
    /// Of somebody who may do everything.
    package let token: String
    private let etcd: Child
    private let server: Mutex<Child>

    /// Where the tests were told to find one; nil where there is none, and they are left out.
    package static var program: String? {
        ProcessInfo.processInfo.environment["TRACECTL_TEST_KUBE_APISERVER"]
    }

    package static var isThere: Bool { program != nil }

    private static let secondsToStart = 60.0

    package init() throws {
        folder = NSTemporaryDirectory() + "apiserver-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
        token = (0..<4).map { _ in String(UInt32.random(in: 0 ... .max), radix: 16) }.joined()
        let ports = try (0..<3).map { _ in try Child.freePort() }
        port = ports[0]
        try Child.run(["openssl", "genrsa", "-out", folder + "/sa.key", "2048"])
        try Self.makeClientCertificate(folder)
        let users = [
            "\(token),admin,1,\"system:masters\"", "viewer-\(token),viewer,2,\"people\"",
            "account-\(token),system:serviceaccount:tracectl:tracectl,3,"
                + "\"system:serviceaccounts,system:authenticated\"",
        ]
        try users.joined(separator: "\n").write(
            toFile: folder + "/tokens.csv", atomically: true, encoding: .utf8)
        etcd = try Child(
            [
                "etcd", "--data-dir", folder + "/etcd", "--unsafe-no-fsync",
                "--listen-client-urls", "http://127.0.0.1:\(ports[1])",
                "--advertise-client-urls", "http://127.0.0.1:\(ports[1])",
                "--listen-peer-urls", "http://127.0.0.1:\(ports[2])",
            ])
        server = Mutex(try Self.start(folder, port, etcdPort: ports[1]))
        etcdPort = ports[1]
        try kubeconfig(server: "https://127.0.0.1:\(port)").write(
            toFile: kubeconfig, atomically: true, encoding: .utf8)
        try waitUntilReady()
    }

    private let etcdPort: Int

    deinit {
        server.withLock { $0.kill() }
        etcd.kill()
        try? FileManager.default.removeItem(atPath: folder)
    }

    package var kubeconfig: String { folder + "/kubeconfig" }
    package var authority: String { folder + "/certs/apiserver.crt" }
    package var url: String { "https://127.0.0.1:\(port)" }

    /// A kubeconfig of its own for another way to the same server, as through a proxy.
    package func kubeconfig(through url: String) throws -> String {
        let file = folder + "/kubeconfig-\(UUID().uuidString)"
        try """
        {"apiVersion":"v1","kind":"Config","current-context":"x",
        "clusters":[{"name":"x","cluster":{"server":"\(url)"}}],
        "users":[{"name":"x","user":{"token":"\(token)"}}],
        "contexts":[{"name":"x","context":{"cluster":"x","user":"x"}}]}
        """.write(toFile: file, atomically: true, encoding: .utf8)
        return file
    }

    private func kubeconfig(server: String) -> String {
        """
        apiVersion: v1
        kind: Config
        current-context: tests
        clusters:
        - name: tests
          cluster:
            server: \(server)
            certificate-authority: \(authority)
            tls-server-name: kubernetes
        users:
        - {name: tests, user: {token: \(token)}}
        - {name: viewer, user: {token: viewer-\(token)}}
        - {name: tracectl, user: {token: account-\(token)}}
        contexts:
        - {name: tests, context: {cluster: tests, user: tests}}
        - {name: viewer, context: {cluster: tests, user: viewer}}
        - {name: tracectl, context: {cluster: tests, user: tracectl}}
        """
    }

    private static func start(_ folder: String, _ port: Int, etcdPort: Int) throws -> Child {
        try Child(
            [
                program ?? "kube-apiserver", "--etcd-servers=http://127.0.0.1:\(etcdPort)",
                "--secure-port=\(port)", "--bind-address=127.0.0.1",
                "--cert-dir=\(folder)/certs", "--service-account-issuer=https://tests",
                "--service-account-key-file=\(folder)/sa.key",
                "--service-account-signing-key-file=\(folder)/sa.key",
                "--client-ca-file=\(folder)/clients.crt",
                "--token-auth-file=\(folder)/tokens.csv", "--authorization-mode=RBAC",
                "--service-cluster-ip-range=10.96.0.0/16",
                "--disable-admission-plugins=ServiceAccount",
            ])
    }

    /// `client.crt` and `client.key`, of somebody who may do everything, signed by `clients.crt`.
    private static func makeClientCertificate(_ folder: String) throws {
        try Child.run([
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
            "/CN=clients", "-keyout", folder + "/clients.key", "-out", folder + "/clients.crt",
        ])
        try Child.run([
            "openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj",
            "/O=system:masters/CN=certified", "-keyout", folder + "/client.key", "-out",
            folder + "/client.csr",
        ])
        try Child.run([
            "openssl", "x509", "-req", "-days", "2", "-in", folder + "/client.csr", "-CA",
            folder + "/clients.crt", "-CAkey", folder + "/clients.key", "-CAcreateserial", "-out",
            folder + "/client.crt",
        ])
    }

    /// Forgets what the cluster was like until now: watches from there are 410 Gone.
    package func compact() throws {
        let list = try kubectl("get", "--raw", "/api/v1/namespaces?limit=1")
        let mark = "\"resourceVersion\":\""
        let revision = list.range(of: mark).map { list[$0.upperBound...].prefix { $0.isNumber } }
        try Child.run([
            "curl", "-sf", "-X", "POST", "http://127.0.0.1:\(etcdPort)/v3/kv/compaction", "-d",
            "{\"revision\":\(revision ?? "1"),\"physical\":true}",
        ])
    }

    package func waitUntilReady() throws {
        let end = Date().addingTimeInterval(Self.secondsToStart)
        while (try? kubectl("get", "--raw", "/readyz")) == nil {
            guard Date() < end else {
                throw Child.Failure(description: "the API server does not become ready")
            }
            Thread.sleep(forTimeInterval: 0.2)
        }
    }

    /// Kills the server; what it has stored stays.
    package func killServer() { server.withLock { $0.kill() } }

    /// Starts it again, at the same port.
    package func restartServer() throws {
        let child = try Self.start(folder, port, etcdPort: etcdPort)
        server.withLock { $0 = child }
        try waitUntilReady()
    }

    @discardableResult
    package func kubectl(_ arguments: String..., input: String? = nil) throws -> String {
        let file = folder + "/input-\(UUID().uuidString)"
        if let input { try input.write(toFile: file, atomically: true, encoding: .utf8) }
        defer { if input != nil { try? FileManager.default.removeItem(atPath: file) } }
        return try Child.run(
            ["kubectl", "--kubeconfig", kubeconfig, "--cache-dir", folder + "/cache"] + arguments,
            input: input == nil ? "/dev/null" : file)
    }

    /// Puts a file of the folder of Antrea's parts into force, definitions of kinds for example.
    package func apply(_ name: String) throws {
        try kubectl("apply", "-f", AntreaStandIn.folder + "/" + name)
        if name.hasPrefix("crds") {
            try kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=20s")
        }
    }
}
