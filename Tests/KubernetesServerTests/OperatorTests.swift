import Foundation
import JobLog
import KubernetesBench
import Scheduler
import TestBinary
import Testing
import TraceLog
import Traceflow
import Worker

extension RealServer {
    /// Probes and sweeps that are kept as manifests of the cluster.
    @Suite("The operator", .serialized)
    struct OperatorTests {
        private let server: APIServer
        private let binary: Binary

        init() throws {
            server = try Bench.deployed.get()
            binary = try Binary()
        }

        private static func schedule(
            _ name: String, every: String = "1s", suspend: Bool = false, to pod: String = "p10"
        ) -> String {
            """
            apiVersion: tracectl.dev/v1alpha1
            kind: TraceSchedule
            metadata: {name: \(name)}
            spec:
              every: \(every)
              suspend: \(suspend)
              expect: Delivered
              failureThreshold: 2
              settleSeconds: 0
              startingDeadlineSeconds: 3600
              missedSlots: All
              traceTemplate:
                spec:
                  source: {namespace: shop, pod: p0}
                  destination: {namespace: shop, pod: \(pod)}
                  timeout: 5

            """
        }

        private func serve() throws -> Process {
            let process = binary.process([
                "serve", "--operator", "--backend", "kubernetes", "--kubeconfig",
                server.kubeconfig, "--context", "tracectl", "--listen", "127.0.0.1:0",
                "--lease", "1s",
            ])
            try process.run()
            return process
        }

        private func end(_ process: Process) {
            process.terminate()
            process.waitUntilExit()
        }

        private func get(_ path: String, _ kind: String, _ name: String) throws -> String {
            try server.kubectl("get", kind, name, "-o", "jsonpath={\(path)}")
        }

        private func condition(_ type: String, of kind: String, _ name: String) throws -> String {
            try get(".status.conditions[?(@.type==\"\(type)\")].status", kind, name)
        }

        private func clean() {
            _ = try? server.kubectl("delete", "traceschedules,tracesweeps", "--all")
            _ = try? server.kubectl("delete", "tf", "--all", "--wait=false")
            _ = try? server.kubectl("delete", "events", "--all")
        }

        private func slots(_ name: String) throws -> [(slot: String, count: Int)] {
            let log = try JobLog.openTraces(binary.log, access: .readOnly)
            let coding = TraceCoding(log: log)
            var counts: [String: Int] = [:]
            for recorded in try log.read(after: 0, limit: 1_000_000) {
                guard case .trace(.requested(let request)) = try coding.event(recorded),
                    request.name.hasPrefix("schedule/\(name)/")
                else { continue }
                counts[request.name, default: 0] += 1
            }
            return counts.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        }

        @Test("a schedule that is applied, edited, paused and deleted is followed; probes tell")
        func life() throws {
            let antrea = try AntreaStandIn(on: server)
            let serving = try serve()
            defer {
                end(serving)
                antrea.stop()
                clean()
                try? server.behave(nil, "p10")
            }
            try server.kubectl("apply", "-f", "-", input: Self.schedule("web-db"))
            try waitUntil("health") {
                try condition("Healthy", of: "traceschedule", "web-db") == "True"
            }
            #expect(try condition("Ready", of: "traceschedule", "web-db") == "True")
            #expect(try get(".status.observedGeneration", "traceschedule", "web-db") == "1")
            #expect(try server.kubectl("get", "traceschedules").contains("Healthy"))

            try server.behave("dropped-ingress", "p10")
            try waitUntil("breaking") {
                try condition("Healthy", of: "traceschedule", "web-db") == "False"
            }
            #expect(try get(".status.probe", "traceschedule", "web-db") == "Broken")
            let events = try server.kubectl("get", "events", "-n", "default")
            #expect(events.contains("ProbeBroken"), "\(events)")
            #expect(
                events.split(separator: "\n").count { $0.contains("ProbeBroken") } == 1, "\(events)"
            )

