import Foundation
import JobLog
import Kubernetes
import KubernetesBench
import TestBinary
import Testing
import TraceLog
import Traceflow
import Worker

extension RealServer {
    /// The cluster as facts of the log.
    @Suite("A cluster is watched into the log", .serialized)
    struct WatchTests {
        private let server: APIServer
        private let binary: Binary

        init() throws {
            server = try Bench.server.get()
            binary = try Binary()
        }

        private func observed() throws -> [ClusterObserved] {
            guard FileManager.default.fileExists(atPath: binary.log) else { return [] }
            let log = try JobLog.openTraces(binary.log, access: .readOnly)
            let coding = TraceCoding(log: log)
            return try log.read(after: 0, limit: 100_000).compactMap {
                guard case .clusterObserved(let observed) = try coding.event($0) else { return nil }
                return observed
            }
        }

        private static let policy = """
            apiVersion: networking.k8s.io/v1
            kind: NetworkPolicy
            metadata: {name: lock, namespace: shop}
            spec: {podSelector: {matchLabels: {app: web}}, policyTypes: [Ingress]}
            """

        @Test("what changes is recorded with who changed it, and once; heartbeats are not")
        func changes() throws {
            let antrea = try AntreaStandIn(on: server)
            let worker = binary.process(["worker"] + server.asBackend)
            try worker.run()
            defer {
                worker.terminate()
                worker.waitUntilExit()
                antrea.stop()
                _ = try? server.kubectl("delete", "networkpolicy", "-n", "shop", "--all")
            }
            try waitUntil("the first observation") { try observed().count == 1 }
            try server.kubectl(
                "apply", "--field-manager=night-shift", "-f", "-", input: Self.policy)
            try waitUntil("the policy") { try observed().count == 2 }
            let appeared = try #require(try observed().last?.appeared.first)
            #expect(appeared.name == "lock" && appeared.kind == "NetworkPolicy")
            #expect(appeared.change?.manager == "night-shift")
            // Nothing that decides anything.
            try server.kubectl("annotate", "pod", "-n", "shop", "p3", "seen=today")
            try server.kubectl("label", "pod", "-n", "shop", "p3", "tier=front")
            try waitUntil("the label") { try observed().count == 3 }
            #expect(try observed().last?.changed.map(\.name) == ["p3"])
            try server.kubectl("annotate", "pod", "-n", "shop", "p3", "seen-")
            try server.kubectl("label", "pod", "-n", "shop", "p3", "tier-")
            try server.kubectl("delete", "networkpolicy", "-n", "shop", "lock")
            try waitUntil("the deletion") {
                try observed().contains { $0.vanished.contains { $0.name == "lock" } }
            }
            // The API server goes away and comes back: nothing has changed.
            let count = try observed().count
            server.killServer()
            try server.restartServer()
            try server.kubectl("label", "ns", "shop", "again=1")
            try waitUntil("what came after the restart") { try observed().count > count }
            #expect(try observed().count == count + 1)
            #expect(try observed().last?.changed.map(\.name) == ["shop"])
            try server.kubectl("label", "ns", "shop", "again-")
        }

        @Test("an incident names the edit that broke the probe, and who made it")
        func incident() throws {
            let antrea = try AntreaStandIn(on: server)
            let worker = binary.process(["worker"] + server.asBackend)
            try worker.run()
            defer {
                worker.terminate()
                worker.waitUntilExit()
                antrea.stop()
                _ = try? server.kubectl("delete", "networkpolicy", "-n", "shop", "--all")
                try? server.behave(nil, "p5")
            }
            try waitUntil("the first observation") { try observed().count == 1 }
            let made = try binary.run([
                "schedule", "create", "web", "--every", "1s", "-S", "shop/p0", "-D", "shop/p5",
                "--flow", "tcp,tcp_dst=80", "--expect", "delivered", "--failure-threshold", "1",
                "--settle", "0s",
            ])
            try #require(made.status == 0, "\(made.errors)")
            func probe() throws -> String {
                try binary.run(["schedule", "show", "web", "-o", "json"]).output
            }
            try waitUntil("a first result") { try probe().contains("\"path\"") }
            try server.kubectl(
                "apply", "--field-manager=night-shift", "-f", "-", input: Self.policy)
            try server.behave("dropped-ingress", "p5")
            try waitUntil("the finding") { try probe().contains("Broken") }
            let incident = try binary.run(["incident", "web", "--around=-1s"])
            #expect(
                incident.output.contains("NetworkPolicy shop/lock appeared, by night-shift at "),
                "\(incident.output)\(incident.errors)")
        }

