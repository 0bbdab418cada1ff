import Foundation
import TestBinary
import Testing

/// `sweep` and `matrix SWEEP` as a user types them.
struct SweepCommandTests {
    /// Forty Pods on four nodes, half of them locked.
    static let town =
        (1...4).map {
            "{apiVersion: v1, kind: Node, metadata: {name: n\($0)}, spec: {podCIDR: 10.0.\($0).0/24}}"
        }.joined(separator: "\n---\n") + "\n---\n"
        + (0..<40).map {
            """
            {apiVersion: v1, kind: Pod, metadata: {name: p\($0), namespace: shop,
             labels: {app: a\($0 % 2)}}, spec: {nodeName: n\($0 % 4 + 1)},
             status: {podIP: 10.0.\($0 % 4 + 1).\(10 + $0)}}
            """
        }.joined(separator: "\n---\n")

    static let lock = """

        ---
        {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: lock, namespace: shop},
         spec: {podSelector: {matchLabels: {app: a1}}, ingress: [{from: [{podSelector: {matchLabels: {app: a1}}}]}]}}
        """

    static func binary() throws -> (Binary, cluster: String) {
        let binary = try Binary()
        return (binary, try binary.write(town + lock, to: "town.yaml"))
    }

    static func status(_ binary: Binary, _ sweep: String) throws -> [String: Any] {
        let shown = try binary.run(["sweep", "show", sweep, "-o", "json"])
        let object = try JSONSerialization.jsonObject(with: Data(shown.output.utf8))
        return try #require((object as? [String: Any])?["status"] as? [String: Any])
    }

