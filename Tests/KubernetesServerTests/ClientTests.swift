import Foundation
import Kubernetes
import KubernetesBench
import Synchronization
import TestBinary
import Testing
import Worker

extension RealServer {
    /// The client by itself, with every way to log in.
    @Suite("A client of a real API server", .serialized)
    struct ClientTests {
        private let server: APIServer
        private let folder: String
        private static let maps = APIResource(
            group: "", version: "v1", plural: "configmaps", kind: "ConfigMap")

        init() throws {
            server = try Bench.server.get()
            folder = NSTemporaryDirectory() + "client-\(UUID().uuidString)"
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true)
        }

        private func client(user: String, cluster: String = "") throws -> KubernetesClient {
            let file = folder + "/kubeconfig-\(UUID().uuidString)"
            try """
            current-context: x
            contexts: [{name: x, context: {cluster: x, user: x}}]
            clusters:
            - name: x
              cluster:
                server: \(server.url)
                \(cluster.isEmpty ? trusted : cluster)
            users:
            - name: x
              user: {\(user)}
            """.write(toFile: file, atomically: true, encoding: .utf8)
            return try KubernetesClient(
                ClientConfiguration.load(kubeconfig: file, surroundings: .system),
                userAgent: "tests", surroundings: .system)
        }

        private var trusted: String {
            "{certificate-authority: \(server.authority), tls-server-name: kubernetes}"
                .dropFirst().dropLast()
                .replacingOccurrences(of: ", ", with: "\n    ")
        }

        private var token: String { "token: \(server.token)" }

        private func namespaces(_ client: KubernetesClient) throws -> Int {
            defer { client.close() }
            let all = APIResource(
                group: "", version: "v1", plural: "namespaces", kind: "Namespace",
                isNamespaced: false)
            return try client.list(all).items.count
        }

        @Test("a client certificate, by file and within the kubeconfig")
        func certificates() throws {
            let files =
                "client-certificate: \(server.folder)/client.crt,"
                + " client-key: \(server.folder)/client.key"
            #expect(try namespaces(client(user: files)) >= 4)
            func data(_ name: String) throws -> String {
                try Data(contentsOf: URL(fileURLWithPath: server.folder + "/" + name))
                    .base64EncodedString()
            }
            let inline =
                "client-certificate-data: \(try data("client.crt")),"
                + " client-key-data: \(try data("client.key"))"
            #expect(try namespaces(client(user: inline)) >= 4)
        }

        @Test("a program that gives a token, run once")
        func plugin() throws {
            let script = folder + "/login"
            try """
            #!/bin/sh
            echo run >> \(folder)/runs
            echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential",\
            "status":{"token":"\(server.token)"}}'
            """.write(toFile: script, atomically: true, encoding: .utf8)
            try Child.run(["chmod", "+x", script])
            let exec =
                "exec: {command: ./login, apiVersion: client.authentication.k8s.io/v1,"
                + " interactiveMode: Never}"
            let client = try client(user: exec)
            _ = try client.resources(group: "", version: "v1")
            #expect(try namespaces(client) >= 4)
            let runs = try String(contentsOfFile: folder + "/runs", encoding: .utf8)
            #expect(runs == "run\n")
        }

