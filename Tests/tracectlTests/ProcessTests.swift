import Foundation
import TestBinary
import Testing

/// Several processes on one log, and their deaths.
struct ProcessTests {
    static let spec =
        "{source: {namespace: default, pod: pod1}, destination: {namespace: default, pod: pod3}}"

    private func json(_ line: some StringProtocol) throws -> [String: Any] {
        try #require(
            try JSONSerialization.jsonObject(with: Data(String(line).utf8)) as? [String: Any])
    }

    private func events(_ binary: Binary) throws -> [[String: Any]] {
        let dump = try binary.run(["log", "dump"])
        #expect(dump.status == 0, "\(dump.errors)")
        return try dump.output.split(separator: "\n").map { try json($0) }
    }

    @Test func aWorkerAndManyRequestersNeverFindTheLogLocked() throws {
        let binary = try Binary()
        #expect(
            try binary.run(["apply", "--cluster", binary.cluster, "-f", binary.cluster]).status == 0
        )
        let worker = binary.process(["worker"])
        worker.standardError = FileHandle.nullDevice
        try worker.run()
        let files = try (1...24).map { try binary.traceflow(Self.spec, name: "t\($0)") }
        let failures = Failures()
        DispatchQueue.concurrentPerform(iterations: files.count) { index in
            do {
                let command = index.isMultiple(of: 2) ? "run" : "apply"
                let result = try binary.run([command, "-f", files[index]])
                if result.status != 0 || result.errors.contains("locked") {
                    failures.add(result.errors)
                }
            } catch {
                failures.add("\(error)")
            }
        }
        #expect(failures.all == [])
        let names = (1...24).map { "t\($0)" }
        #expect(try binary.run(["wait"] + names + ["--timeout", "60s"]).status == 0)
        worker.terminate()
        worker.waitUntilExit()
        #expect(worker.terminationStatus == 0)
        let types = try events(binary).compactMap { $0["type"] as? String }
        #expect(types.filter { $0 == "TagAllocated" }.count == 24)
        #expect(types.filter { $0 == "TraceSucceeded" }.count == 24)
        #expect(try binary.run(["log", "verify"]).output.hasPrefix("ok: "))
    }

    /// One event for the decider, one for the tag, two reports, one verdict.
    @Test(arguments: 1...5)
    func aKilledWorkersTraceComesToOneEndOfItsLastAttempt(step: Int) throws {
        let binary = try Binary()
        let file = try binary.traceflow(Self.spec)
        #expect(try binary.run(["apply", "--cluster", binary.cluster, "-f", file]).status == 0)
        let before = try events(binary).count
        // Slow reports give the kill a place to fall between any two steps.
        let worker = binary.process(["worker", "--faults", "latency=40", "--seed", "\(step)"])
        worker.standardError = FileHandle.nullDevice
        try worker.run()
        while try events(binary).count < before + step, worker.isRunning {}
        kill(worker.processIdentifier, SIGKILL)
        worker.waitUntilExit()
        let finish = try binary.run(["worker", "--once"])
        #expect(finish.status == 0, "\(finish.errors)")
        let trace = try events(binary).filter { $0["stream"] as? Int == 3 }
        var attempt = 0
        var endings: [Int] = []
        for event in trace {
            let number = (event["data"] as? [String: Any])?["attempt"] as? Int ?? 0
            switch event["type"] as? String {
            case "TagAllocated": attempt = number
            case "TraceSucceeded", "TraceFailed", "TraceTimedOut": endings.append(number)
            default: break
            }
        }
        #expect(endings == [attempt])
        #expect(try binary.run(["wait", "t"]).status == 0)
        #expect(try binary.run(["log", "verify"]).status == 0)
    }

    @Test func ctrlCLeavesTheLogIntact() throws {
        let binary = try Binary()
        let file = try binary.traceflow(
            "{liveTraffic: true, timeout: 300, source: {namespace: default, pod: pod1}}")
        let run = binary.process(["run", "--cluster", binary.cluster, "-f", file])
        run.standardError = FileHandle.nullDevice
        try run.run()
        while try binary.run(["get", "t", "-o", "yaml"]).output.contains("phase: Running") == false,
            run.isRunning
        {}
        kill(run.processIdentifier, SIGINT)
        run.waitUntilExit()
        #expect(run.terminationStatus == 130)
        #expect(try binary.run(["log", "verify"]).status == 0)
        #expect(try binary.run(["get", "worker"]).output.isEmpty)
    }

    @Test func cancelRetryAndDeleteTakeEffectWithoutAWorker() throws {
        let binary = try Binary()
        let file = try binary.traceflow(Self.spec)
        #expect(try binary.run(["apply", "--cluster", binary.cluster, "-f", file]).status == 0)
        #expect(try binary.run(["retry", "t"]).status == 1, "it is Pending")
        #expect(try binary.run(["cancel", "t"]).status == 0)
        let cancelled = try binary.run(["get", "t", "-o", "yaml"]).output
        #expect(cancelled.contains("reason: Cancelled"))
        #expect(try binary.run(["retry", "t"]).status == 0)
        #expect(try binary.run(["worker", "--once"]).status == 0)
        let done = try binary.run(["get", "t", "-o", "yaml"]).output
        #expect(done.contains("verdict: Dropped"), "ICMP is dropped on arrival")
        #expect(done.contains("attempt: 2"))
        #expect(try binary.run(["delete", "t"]).status == 0)
        #expect(try binary.run(["get", "t"]).status == 1)
        #expect(
            try binary.run(["apply", "-f", file]).output == "traceflow.crd.antrea.io/t created\n")
    }

    @Test func thePastIsAsItWas() throws {
        let binary = try Binary()
        let file = try binary.traceflow(Self.spec)
        #expect(try binary.run(["run", "--cluster", binary.cluster, "-f", file]).status == 0)
        #expect(try binary.run(["get", "--at", "-1h", "-o", "name"]).output.isEmpty)
        let now = try #require(try events(binary).last?["recordedAt"] as? String)
        #expect(try binary.run(["delete", "t"]).status == 0)
        #expect(
            try binary.run(["get", "--at", now, "-o", "name"]).output
                == "traceflow.crd.antrea.io/t\n")
        #expect(try binary.run(["get", "-o", "name"]).output.isEmpty)
    }
}

/// What went wrong on several threads.
///
/// `@unchecked Sendable` holds because the list is touched under the lock alone.
private final class Failures: @unchecked Sendable {
    private let lock = NSLock()
    private var list: [String] = []
    func add(_ text: String) { lock.withLock { list.append(text) } }
    var all: [String] { lock.withLock { list } }
}