    @Test func aSweepRunsToItsEndAndIsKnownByNameAndNumber() throws {
        let (binary, cluster) = try Self.binary()
        let run = try binary.run([
            "sweep", "run", "--cluster", cluster, "--ports", "tcp/80", "--name", "first",
        ])
        #expect(run.status == 0, "\(run.errors)")
        #expect(run.errors == "sweep first: 1560 traces on tcp/80, as fast as tags allow\n")
        #expect(run.output.contains("first   Finished   1560    1560     1160        400"))
        let status = try Self.status(binary, "first")
        #expect(status["ended"] as? Int == 1560)
        let number = try #require(status["number"] as? Int)
        #expect(try binary.run(["sweep", "show", "\(number)"]).output.contains("first"))
        #expect(try binary.run(["sweep", "list"]).output.contains("first"))
        let matrix = try binary.run(["matrix", "first"])
        #expect(matrix.output.contains("TCP/80: 1160 of 1560 pairs may speak"))
        #expect(
            try binary.run(["matrix", "first", "--compare"]).output == "traces and model agree\n")
        #expect(try binary.run(["log", "verify"]).output.hasPrefix("ok: "))
    }

    @Test func quietSaysNothingAndNowaitLeavesItToAWorker() throws {
        let (binary, cluster) = try Self.binary()
        let run = try binary.run([
            "sweep", "run", "--cluster", cluster, "--ports", "icmp", "--from", "app=a0", "--to",
            "app=a1", "--name", "n", "--quiet", "--nowait",
        ])
        #expect(run.errors == "")
        #expect(run.output == "tracesweep.tracectl.dev/n\n")
        #expect(try Self.status(binary, "n")["phase"] as? String == "Running")
        #expect(try binary.run(["worker", "--once"]).status == 0)
        let verdicts = try Self.status(binary, "n")["verdicts"] as? [String: Int]
        #expect(verdicts?["Dropped"] == 400)
    }

    @Test func aManifestSaysTheSameAsFlags() throws {
        let (binary, cluster) = try Self.binary()
        let file = try binary.write(
            """
            apiVersion: tracectl.dev/v1alpha1
            kind: TraceSweep
            metadata: {name: from-file, labels: {team: net}}
            spec:
              sources: {namespaces: [shop], podSelector: {matchLabels: {app: a0}}}
              destinations: {podSelector: {matchExpressions: [{key: app, operator: NotIn, values: [a0]}]}}
              ports: [{protocol: TCP, port: 80}, {protocol: ICMP}]
              coverage: classes
              timeout: 5
            """, to: "sweep.yaml")
        let run = try binary.run(["sweep", "run", "--cluster", cluster, "-f", file])
        #expect(run.status == 0, "\(run.errors)")
        #expect(run.errors.contains("8 traces that stand for 800 pairs on tcp/80,icmp"))
        let matrix = try binary.run(["matrix", "from-file", "-o", "jsonl"]).output
        #expect(matrix.split(separator: "\n").count == 800)
        #expect(matrix.contains("\"inferred\":true"))
    }

    @Test(
        arguments: [
            ("ports: []", "spec.ports"), ("ports: [{protocol: SCTP, port: 1}]", "protocol"),
            ("ports: [{port: 99999}]", "port"), ("ports: [{port: 80}], timeout: 0", "timeout"),
            ("ports: [{port: 80}], ratePerSecond: 0", "ratePerSecond"),
            ("ports: [{port: 80}], coverage: some", "coverage"),
        ])
    func aWrongManifestIsRefusedByItsField(spec: String, field: String) throws {
        let (binary, cluster) = try Self.binary()
        let file = try binary.write(
            """
            apiVersion: tracectl.dev/v1alpha1
            kind: TraceSweep
            metadata: {name: wrong}
            spec: {\(spec)}
            """, to: "sweep.yaml")
        let run = try binary.run(["sweep", "run", "--cluster", cluster, "-f", file])
        #expect(run.status == 1)
        #expect(run.errorLines == 1)
        #expect(run.errors.contains(field), "\(run.errors)")
    }

    @Test(
        arguments: [
            (["sweep", "run"], 2), (["sweep", "run", "--ports", "sctp/80"], 2),
            (["sweep", "run", "--ports", "tcp/80", "--rate", "-1"], 2),
            (["sweep", "run", "--ports", "tcp/80", "--name", "12"], 2),
            (["sweep", "run", "--ports", "tcp/80"], 2), (["sweep", "list"], 3),
            (["sweep", "show", "none"], 3), (["matrix", "none"], 3),
            (["matrix", "none", "--ports", "tcp/80"], 2),
        ] as [([String], Int32)])
    func wrongUseIsToldInOneGo(arguments: [String], status: Int32) throws {
        let result = try Binary().run(arguments)
        #expect(result.status == status, "\(result.errors)")
        #expect(!result.errors.isEmpty)
    }

    @Test func whatIsNotThereIsSaidWithWhatToDo() throws {
        let (binary, cluster) = try Self.binary()
        #expect(
            try binary.run([
                "sweep", "run", "--cluster", cluster, "--ports", "tcp/80", "--from", "app=x",
            ])
            .errors == "error: no pair of Pods to trace: the selectors select too few\n")
        #expect(try binary.run(["apply", "--cluster", cluster, "-f", cluster]).status == 0)
        #expect(
            try binary.run(["sweep", "list"]).errors
                == "No sweeps yet; begin with `tracectl sweep run --ports tcp/80`.\n")
        #expect(
            try binary.run(["matrix", "x"]).errors
                == "error: sweep \"x\" not found; `tracectl sweep list` shows all\n")
    }

    @Test func twoSweepsDifferByWhatAnEditChanged() throws {
        let (binary, cluster) = try Self.binary()
        let open = try binary.write(Self.town, to: "open.yaml")
        for (name, file) in [("before", open), ("after", cluster)] {
            let run = try binary.run([
                "sweep", "run", "--cluster", file, "--ports", "tcp/80", "--name", name, "-q",
            ])
            #expect(run.status == 0, "\(run.errors)")
        }
        let waiting = ["sweep", "run", "--ports", "tcp/80", "--name", "waiting", "--nowait"]
        #expect(try binary.run(waiting).status == 0)
        let early = try binary.run(["sweep", "diff", "before", "waiting"])
        #expect(early.status == 1)
        #expect(early.errors.contains("waiting is Running: only finished ones"))
        let same = try binary.run(["sweep", "diff", "before", "before"])
        #expect(same.status == 0)
        #expect(same.output == "no pair changes\n")
        let diff = try binary.run(["sweep", "diff", "before", "after", "-o", "json"])
        #expect(diff.status == 1)
        let object = try JSONSerialization.jsonObject(with: Data(diff.output.utf8))
        let list = try #require(
            (object as? [String: Any])?["differences"] as? [[String: Any]])
        #expect(list.count { $0["change"] as? String == "closes" } == 400)
        #expect(diff.output.contains("default deny of NetworkPolicies"))
        // Those that stay open are let through by the new policy now.
        #expect(list.count { $0["change"] as? String == "changes" } == 380)
    }

    /// A sweep that is slowed down gives the signal a place to fall into it.
    @Test(arguments: [SIGINT, SIGKILL])
    func whoIsInterruptedGoesOnLaterAndTracesNoPairTwice(signal: Int32) throws {
        let (binary, cluster) = try Self.binary()
        let process = binary.process([
            "sweep", "run", "--cluster", cluster, "--ports", "tcp/80", "--rate", "800", "--name",
            "s",
        ])
        let errors = Pipe()
        process.standardError = errors
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        func ended() throws -> Int {
            let shown = try binary.run(["sweep", "show", "s", "-o", "json"])
            guard shown.status == 0 else { return 0 }
            return try Self.status(binary, "s")["ended"] as? Int ?? 0
        }
        while process.isRunning, try ended() < 100 {}
        kill(process.processIdentifier, signal)
        process.waitUntilExit()
        let text = String(
            decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        if signal == SIGINT {
            #expect(process.terminationStatus == 130)
            #expect(text.contains("go on with `tracectl sweep resume s`"), "\(text)")
        }
        let half = try ended()
        #expect(half >= 100 && half < 1560)
        let resumed = try binary.run(["sweep", "resume", "s"])
        #expect(resumed.status == 0, "\(resumed.errors)")
        #expect(try Self.status(binary, "s")["ended"] as? Int == 1560)
        let members = try binary.run(["log", "dump"]).output.split(separator: "\n")
            .filter { $0.contains("\"TraceRequested\"") }
        #expect(members.count == 1560)
        #expect(try binary.run(["log", "verify"]).status == 0)
        let again = try binary.run(["sweep", "resume", "s"])
        #expect(again.errors.hasPrefix("sweep s has finished already"))
    }

    @Test func anAppliedSweepIsRunByAWorkerAndItsTracesHaveNames() throws {
        let (binary, cluster) = try Self.binary()
        func file(_ port: Int) throws -> String {
            try binary.write(
                """
                apiVersion: tracectl.dev/v1alpha1
                kind: TraceSweep
                metadata: {name: nightly}
                spec: {ports: [{port: \(port)}], destinations: {podSelector: {matchLabels: {app: a1}}}}
                """, to: "sweep-\(port).yaml")
        }
        let apply = ["apply", "--cluster", cluster, "-f", try file(80)]
        #expect(try binary.run(apply).output == "tracesweep.tracectl.dev/nightly created\n")
        #expect(try binary.run(apply).output == "tracesweep.tracectl.dev/nightly unchanged\n")
        let other = try binary.run(["apply", "-f", try file(81)])
        #expect(other.status == 1)
        #expect(other.errors.contains("exists already and asks for something else"))
        #expect(try binary.run(["worker", "--once"]).status == 0)
        #expect(
            try binary.run(["get", "sweep", "nightly", "-o", "name"]).output.hasSuffix("nightly\n"))
        let trace = try binary.run(["get", "sweep/nightly/7"])
        #expect(trace.output.contains("/000007"))
        #expect(trace.output.contains("Succeeded"))
        #expect(try binary.run(["describe", "sweep/nightly/000779"]).status == 0)
        #expect(
            try binary.run(["get", "sweep/nightly/780"]).errors
                == "error: sweep nightly has no trace 780\n")
    }

    @Test func aCancelledSweepIsOverAndCannotBeResumed() throws {
        let (binary, cluster) = try Self.binary()
        let run = ["sweep", "run", "--cluster", cluster, "--ports", "tcp/80", "--name", "s"]
        #expect(try binary.run(run + ["--nowait"]).status == 0)
        #expect(try binary.run(["sweep", "cancel", "s"]).output == "sweep s cancelled\n")
        #expect(try binary.run(["sweep", "cancel", "s"]).errors == "sweep s is over already\n")
        let resumed = try binary.run(["sweep", "resume", "s"])
        #expect(resumed.status == 1)
        #expect(resumed.errors.contains("was cancelled"))
        #expect(try binary.run(["worker", "--once"]).status == 0)
        #expect(try binary.run(["log", "verify"]).status == 0)
    }

    @Test func whatIsPrintedCanBeAppliedAgainAndMeansTheSame() throws {
        let (binary, cluster) = try Self.binary()
        let what = [
            "--cluster", cluster, "--ports", "tcp/80,icmp", "--coverage", "classes",
            "--from", "tier notin (a,b), app in (a1, a0),metadata.namespace=shop,!old,app",
            "--to", "metadata.name!=p1,app==a1",
        ]
        let swept = try binary.run(
            ["sweep", "run", "--name", "s", "--rate", "0.3", "--nowait", "--quiet"] + what)
        #expect(swept.status == 0, "\(swept.errors)")
        let made = try binary.run(["schedule", "create", "d", "--cron", "0 2 * * *"] + what)
        #expect(made.status == 0, "\(made.errors)")
        for (kind, name) in [("sweep", "s"), ("schedule", "d")] {
            for (format, words) in [
                ("yaml", ["namespaces:\n", "- shop\n", "app: a1\n", "operator: DoesNotExist\n"]),
                ("json", ["\"operator\": \"NotIn\"", "\"port\": 80"]),
            ] {
                let printed = try binary.run(["get", kind, name, "-o", format]).output
                for word in words { #expect(printed.contains(word), "\(word) in \(printed)") }
                if kind == "sweep" {
                    #expect(printed.contains("0.3\n") || printed.contains("0.3,"))
                }
                let again = try binary.run([
                    "apply", "-f", try binary.write(printed, to: "again.\(format)"),
                ])
                #expect(
                    again.output.contains("\(name) unchanged"), "\(again.output)\(again.errors)")
                #expect(again.errors == "")
            }
        }
    }
}
