import Foundation
import JobLog
import Kubernetes
import KubernetesBench
import Scheduler
import TestBinary
import Testing
import TraceLog
import Traceflow
import Worker

extension RealServer {
    /// What happens to clusters, networks and workers.
    @Suite("Traces survive what clusters do", .serialized)
    struct FaultTests {
        private let server: APIServer
        private let binary: Binary

        init() throws {
            server = try Bench.server.get()
            binary = try Binary()
        }

        private func objects(_ selector: String = "app.kubernetes.io/managed-by=tracectl") throws
            -> [String]
        {
            try server.kubectl("get", "tf", "-l", selector, "-o", "name")
                .split(separator: "\n").map(String.init)
        }

        private func deleteAll() {
            _ = try? server.kubectl("delete", "tf", "--all", "--wait=false")
        }

        /// Records so many traces between Pods; every third goes to one whose packets are dropped.
        private func record(_ count: Int, timeout: Int = 8) throws {
            let all = (0..<count).map { number in
                """
                apiVersion: crd.antrea.io/v1beta1
                kind: Traceflow
                metadata: {name: t\(number)}
                spec:
                  source: {namespace: shop, pod: p\(number % 3)}
                  destination: {namespace: shop, pod: p\(number % 3 == 0 ? 7 : 8)}
                  timeout: \(timeout)
                ---

                """
            }
            let file = try binary.write(all.joined(), to: "all.yaml")
            let applied = try binary.run(["apply", "-f", file] + server.asBackend)
            try #require(applied.status == 0, "\(applied.errors)")
        }

        private func traces() throws -> [Trace] {
            let log = try JobLog.openTraces(binary.log, access: .readOnly)
            let coding = TraceCoding(log: log)
            var traces: [Trace] = []
            for row in try log.read(after: 0, limit: 100_000)
            where row.type == LogEventType.traceRequested.rawValue {
                if let story = try coding.story(log.read(stream: row.stream)) {
                    traces.append(story.trace)
                }
            }
            return traces
        }

        @Test("networks that drop, delay, cut and refuse; an API server that is killed meanwhile")
        func faults() throws {
            let antrea = try AntreaStandIn(on: server, delayMilliseconds: 60)
            let proxy = try FaultProxy(before: server, seed: 7)
            defer {
                antrea.stop()
                proxy.stop()
                deleteAll()
            }
            try server.behave("dropped-ingress", "p7")
            defer { try? server.behave(nil, "p7") }
            // Longer than the API server is away.
            try record(60, timeout: 60)
            try proxy.set([
                "drop_before": 0.05, "drop_after": 0.05, "delay": 0.2, "truncate": 0.04,
                "busy": 0.05, "error": 0.05, "gone": 0.3, "cut": 0.7,
                "absent": 0.06, "unready": 0.04,
            ])
            let config = try server.kubeconfig(through: proxy.url)
            let worker = binary.process([
                "worker", "--once", "--backend", "kubernetes", "--kubeconfig", config,
            ])
            try worker.run()
            // In the middle of it.
            try waitUntil("the tenth trace's end") {
                antrea.facts.count { $0.fact == "ended" } >= 10
            }
            server.killServer()
            try server.restartServer()
            worker.waitUntilExit()
            #expect(worker.terminationStatus == 0)
            let traces = try traces()
            #expect(traces.count == 60)
            for trace in traces {
                let isToP7 = trace.request?.spec.destination?.pod == "p7"
                #expect(
                    trace.phase == .succeeded,
                    "\(trace.reason ?? ""); not ended on the cluster: \(antrea.unended)")
                #expect(trace.verdict == (isToP7 ? .dropped : .delivered))
            }
            #expect(antrea.begunObjects.count == 60)
            #expect(antrea.begunObjects.allSatisfy { $0.value == 1 }, "\(antrea.begunObjects)")
            #expect(antrea.busyMax <= 10)
            let counts = try proxy.counts()
            for fault in [
                "drop_before", "drop_after", "delay", "busy", "error", "gone", "absent", "unready",
            ] {
                #expect(counts[fault] ?? 0 > 0, "\(fault) never happened: \(counts)")
            }
            try proxy.set(["drop_before": 0])
            #expect(try objects().isEmpty)
        }

