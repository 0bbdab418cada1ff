import Foundation
import Kubernetes
import Synchronization
import Testing

/// Files in memory, and an environment.
final class Disk: Sendable {
    private let files = Mutex<[String: (bytes: [UInt8], time: Int)]>([:])
    private let clock = Mutex(Date(timeIntervalSince1970: 1_800_000_000))

    func write(_ path: String, _ text: String) {
        files.withLock { files in
            files[path] = (Array(text.utf8), (files[path]?.time ?? 0) + 1)
        }
    }

    func remove(_ path: String) { files.withLock { $0[path] = nil } }
    func pass(seconds: Double) { clock.withLock { $0 += seconds } }

    func surroundings(_ environment: [String: String] = [:]) -> Surroundings {
        Surroundings(
            environment: environment, contents: { path in self.files.withLock { $0[path]?.bytes } },
            stamp: { path in
                self.files.withLock { files in
                    files[path].map {
                        Surroundings.FileStamp(
                            bytes: Int64($0.bytes.count), seconds: $0.time, nanoseconds: 0, inode: 1
                        )
                    }
                }
            }, now: { self.clock.withLock { $0 } })
    }
}

@Suite("A kubeconfig is read as kubectl reads it")
struct KubeconfigTests {
    private let disk = Disk()

    private func load(
        _ environment: [String: String] = ["KUBECONFIG": "/etc/a:/etc/b"], context: String? = nil,
        kubeconfig: String? = nil
    ) throws -> ClientConfiguration {
        try ClientConfiguration.load(
            kubeconfig: kubeconfig, context: context,
            surroundings: disk.surroundings(environment))
    }

    private func text(
        context: String = "one", server: String = "https://one:6443", cluster: String = "",
        user: String = "token: abc"
    ) -> String {
        """
        apiVersion: v1
        kind: Config
        current-context: \(context)
        clusters: [{name: c, cluster: {server: "\(server)"\(cluster.isEmpty ? "" : ", " + cluster)}}]
        users: [{name: u, user: {\(user)}}]
        contexts: [{name: \(context), context: {cluster: c, user: u, namespace: shop}}]
        """
    }

    @Test("of several files the first that says something counts; missing ones are passed over")
    func merging() throws {
        disk.write(
            "/etc/b", text(context: "two", server: "https://two:6443", user: "token: second"))
        #expect(try load().server == "https://two:6443")
        disk.write("/etc/a", text())
        let first = try load()
        #expect(first.server == "https://one:6443")
        #expect(first.namespace == "shop")
        // The context of the second file names cluster and user as the first file has them.
        let second = try load(context: "two")
        #expect(second.server == "https://one:6443")
        guard case .token("abc") = second.login else {
            Issue.record("\(second.login)")
            return
        }
    }

    @Test("paths are relative to the file that has them")
    func relativePaths() throws {
        disk.write("/etc/ca.pem", "authority")
        disk.write("/etc/me.pem", "certificate")
        disk.write("/etc/keys/me.key", "key")
        disk.write(
            "/etc/a",
            text(
                cluster: "certificate-authority: ca.pem, tls-server-name: inner",
                user: "client-certificate: me.pem, client-key: keys/me.key"))
        let loaded = try load()
        #expect(loaded.trust.authorities == Array("authority".utf8))
        #expect(loaded.trust.serverName == "inner")
        guard case .files("/etc/me.pem", "/etc/keys/me.key") = loaded.identity else {
            Issue.record("\(String(describing: loaded.identity))")
            return
        }
    }

    @Test("the Pod's service account is used where there is no kubeconfig")
    func inCluster() throws {
        let folder = "/var/run/secrets/kubernetes.io/serviceaccount"
        disk.write(folder + "/token", "secret\n")
        disk.write(folder + "/ca.crt", "authority")
        disk.write(folder + "/namespace", "tracectl")
        let environment = [
            "KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443",
        ]
        let loaded = try load(environment)
        #expect(loaded.server == "https://[fd00::1]:443")
        #expect(loaded.namespace == "tracectl")
        disk.remove(folder + "/token")
        #expect(throws: ConfigError.self) { try load(environment) }
    }

    @Test(
        "what is wrong is told with its place",
        arguments: [
            ("", "no kubeconfig found; give one with --kubeconfig or KUBECONFIG"),
            ("kind: Pod", "/etc/a: kind is \"Pod\", and a kubeconfig's is Config"),
            ("clusters: 5", "/etc/a: clusters"), ("a: [", "/etc/a: no kubeconfig: line 2, column 1: "),
            ("clusters: [{cluster: {server: x}}]", "/etc/a: clusters[0] lacks name"),
            ("kind: Config", "/etc/a: no current-context; choose one with --context"),
            ("current-context: x", "/etc/a: no context \"x\""),
        ])
    func faults(_ text: String, _ message: String) throws {
        if !text.isEmpty { disk.write("/etc/a", text) }
        let error = try #require(throws: ConfigError.self) { try load() }
        #expect(error.description.hasPrefix(message), "\(error)")
        #expect(!error.description.contains("\n"))
    }

    @Test(
        "what cannot be used of a cluster or user is refused",
        arguments: [
            ("server: 'ftp://x'", "token: t", "server must be a URL"),
            (
                "insecure-skip-tls-verify: true, certificate-authority-data: YQ==", "token: t",
                "exclude each other"
            ),
            (
                "certificate-authority-data: '!'", "token: t",
                "certificate-authority-data is no base64"
            ),
            ("certificate-authority: gone.pem", "token: t", "/etc/gone.pem cannot be read"),
            ("proxy-url: 'ftp://p'", "token: t", "proxy-url must begin"),
            ("", "tokenFile: gone", "tokenFile /etc/gone cannot be read"),
            ("", "client-certificate-data: YQ==", "a client certificate needs its key"),
            ("", "auth-provider: {name: gcp}", "auth-provider \"gcp\" is not supported"),
            ("", "as-groups: [x]", "as-uid and as-groups need as"),
            (
                "", "exec: {command: x, apiVersion: client.authentication.k8s.io/v1alpha1}",
                "exec.apiVersion"
            ),
            (
                "",
                "exec: {command: x, apiVersion: client.authentication.k8s.io/v1, interactiveMode: Always}",
                "there is nobody to answer"
            ),
        ])
    func unusable(_ cluster: String, _ user: String, _ message: String) throws {
        if cluster.hasPrefix("server") {
            disk.write("/etc/a", text(server: "ftp://x"))
        } else {
            disk.write("/etc/a", text(cluster: cluster, user: user))
        }
        let error = try #require(throws: ConfigError.self) { try load() }
        #expect(error.description.contains(message), "\(error)")
        #expect(error.description.hasPrefix("/etc/a"), "\(error)")
    }

    @Test("a kubeconfig that is named must be there")
    func named() throws {
        let error = try #require(throws: ConfigError.self) { try load(kubeconfig: "/no/such") }
        #expect(error.description == "/no/such: there is no such kubeconfig; give another")
    }

    @Test("secrets are not shown")
    func secrets() throws {
        disk.write(
            "/etc/a",
            text(user: "client-certificate-data: YQ==, client-key-data: c2VjcmV0"))
        var shown = ""
        dump(try load().identity, to: &shown)
        #expect(!shown.contains("115"), "\(shown)")
    }
}
