import Foundation
import TestBinary
import Testing

/// `tracectl worker --metrics`, as Prometheus and people see it.
struct MetricsCommandTests {
    /// A worker that serves, and what it has said so far.
    private final class Served {
        let process: Process
        let client: LoopbackClient
        let said: String

        /// Waits until it says where it serves.
        init(_ binary: Binary, _ more: [String] = []) throws {
            process = binary.process(["worker", "--metrics", "127.0.0.1:0"] + more)
            let pipe = Pipe()
            process.standardError = pipe
            try process.run()
            var text = ""
            while !text.contains("Ctrl-C ends it\n") {
                let data = pipe.fileHandleForReading.availableData
                if data.isEmpty { break }
                text += String(decoding: data, as: UTF8.self)
            }
            said = text
            let match = text.firstMatch(of: /metrics at http:\/\/127\.0\.0\.1:(\d+)\/metrics\n/)
            client = LoopbackClient(port: try #require(match.flatMap { UInt16($0.output.1) }))
        }

        deinit {
            if process.isRunning { process.terminate() }
            process.waitUntilExit()
        }

        /// The page once the line is in it; nil when the worker ended before.
        func page(with line: String) -> String? {
            while process.isRunning {
                let page = client.ask("GET", "/metrics")?.body ?? ""
                if page.contains(line + "\n") { return page }
            }
            return nil
        }
    }

    private static let spec =
        "{source: {namespace: default, pod: pod1}, destination: {namespace: default, pod: pod3}}"

    @Test func aWorkerSaysWhatBecameOfTracesAndProbes() throws {
        let binary = try Binary()
        let files = try ["a", "b"].map { try binary.traceflow(Self.spec, name: $0) }
        #expect(
            try binary.run(["apply", "--cluster", binary.cluster, "-f", files[0], "-f", files[1]])
                .status == 0)
        #expect(
            try binary.run([
                "schedule", "create", "web", "--every", "1h", "-S", "pod1", "-D", "pod3",
                "--expect", "delivered", "--failure-threshold", "1",
            ]).status == 0)
        let worker = try Served(binary)
        let ended = "tracectl_traces_ended_total{phase=\"Succeeded\",verdict=\"Dropped\"}"
        #expect(worker.page(with: ended + " 2") != nil)
        #expect(try binary.run(["schedule", "run-now", "web"]).status == 0)
        let page = try #require(worker.page(with: "tracectl_probe_healthy{probe=\"web\"} 0"))
        for line in [
            ended + " 3", "tracectl_traces{phase=\"Pending\"} 0", "tracectl_worker_is_decider 1",
            "tracectl_decider_lease_held 1", "tracectl_queue_wait_seconds_count 3",
            "tracectl_run_time_seconds_count 3", "tracectl_slots_fired_total{by=\"hand\"} 1",
            "tracectl_probe_changes_total{to=\"Broken\"} 1", "tracectl_tags_held 0",
        ] {
            #expect(page.contains(line + "\n"), "\(line)")
        }
        #expect(!page.contains(binary.folder), "no path is told")
    }

    @Test func threePathsAreReadAndNothingElseIsDone() throws {
        let binary = try Binary()
        let worker = try Served(binary)
        #expect(worker.page(with: "tracectl_worker_is_decider 1") != nil)
        let client = worker.client
        let page = try #require(client.ask("GET", "/metrics?a=b"))
        #expect(page.status == 200)
        #expect(page.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
        for path in ["/healthz", "/readyz"] {
            let answer = try #require(client.ask("GET", path))
            #expect((answer.status, answer.body) == (200, "ok\n"))
        }
        let head = try #require(client.ask("HEAD", "/healthz"))
        #expect((head.status, head.body, head.headers["content-length"]) == (200, "", "3"))
        let post = try #require(client.ask("POST", "/metrics", body: "x"))
        #expect((post.status, post.headers["allow"]) == (405, "GET, HEAD"))
        #expect(client.ask("GET", "/")?.status == 404)
        #expect(client.ask("GET", "/" + String(repeating: "x", count: 100_000))?.status != 200)
        #expect(client.ask("GET", "/healthz")?.status == 200, "it lives on")
    }

    @Test func aSecondWorkerIsReadyBesideOneThatDecides() throws {
        let binary = try Binary()
        let first = try Served(binary)
        #expect(first.page(with: "tracectl_worker_is_decider 1") != nil)
        let second = try Served(binary)
        #expect(second.client.ask("GET", "/readyz")?.status == 200)
        let page = try #require(second.page(with: "tracectl_worker_is_decider 0"))
        #expect(page.contains("tracectl_decider_lease_held 1\n"))
        #expect(!page.contains("tracectl_traces{"))
        kill(first.process.processIdentifier, SIGKILL)
        first.process.waitUntilExit()
        #expect(second.page(with: "tracectl_worker_is_decider 1") != nil)
        #expect(second.page(with: "tracectl_traces{phase=\"Pending\"} 0") != nil)
    }

    @Test func aPortInUseEndsItBeforeAnythingIsMade() throws {
        let binary = try Binary()
        let worker = try Served(binary)
        let other = try Binary()
        let result = try other.run(["worker", "--metrics", "127.0.0.1:\(worker.client.port)"])
        #expect(result.status == 3)
        #expect(
            result.errors
                == "error: 127.0.0.1:\(worker.client.port): the port is in use;"
                + " choose another for --metrics, or 0\n")
        #expect(!FileManager.default.fileExists(atPath: other.log))
    }

    @Test func onlyTheLoopbackIsServed() throws {
        let binary = try Binary()
        let result = try binary.run(["worker", "--metrics", "0.0.0.0:9464"])
        #expect(result.status == 2)
        #expect(result.errors.contains("neither TLS nor authentication"))
        #expect(result.errors.contains("use 127.0.0.1:9464"))
        #expect(!FileManager.default.fileExists(atPath: binary.log))
    }

    @Test func theServerEndsWithTheWorker() throws {
        let binary = try Binary()
        let worker = try Served(binary)
        #expect(worker.page(with: "tracectl_worker_is_decider 1") != nil)
        worker.process.terminate()
        worker.process.waitUntilExit()
        #expect(worker.process.terminationStatus == 0)
        #expect(worker.client.ask("GET", "/healthz") == nil)
    }
}