        @Test("a snapshot is a cluster that the model takes, and that --at remembers")
        func snapshot() throws {
            let file = binary.folder + "/snapshot.yaml"
            let live = try binary.run(["cluster", "snapshot"] + server.asBackend)
            #expect(live.status == 0, "\(live.errors)")
            try live.output.write(toFile: file, atomically: true, encoding: .utf8)
            let matrix = try binary.run([
                "matrix", "--cluster", file, "--ports", "tcp/80", "-o", "csv",
            ])
            #expect(matrix.status == 0, "\(matrix.errors)")
            #expect(matrix.output.split(separator: "\n").count == 1 + 12 * 11)
            #expect(!live.output.contains("not-for-the-log"))
            let empty = try binary.run(["cluster", "snapshot"])
            #expect(empty.status != 0 && empty.errorLines == 1, "\(empty.errors)")
        }

        @Test("a namespace that wants no traces is refused, and left out of sweeps")
        func optedOut() throws {
            try server.kubectl("label", "ns", "shop", "tracectl.dev/tracing=disabled")
            defer { _ = try? server.kubectl("label", "ns", "shop", "tracectl.dev/tracing-") }
            let trace = try binary.run(
                ["run", "-S", "shop/p0", "-D", "shop/p1"] + server.asBackend)
            #expect(trace.status == 1)
            #expect(trace.errors.contains("namespace shop wants no traces"), "\(trace.errors)")
            let sweep = try binary.run(
                ["sweep", "run", "--ports", "tcp/80", "--dry-run"] + server.asBackend)
            #expect(sweep.status != 0, "\(sweep.output)")
            #expect(sweep.errors.contains("shop"), "\(sweep.errors)")
        }

        @Test("trace and model are held against each other, and both paths shown")
        func compare() throws {
            let antrea = try AntreaStandIn(on: server)
            defer {
                antrea.stop()
                try? server.behave(nil, "p6")
            }
            let command = ["run", "-S", "shop/p0", "-D", "shop/p6", "--compare"] + server.asBackend
            let same = try binary.run(command)
            #expect(same.status == 0, "\(same.errors)")
            #expect(same.errors.contains("trace and model agree"))
            try server.behave("dropped-ingress", "p6")
            let soon = try binary.run(command)
            #expect(soon.status == 0, "\(soon.errors)")
            #expect(soon.errors.contains("the cluster changed just before"), "\(soon.errors)")
            #expect(soon.output.contains("by the model"))
        }
    }

    /// A cluster of the time before v1beta1.
    @Suite("An old server is spoken to in its version", .serialized)
    struct OldServerTests {
        @Test("v1alpha1 alone")
        func old() throws {
            let server = try APIServer()
            try server.apply("crds-v1alpha1.json")
            try TestCluster.make(on: server, nodes: 2, pods: 2)
            let antrea = try AntreaStandIn(on: server, version: "v1alpha1")
            defer { antrea.stop() }
            let binary = try Binary()
            let result = try binary.run([
                "run", "-S", "shop/p0", "-D", "shop/p1", "--backend", "kubernetes",
                "--kubeconfig", server.kubeconfig,
            ])
            #expect(result.status == 0, "\(result.errors)")
            #expect(result.output.contains("Delivered"))
            let bare = try APIServer()
            let absent = try binary.run([
                "worker", "--once", "--backend", "kubernetes", "--kubeconfig", bare.kubeconfig,
            ])
            #expect(absent.status == 3)
            #expect(absent.errors.contains("is Antrea installed there?"), "\(absent.errors)")
        }
    }
}
