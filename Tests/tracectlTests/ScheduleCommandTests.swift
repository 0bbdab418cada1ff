import Foundation
import TestBinary
import Testing

/// `schedule` as a user types it.
struct ScheduleCommandTests {
    private func create(_ binary: Binary, _ more: [String]) throws -> Binary.Result {
        try binary.run(["schedule", "create", "--cluster", binary.cluster] + more)
    }

    static let trace = ["-S", "pod1", "-D", "pod3", "--flow", "tcp,tcp_dst=80"]

    @Test func aScheduleIsMadeShownChangedAndDeleted() throws {
        let binary = try Binary()
        let probe = ["probe", "--cron", "*/5 8-17 * * mon-fri", "--time-zone", "Europe/Berlin"]
        let made = try create(binary, probe + Self.trace + ["--expect", "delivered"])
        #expect(made.status == 0, "\(made.errors)")
        #expect(made.output == "traceschedule.tracectl.dev/probe created\n")
        #expect(made.errors.contains("start `tracectl worker`"))
        #expect(
            try create(binary, probe + Self.trace + ["--expect", "delivered"]).output
                == "traceschedule.tracectl.dev/probe unchanged\n")
        #expect(
            try create(binary, probe + Self.trace).output
                == "traceschedule.tracectl.dev/probe configured\n")
        let shown = try binary.run(["schedule", "show", "probe"])
        #expect(shown.output.contains("a trace from default/pod1 to default/pod3"))
        #expect(try binary.run(["schedule", "pause", "probe"]).output == "schedule probe paused\n")
        #expect(
            try binary.run(["schedule", "pause", "--all"]).errors
                == "schedule probe is paused already\n")
        let list = try binary.run(["schedule", "list"]).output
        #expect(list.contains("*/5 8-17 * * mon-fri   Europe/Berlin   True"))
        #expect(try binary.run(["schedule", "resume", "probe"]).status == 0)
        #expect(try binary.run(["get", "schedule", "-o", "name"]).output.hasSuffix("probe\n"))
        #expect(try binary.run(["schedule", "delete", "probe"]).status == 0)
        let gone = try binary.run(["schedule", "show", "probe"])
        #expect(gone.status == 1)
        #expect(
            gone.errors
                == "error: schedule \"probe\" not found; `tracectl schedule list` shows all\n")
        #expect(try binary.run(["log", "verify"]).status == 0)
    }

    @Test func whatIsAskedForByHandIsBegunByAWorkerAndKnownByItsName() throws {
        let binary = try Binary()
        #expect(
            try create(
                binary, ["probe", "--every", "24h", "--expect", "model", "--suspend"] + Self.trace
            ).status == 0)
        #expect(try binary.run(["schedule", "run-now", "probe"]).status == 0)
        #expect(try binary.run(["worker", "--once"]).status == 0)
        let shown = try binary.run(["schedule", "show", "probe", "-o", "json"])
        let object = try JSONSerialization.jsonObject(with: Data(shown.output.utf8))
        let status = try #require((object as? [String: Any])?["status"] as? [String: Any])
        #expect(status["probe"] as? String == "Healthy")
        let slot = try #require(status["lastScheduleTime"] as? String)
        let trace = try binary.run(["get", "schedule/probe/\(slot)"])
        #expect(trace.output.contains("Succeeded   Delivered"))
    }

    @Test func manifestsAreAppliedAndSayTheirFaultsByField() throws {
        let binary = try Binary()
        func file(_ spec: String) throws -> String {
            try binary.write(
                """
                apiVersion: tracectl.dev/v1alpha1
                kind: TraceSchedule
                metadata: {name: from-file}
                spec: {\(spec)}
                """, to: "schedule.yaml")
        }
        let template =
            "traceTemplate: {spec: {source: {namespace: default, pod: pod1}, destination: {namespace: default, pod: pod3}}}"
        let good = try file(
            "schedule: '@hourly', timeZone: America/New_York, concurrencyPolicy: Forbid,"
                + " missedSlots: All, missedSlotsMax: 5, expect: Model, suspend: true, \(template)")
        let applied = try binary.run(["apply", "--cluster", binary.cluster, "-f", good])
        #expect(
            applied.output == "traceschedule.tracectl.dev/from-file created\n", "\(applied.errors)")
        #expect(
            try binary.run(["schedule", "create", "-f", good]).output
                == "traceschedule.tracectl.dev/from-file unchanged\n")
        for (spec, word) in [
            ("every: 5m", "traceTemplate"), ("schedule: '* *', \(template)", "spec.schedule"),
            ("every: 5m, schedule: '@daily', \(template)", "schedule"),
            ("every: soon, \(template)", "spec.every"),
            ("schedule: '@daily', timeZone: Mars/Base, \(template)", "Mars/Base"),
            ("every: 5m, expect: Maybe, \(template)", "spec.expect"),
            ("every: 5m, missedSlotsMax: 0, \(template)", "missedSlotsMax"),
            ("every: 5m, traceTemplate: {spec: {source: {pod: x}}}", "spec.source"),
            ("every: 5m, sweepTemplate: {spec: {ports: []}}", "ports"),
            ("every: 5m, jitterSeconds: 300, \(template)", "jitter"),
            ("every: 5m, startingDeadlineSeconds: 0, \(template)", "starting deadline"),
            (
                "every: 5m, expect: Delivered, sweepTemplate: {spec: {ports: [{port: 80}]}}",
                "an expectation is for a trace"
            ),
        ] {
            let result = try binary.run(["apply", "-f", try file(spec)])
            #expect(result.status == 1, "\(spec)")
            #expect(result.errorLines == 1, "\(result.errors)")
            #expect(result.errors.contains(word), "\(spec): \(result.errors)")
        }
    }

    @Test(
        arguments: [
            ["create"], ["create", "x"], ["create", "x", "--every", "5m"],
            ["create", "x", "--every", "0s", "-S", "a", "-D", "b"],
            ["create", "x", "--every", "1.5s", "-S", "a", "-D", "b"],
            ["create", "x", "--cron", "bad", "-S", "a", "-D", "b"],
            ["create", "x", "--every", "5m", "--cron", "@daily", "-S", "a", "-D", "b"],
            ["create", "X", "--every", "5m", "-S", "a", "-D", "b"],
            ["create", "x", "--every", "5m", "-S", "a", "-D", "b", "--ports", "tcp/80"],
            ["create", "x", "--every", "5m", "--time-zone", "UTC", "-S", "a", "-D", "b"],
            ["create", "x", "--every", "5m", "-S", "a", "-D", "b", "--expect", "happy"],
            ["pause"], ["pause", "x", "--all"], ["list", "--limit"],
            ["create", "x", "--every", "5m", "-S", "pod1", "-D", "pod2"],
        ])
    func wrongUseIsToldInOneGo(arguments: [String]) throws {
        let result = try Binary().run(["schedule"] + arguments)
        #expect(result.status == 2, "\(result.errors)")
        #expect(!result.errors.isEmpty)
    }

    @Test func whatIsNotThereIsSaidWithWhatToDo() throws {
        let binary = try Binary()
        #expect(try binary.run(["apply", "-f", binary.cluster]).status == 0)
        #expect(
            try binary.run(["schedule", "list"]).errors.hasPrefix("No schedules yet; make one"))
        #expect(try binary.run(["schedule", "pause", "--all"]).errors == "No schedules found.\n")
        let unknown = try create(
            binary, ["x", "--every", "5m", "-S", "nobody", "-D", "pod3"])
        #expect(unknown.status == 1)
        #expect(unknown.errors.contains("default/nobody"), "\(unknown.errors)")
    }

    /// A worker that is killed while a probe runs every second, and another that goes on.
    @Test func whoIsKilledLosesNoSlotAndRepeatsNone() throws {
        let binary = try Binary()
        #expect(
            try create(binary, ["probe", "--every", "1s", "--missed", "100"] + Self.trace).status
                == 0)
        func slots() throws -> [Int] {
            try binary.run(["log", "dump"]).output.split(separator: "\n")
                .filter { $0.contains("\"SlotFired\"") }
                .compactMap { line in
                    let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
                    let data = (object as? [String: Any])?["data"] as? [String: Any]
                    return (data?["slotMicroseconds"] as? String).flatMap { Int($0) }
                }
        }
        var wanted = 1
        for _ in 0..<2 {
            let worker = binary.process(["worker"])
            worker.standardError = FileHandle.nullDevice
            try worker.run()
            while worker.isRunning, try slots().count < wanted {}
            kill(worker.processIdentifier, SIGKILL)
            worker.waitUntilExit()
            wanted += 2
        }
        let all = try slots()
        #expect(all.count >= 3)
        #expect(zip(all, all.dropFirst()).allSatisfy { $1 - $0 == 1_000_000 }, "\(all)")
        #expect(try binary.run(["log", "verify"]).status == 0)
    }

    @Test func lengthsThatCouldNotBeReadAgainAreRefusedAndHarmNothing() throws {
        let binary = try Binary()
        let made = [
            "schedule", "create", "x", "-S", "pod1", "-D", "pod3", "--cluster", binary.cluster,
        ]
        #expect(try binary.run(made + ["--every", "1m", "--suspend"]).status == 0)
        for wrong in [
            ["--every", "50000d"], ["--every", "1m", "--starting-deadline", "50000d"],
            ["--every", String(repeating: "1000000d", count: 200)],
        ] {
            let refused = try binary.run(
                ["schedule", "create", "y"] + made.dropFirst(3) + wrong)
            #expect(
                [1, 2].contains(refused.status) && refused.errors.split(separator: "\n").count < 5)
        }
        let listed = try binary.run(["schedule", "list"])
        #expect(listed.status == 0 && !listed.output.contains("\ny "))
    }

    /// Else it would be printed as one of all Pods.
    @Test func aSelectorNobodyCanReadIsRefusedWithoutAClusterToo() throws {
        let binary = try Binary()
        let made = try binary.run([
            "schedule", "create", "d", "--every", "1h", "--ports", "tcp/80", "--from", "(((",
        ])
        #expect(made.status == 1)
        #expect(
            made.errors
                == "error: schedule \"d\": \"(((\" is no selector such as"
                + " app=web,metadata.namespace=shop\n")
    }
}
