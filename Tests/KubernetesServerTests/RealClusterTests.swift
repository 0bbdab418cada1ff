import Foundation
import KubernetesBench
import TestBinary
import Testing

extension RealServer {
    /// Traces on a real API server, with somebody who plays Antrea.
    @Suite("Traces run on a cluster", .serialized)
    struct RealClusterTests {
        private let server: APIServer
        private let binary: Binary

        init() throws {
            server = try Bench.server.get()
            binary = try Binary()
        }

        private func run(_ arguments: [String]) throws -> Binary.Result {
            try binary.run(arguments)
        }

        private func objectsLeft() throws -> String {
            try server.kubectl(
                "get", "tf", "-l", "app.kubernetes.io/managed-by=tracectl", "-o", "name")
        }

        @Test(
            "a trace ends as the cluster says",
            arguments: [
                ("delivered", "Succeeded", "Delivered", ""),
                ("dropped-egress", "Succeeded", "Dropped", ""),
                ("dropped-ingress", "Succeeded", "Dropped", ""),
                ("rejected", "Succeeded", "Rejected", ""),
                ("agent-error", "Failed", "", "Node: n0, error: the flow could not be installed"),
                ("silent-receiver", "Failed", "Lost", "Traceflow timeout"),
            ])
        func ends(_ behaviour: String, _ phase: String, _ verdict: String, _ reason: String) throws
        {
            let antrea = try AntreaStandIn(on: server)
            defer { antrea.stop() }
            try server.behave(behaviour, "p4")
            defer { try? server.behave(nil, "p4") }
            // Only the one that nobody answers is to run out of time.
            let timeout = behaviour == "silent-receiver" ? "1s" : "60s"
            let result = try run(
                ["run", "-S", "shop/p0", "-D", "shop/p4", "-t", timeout, "-o", "yaml"]
                    + server.asBackend)
            #expect(result.status == (phase == "Succeeded" ? 0 : 1), "\(result.errors)")
            #expect(result.output.contains("phase: \(phase)"), "\(result.output)\(result.errors)")
            if !verdict.isEmpty { #expect(result.output.contains("verdict: \(verdict)")) }
            if !reason.isEmpty { #expect(result.output.contains(reason), "\(result.output)") }
            #expect(try objectsLeft().isEmpty)
        }

        @Test("the Pod behind a Service is the one that Antrea names")
        func service() throws {
            let antrea = try AntreaStandIn(on: server)
            defer { antrea.stop() }
            let result = try run(
                [
                    "run", "-S", "shop/p0", "-D", "shop/web", "--flow", "tcp,tcp_dst=80", "-o",
                    "yaml",
                ]
                    + server.asBackend)
            #expect(result.status == 0, "\(result.errors)")
            #expect(result.output.contains("pod: shop/p1"), "\(result.output)")
            #expect(result.output.contains("translatedDstIP: 10.10.1.11"))
        }

        @Test(
            "what the cluster refuses fails with its words; what the model refuses never gets there"
        )
        func refused() throws {
            let antrea = try AntreaStandIn(on: server)
            defer { antrea.stop() }
            let file = try binary.traceflow(
                "{source: {namespace: shop, pod: p0}, destination: {ip: 10.10.1.11},"
                    + " packet: {transportHeader: {tcp: {dstPort: 80, flags: 300}}}}",
                version: "v1alpha1")
            let result = try run(["run", "-f", file, "-o", "yaml"] + server.asBackend)
            #expect(result.status == 1)
            #expect(result.output.contains("less than or equal to 255"), "\(result.output)")
            let absent = try run(["run", "-S", "shop/none", "-D", "shop/p1"] + server.asBackend)
            #expect(absent.status == 1)
            #expect(absent.errors.contains("none"), "\(absent.errors)")
        }

        @Test("secrets of Pods do not get into the log")
        func secrets() throws {
            let antrea = try AntreaStandIn(on: server)
            defer { antrea.stop() }
            _ = try run(["run", "-S", "shop/p0", "-D", "shop/p1"] + server.asBackend)
            let files = try FileManager.default.contentsOfDirectory(atPath: binary.log)
            for file in files {
                let bytes = FileManager.default.contents(atPath: binary.log + "/" + file) ?? Data()
                #expect(bytes.range(of: Data("not-for-the-log".utf8)) == nil, "\(file)")
                #expect(bytes.range(of: Data(server.token.utf8)) == nil, "\(file)")
            }
        }

        @Test("a bulk of traces keeps within its credits, and leaves nothing behind")
        func bulk() throws {
            let antrea = try AntreaStandIn(on: server, delayMilliseconds: 60)
            defer { antrea.stop() }
            let result = try run(
                [
                    "sweep", "run", "--ports", "tcp/80", "--from", "app=db", "--to", "app=web",
                    "--coverage", "pairs",
                    "--quiet",
                ]
                    + server.asBackend)
            #expect(result.status == 0, "\(result.errors)\(result.output)")
            #expect(antrea.busyMax <= 10)
            #expect(antrea.begunObjects.count == 36)
            #expect(antrea.begunObjects.values.allSatisfy { $0 == 1 })
            #expect(try objectsLeft().isEmpty)
        }

        @Test("a cluster that is not there is told in one line")
        func unreachable() throws {
            let config = try server.kubeconfig(through: "http://127.0.0.1:1")
            let result = try run(
                ["run", "-S", "a", "-D", "b", "--backend", "kubernetes", "--kubeconfig", config])
            #expect(result.status == 3)
            #expect(result.errorLines == 1, "\(result.errors)")
            let denied = try run(
                ["run", "-S", "shop/p0", "-D", "shop/p1", "--context", "viewer"] + server.asBackend)
            #expect(denied.status == 3)
            #expect(denied.errors.contains("viewer"), "\(denied.errors)")
            #expect(denied.errorLines == 1)
            let missing = try run(
                ["run", "-S", "a", "-D", "b", "--context", "no"] + server.asBackend)
            #expect(missing.status == 3)
            #expect(missing.errors.contains("no context \"no\"; known: tests, tracectl, viewer"))
        }
    }
}
