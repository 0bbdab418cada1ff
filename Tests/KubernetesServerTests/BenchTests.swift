import Foundation
import KubernetesBench
import TestBinary
import Testing

/// One API server for all suites; each test cleans up after itself.
enum Bench {
    static let server = Result { () throws -> APIServer in
        let server = try APIServer()
        try server.apply("crds.json")
        try TestCluster.make(on: server, nodes: 3, pods: 12)
        return server
    }

    /// The same, with what `deploy/` holds.
    static let deployed = Result { () throws -> APIServer in
        let server = try Self.server.get()
        let base = Child.root + "/deploy/kustomize/base"
        try server.kubectl("apply", "-f", base + "/namespace.yaml", "-f", base + "/crds.yaml")
        try server.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=20s")
        try server.kubectl("apply", "-k", base)
        return server
    }
}

extension APIServer {
    /// What makes a command use this cluster.
    var asBackend: [String] { ["--backend", "kubernetes", "--kubeconfig", kubeconfig] }

    /// What happens to traces that end at a Pod; nil for what usually does.
    func behave(_ behaviour: String?, _ pod: String) throws {
        try kubectl(
            "annotate", "--overwrite", "pod", "-n", "shop", pod,
            behaviour.map { "stand-in.test/behaviour=\($0)" } ?? "stand-in.test/behaviour-")
    }
}

/// Waits for what other processes do. Whatever fails meanwhile may yet come: a server may be away.
func waitUntil(
    _ what: String, seconds: Double = 30, _ condition: () throws -> Bool
) throws {
    let end = Date().addingTimeInterval(seconds)
    while (try? condition()) != true {
        try #require(Date() < end, "\(what) did not come")
        Thread.sleep(forTimeInterval: 0.05)
    }
}

/// All tests that share the API server, one after the other: whoever plays Antrea there is alone.
@Suite("A real API server", .serialized, .enabled(if: APIServer.isThere))
struct RealServer {}

extension RealServer {
    /// What the other tests rest on: without these, they would show nothing.
    @Suite("The bench does what it says", .serialized)
    struct BenchTests {
        private let server: APIServer

        init() throws { server = try Bench.server.get() }

        private func traceflow(_ name: String, to pod: String = "p1") -> String {
            """
            apiVersion: crd.antrea.io/v1beta1
            kind: Traceflow
            metadata: {name: \(name), labels: {test: bench}}
            spec:
              source: {namespace: shop, pod: p0}
              destination: {namespace: shop, pod: \(pod)}
            ---

            """
        }

        @Test("twenty traces end, with fourteen tags at most, and some that had to wait")
        func tags() throws {
            let antrea = try AntreaStandIn(on: server, timeScale: 0.02, delayMilliseconds: 800)
            defer { antrea.stop() }
            let all = (0..<20).map { traceflow("bench-\($0)") }.joined()
            try server.kubectl("apply", "-f", "-", input: all)
            try server.kubectl(
                "wait", "tf", "-l", "test=bench", "--for=jsonpath={.status.phase}=Succeeded",
                "--timeout=30s")
            #expect(antrea.busyMax == 14)
            #expect(antrea.facts.contains { $0.fact == "waits" })
            try server.kubectl("delete", "tf", "-l", "test=bench")
        }

        @Test("ranges of the schema are the server's to check")
        func schema() throws {
            let error = try #require(throws: (any Error).self) {
                try server.kubectl(
                    "apply", "-f", "-",
                    input: traceflow("bad").replacingOccurrences(
                        of: "spec:", with: "spec:\n  timeout: 301"))
            }
            #expect("\(error)".contains("should be less than or equal to 300"))
        }

        @Test("the proxy's faults happen")
        func faults() throws {
            let proxy = try FaultProxy(before: server)
            defer { proxy.stop() }
            let kubeconfig = try server.kubeconfig(through: proxy.url)
            #expect(FileManager.default.fileExists(atPath: kubeconfig))
            try proxy.set(["error": 1])
            #expect(throws: (any Error).self) {
                try server.kubectl("--server", proxy.url, "get", "--raw", "/version")
            }
            #expect(try proxy.counts()["error"] ?? 0 > 0)
        }
    }
}