        @Test("others who take tags are left theirs, and those who wait go first")
        func foreign() throws {
            // Nobody answers these for long: the receiver stays silent.
            let antrea = try AntreaStandIn(on: server, timeScale: 0.2, delayMilliseconds: 100)
            defer {
                antrea.stop()
                deleteAll()
            }
            try server.behave("silent-receiver", "p9")
            defer { try? server.behave(nil, "p9") }
            let foreign = (0..<7).map { number in
                """
                {"apiVersion":"crd.antrea.io/v1beta1","kind":"Traceflow","metadata":{"name":\
                "foreign-\(number)","labels":{"by":"hand"}},"spec":{"source":{"namespace":"shop",\
                "pod":"p1"},"destination":{"namespace":"shop","pod":"p9"},"timeout":300}}
                """
            }
            try server.kubectl(
                "apply", "-f", "-",
                input: "{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":["
                    + foreign.joined(separator: ",") + "]}")
            try server.kubectl(
                "wait", "tf", "-l", "by=hand", "--for=jsonpath={.status.phase}=Running",
                "--timeout=20s")
            try record(20)
            let worker = try binary.run(["worker", "--once"] + server.asBackend)
            #expect(worker.status == 0, "\(worker.errors)")
            #expect(try traces().allSatisfy { $0.phase == .succeeded })
            // 14 less 4 in reserve less 7 of others.
            #expect(antrea.busyMax <= 7 + 3, "\(antrea.busyMax)")
            #expect(try objects("by=hand").count == 7)
            #expect(try objects().isEmpty)
        }

        @Test(
            "a killed worker's objects are removed by the next, and its attempts are not run twice")
        func killed() throws {
            let antrea = try AntreaStandIn(on: server, delayMilliseconds: 400)
            defer {
                antrea.stop()
                deleteAll()
            }
            try record(30)
            for _ in 0..<3 {
                let before = antrea.facts.count { $0.fact == "started" }
                let worker = binary.process(["worker", "--lease", "1s"] + server.asBackend)
                try worker.run()
                try waitUntil("the start of four more") {
                    antrea.facts.count { $0.fact == "started" } >= before + 4
                }
                kill(worker.processIdentifier, SIGKILL)
                worker.waitUntilExit()
            }
            let worker = try binary.run(["worker", "--once", "--lease", "1s"] + server.asBackend)
            #expect(worker.status == 0, "\(worker.errors)")
            #expect(try traces().allSatisfy { $0.phase == .succeeded })
            #expect(antrea.begunObjects.allSatisfy { $0.value == 1 }, "\(antrea.begunObjects)")
            #expect(antrea.busyMax <= 14)
            try waitUntil("an empty cluster") { try objects().isEmpty }
        }

        @Test("an object that others delete fails its trace; one whose labels they take does not")
        func meddling() throws {
            let antrea = try AntreaStandIn(on: server, delayMilliseconds: 2500)
            defer {
                antrea.stop()
                deleteAll()
            }
            try record(2)
            let worker = binary.process(["worker", "--once"] + server.asBackend)
            try worker.run()
            try waitUntil("the start of both") { antrea.facts.count { $0.fact == "started" } == 2 }
            let names = try objects()
            try server.kubectl("delete", names[0])
            try server.kubectl(
                "label", names[1], "app.kubernetes.io/managed-by-", "tracectl.dev/log-")
            worker.waitUntilExit()
            let phases = try traces().map(\.phase)
            #expect(phases.count { $0 == .failed } == 1 && phases.count { $0 == .succeeded } == 1)
            #expect(
                try traces().contains {
                    $0.reason == "the Traceflow was deleted on the cluster before it ended"
                })
            #expect(try server.kubectl("get", "tf", "-o", "name").isEmpty)
        }

        @Test("Ctrl-C leaves the traces in the log, and nothing on the cluster")
        func interrupted() throws {
            let antrea = try AntreaStandIn(on: server, delayMilliseconds: 20_000)
            defer {
                antrea.stop()
                deleteAll()
            }
            let running = binary.process(
                ["run", "-S", "shop/p0", "-D", "shop/p1"] + server.asBackend)
            try running.run()
            try waitUntil("the start") { antrea.facts.contains { $0.fact == "started" } }
            kill(running.processIdentifier, SIGINT)
            running.waitUntilExit()
            #expect(running.terminationStatus == 130)
            #expect(try objects().isEmpty)
            #expect(try binary.run(["get"]).output.contains("Running"))
        }

        @Test("an object that Antrea does not begin is made anew")
        func neverBegun() throws {
            let antrea = try AntreaStandIn(on: server)
            defer {
                antrea.stop()
                deleteAll()
            }
            try server.behave("never-starts", "p0")
            try record(1)
            let worker = binary.process(["worker", "--once"] + server.asBackend)
            try worker.run()
            try waitUntil("the next incarnation") { try objects().contains { $0.hasSuffix("-2") } }
            try server.behave(nil, "p0")
            worker.waitUntilExit()
            #expect(try traces().map(\.phase) == [.succeeded])
            #expect(antrea.begunObjects.allSatisfy { $0.value == 1 })
            #expect(try objects().isEmpty)
        }
    }
}