        @Test("a token in a file that is replaced while the client lives")
        func tokenFile() throws {
            let file = folder + "/token"
            try "nonsense".write(toFile: file, atomically: true, encoding: .utf8)
            let client = try client(user: "tokenFile: \(file)")
            let denied = try #require(throws: APIStatus.self) {
                try client.resources(group: "", version: "v1")
            }
            #expect(denied.code == 401)
            try server.token.write(toFile: file, atomically: true, encoding: .utf8)
            #expect(try namespaces(client) >= 4)
        }

        @Test("in somebody else's name the server's refusal is that of somebody else")
        func impersonation() throws {
            let client = try client(user: token + ", as: visitor, as-groups: [people]")
            let denied = try #require(throws: APIStatus.self) { try namespaces(client) }
            #expect(denied.code == 403 && denied.reason == .forbidden)
            #expect(denied.message.contains("visitor"), "\(denied)")
        }

        @Test("who the server is, is checked unless that is not wanted")
        func trust() throws {
            let wrongName =
                "certificate-authority: \(server.authority)"
                + "\n    tls-server-name: elsewhere"
            let error = try #require(throws: TransportError.self) {
                try namespaces(client(user: token, cluster: wrongName))
            }
            #expect(error.code == .untrusted, "\(error)")
            let unknown = try #require(throws: TransportError.self) {
                try namespaces(client(user: token, cluster: "tls-server-name: kubernetes"))
            }
            #expect(unknown.code == .untrusted, "\(unknown)")
            #expect(
                try namespaces(client(user: token, cluster: "insecure-skip-tls-verify: true")) >= 4)
        }

        @Test("a proxy of the kubeconfig is gone through")
        func proxy() throws {
            let proxy = try Child(["python3", AntreaStandIn.folder + "/connect_proxy.py"])
            defer { proxy.kill() }
            let said = try proxy.wait(for: " \n")
            let port = try #require(
                said.split(separator: " ").dropFirst().first.flatMap { Int($0) })
            let cluster = trusted + "\n    proxy-url: http://127.0.0.1:\(port)"
            #expect(try namespaces(client(user: token, cluster: cluster)) >= 4)
            #expect(proxy.said.contains("tunnel to "))
        }

        @Test("more objects than a chunk are listed whole")
        func chunks() throws {
            let client = try client(user: token)
            defer { client.close() }
            try server.kubectl("create", "namespace", "chunks")
            defer { _ = try? server.kubectl("delete", "namespace", "chunks", "--wait=false") }
            let done = DispatchSemaphore(value: 0)
            let failed = Mutex(0)
            for number in 0..<1201 {
                let body: JSONValue = [
                    "apiVersion": "v1", "kind": "ConfigMap",
                    "metadata": ["name": .string("m\(number)"), "labels": ["test": "chunks"]],
                ]
                client.send(
                    APICall("POST", Self.maps.path(namespace: "chunks"), body: body)
                ) { result in
                    if case .failure = result { failed.withLock { $0 += 1 } }
                    done.signal()
                }
            }
            for _ in 0..<1201 { done.wait() }
            #expect(failed.withLock { $0 } == 0)
            let list = try client.list(Self.maps, ObjectSelection(labels: "test=chunks"))
            #expect(list.items.count == 1201)
            #expect(list.items.allSatisfy { $0["kind"] == "ConfigMap" })
        }

        @Test("a watch that the server has forgotten begins with a new list")
        func gone() throws {
            let client = try client(user: token)
            defer { client.close() }
            let news = Mutex<[String]>([])
            let reflector = Reflector(
                client, Self.maps, ObjectSelection(namespace: "default", labels: "test=gone")
            ) { told in
                news.withLock { news in
                    switch told {
                    case .replaced(let all): news.append("all \(all.items.count)")
                    case .changed(let object):
                        news.append("set \(object["metadata"]["name"].text ?? "")")
                    case .deleted(let object):
                        news.append("gone \(object["metadata"]["name"].text ?? "")")
                    case .failing: break
                    }
                }
            }
            reflector.start()
            defer { reflector.stop() }
            func wait(for what: String) throws {
                let end = Date().addingTimeInterval(30)
                while !news.withLock({ $0.contains(what) }) {
                    try #require(Date() < end, "\(what): \(news.withLock { $0 })")
                    Thread.sleep(forTimeInterval: 0.02)
                }
            }
            func make(_ name: String) throws {
                try server.kubectl("create", "configmap", name)
                try server.kubectl("label", "configmap", name, "test=gone")
            }
            try wait(for: "all 0")
            try make("one")
            try wait(for: "set one")
            server.killServer()
            try server.restartServer()
            try make("two")
            try server.kubectl("delete", "configmap", "one")
            try server.compact()
            try wait(for: "set two")
            try server.kubectl("delete", "configmap", "two")
            try wait(for: "gone two")
            #expect(news.withLock { $0.contains("gone one") || $0.contains("all 1") })
        }
    }
}