            try server.kubectl("apply", "-f", "-", input: Self.schedule("web-db", every: "2s"))
            try waitUntil("the edit") {
                try get(".status.observedGeneration", "traceschedule", "web-db") == "2"
            }
            try server.kubectl(
                "apply", "-f", "-", input: Self.schedule("web-db", every: "2s", suspend: true))
            try waitUntil("the pause") {
                try get(".status.observedGeneration", "traceschedule", "web-db") == "3"
            }
            let shown = try binary.run(["schedule", "list"]).output
            #expect(shown.contains("web-db"), "\(shown)")
            let before = try slots("web-db").count
            Thread.sleep(forTimeInterval: 2.5)
            #expect(try slots("web-db").count == before)
            try server.kubectl("delete", "traceschedule", "web-db")
            try waitUntil("the deletion") {
                try !binary.run(["schedule", "list"]).output.contains("web-db")
            }
        }

        @Test("what nobody can mean is told on the object; what people made is left alone")
        func refusals() throws {
            let antrea = try AntreaStandIn(on: server)
            try binary.run([
                "schedule", "create", "by-hand", "--every", "1h", "-S", "shop/p0", "-D", "shop/p1",
                "--backend", "kubernetes", "--kubeconfig", server.kubeconfig,
            ])
            let serving = try serve()
            defer {
                end(serving)
                antrea.stop()
                clean()
            }
            let wrong = Self.schedule("wrong").replacingOccurrences(
                of: "every: 1s", with: "schedule: '61 * * * *'")
            try server.kubectl("apply", "-f", "-", input: wrong)
            try server.kubectl("apply", "-f", "-", input: Self.schedule("by-hand"))
            for (name, reason) in [("wrong", "Invalid"), ("by-hand", "NameTaken")] {
                try waitUntil(reason) {
                    try get(
                        ".status.conditions[?(@.type==\"Ready\")].reason", "traceschedule", name)
                        == reason
                }
            }
            try server.kubectl("delete", "traceschedule", "by-hand")
            Thread.sleep(forTimeInterval: 1)
            #expect(try binary.run(["schedule", "list"]).output.contains("by-hand"))
        }

        @Test("a sweep is run once, and its status tells how it went")
        func sweep() throws {
            let antrea = try AntreaStandIn(on: server)
            let serving = try serve()
            defer {
                end(serving)
                antrea.stop()
                clean()
            }
            let manifest = """
                apiVersion: tracectl.dev/v1alpha1
                kind: TraceSweep
                metadata: {name: all}
                spec:
                  sources: {podSelector: {matchLabels: {app: db}}}
                  destinations: {podSelector: {matchLabels: {app: web}}}
                  ports: [{protocol: TCP, port: 80}]
                  coverage: pairs
                """
            try server.kubectl("apply", "-f", "-", input: manifest)
            try waitUntil("the end") {
                try condition("Complete", of: "tracesweep", "all") == "True"
            }
            #expect(try get(".status.verdicts.Delivered", "tracesweep", "all") == "36")
            #expect(try get(".status.phase", "tracesweep", "all") == "Finished")
        }

        @Test("restarted and killed at random it neither loses nor repeats a slot")
        func restarts() throws {
            let antrea = try AntreaStandIn(on: server, delayMilliseconds: 10)
            defer {
                antrea.stop()
                clean()
            }
            try server.kubectl("apply", "-f", "-", input: Self.schedule("steady"))
            var first = try serve()
            try waitUntil("the first slot") { try !slots("steady").isEmpty }
            for round in 0..<4 {
                Thread.sleep(forTimeInterval: Double.random(in: 0.3...1.8))
                if round % 2 == 0 {
                    kill(first.processIdentifier, SIGKILL)
                } else {
                    first.terminate()
                }
                first.waitUntilExit()
                first = try serve()
                let known = try slots("steady").count
                try waitUntil("more slots") { try slots("steady").count > known }
            }
            end(first)
            let all = try slots("steady")
            #expect(all.allSatisfy { $0.count == 1 })
            // Each second from the first slot to the last one.
            let moments = try all.map { slot, _ in
                try #require(
                    ISO8601DateFormatter().date(from: String(slot.split(separator: "/")[2])))
            }
            for (before, after) in zip(moments, moments.dropFirst()) {
                #expect(after.timeIntervalSince(before) == 1, "\(before) \(after)")
            }
        }
    }
}
