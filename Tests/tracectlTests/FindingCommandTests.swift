import Foundation
import TestBinary
import Testing

/// Findings as a user meets them: paths, settling, maintenance.
struct FindingCommandTests {
    static func allow(_ name: String) -> String {
        """
        apiVersion: networking.k8s.io/v1
        kind: NetworkPolicy
        metadata: {name: \(name), namespace: default}
        spec: {podSelector: {}, ingress: [{ports: [{port: 80}]}]}
        """
    }

    private func create(_ binary: Binary, _ more: [String]) throws -> Binary.Result {
        try binary.run(
            [
                "schedule", "create", "web-db", "--every", "24h", "-S", "pod1", "-D", "pod3",
                "--flow", "tcp,tcp_dst=80", "--suspend", "--cluster", binary.cluster,
            ] + more)
    }

    private func probe(_ binary: Binary) throws {
        #expect(try binary.run(["schedule", "run-now", "web-db"]).status == 0)
        #expect(try binary.run(["worker", "--once"]).status == 0)
    }

    private func apply(_ binary: Binary, _ text: String, _ name: String) throws {
        #expect(
            try binary.run(["apply", "-f", try binary.write(text, to: name)]).status == 0)
    }

    @Test func aChangedPathIsShownListedToldAndExplained() throws {
        let binary = try Binary()
        #expect(try create(binary, ["--expect", "delivered", "--settle", "0s"]).status == 0)
        try apply(binary, Self.allow("a-first"), "first.yaml")
        try probe(binary)
        try apply(binary, Self.allow("a-before-it"), "second.yaml")
        let told = binary.folder + "/told"
        #expect(try binary.run(["schedule", "run-now", "web-db"]).status == 0)
        #expect(
            try binary.run(["worker", "--once", "--notify-command", "cat > \(told)"]).status == 0)
        let notification = try String(contentsOfFile: told, encoding: .utf8)
        #expect(notification.contains("\"status\":\"pathChanged\""))
        #expect(notification.contains("web-db: Delivered as before, by another path"))
        #expect(notification.contains("\"pathBefore\":\""))
        let shown = try binary.run(["schedule", "show", "web-db"]).output
        #expect(shown.contains("path changed: Delivered by another path than at 20"))
        #expect(shown.contains("Probe:") && shown.contains("Healthy"))
        let changes = try binary.run([
            "history", "changes", "--schedule", "web-db", "-o", "csv",
        ]).output
        #expect(changes.contains(",path,Delivered,Delivered,1,NetworkPolicy default/a-before-it"))
        #expect(changes.contains(" appeared,pathChanged,"))
        let incident = try binary.run(["incident", "web-db"]).output
        for word in [
            "Delivered by another path since", "path changed at 20",
            "NetworkPolicy default/a-before-it appeared", "the probe is healthy now",
        ] {
            #expect(incident.contains(word), "\(word) in \(incident)")
        }
        #expect(try binary.run(["log", "verify"]).status == 0)
    }

    @Test func whatIsHeldBackIsShownAndRecorded() throws {
        let binary = try Binary()
        #expect(
            try create(
                binary,
                ["--expect", "delivered", "--failure-threshold", "1", "--settle", "1h"]
            ).status == 0)
        try probe(binary)
        try apply(binary, IncidentCommandTests.lock, "lock.yaml")
        try probe(binary)
        let shown = try binary.run(["schedule", "show", "web-db"]).output
        for word in [
            "Settles:", "1h after a change of the cluster", "1 since the cluster changed at 20",
            "Healthy",
        ] {
            #expect(shown.contains(word), "\(word) in \(shown)")
        }
        let incident = try binary.run(["incident", "web-db"])
        #expect(incident.status == 0)
        #expect(incident.output.contains("no finding came of it"))
        #expect(
            try binary.run(["history", "changes", "--schedule", "web-db", "-o", "csv"]).output
                .contains("ClusterNetworkPolicy lock appeared,,"))
    }

    @Test func inMaintenanceNothingIsFoundAndUptimeSaysHowMany() throws {
        let binary = try Binary()
        #expect(
            try create(
                binary,
                [
                    "--expect", "dropped", "--failure-threshold", "1", "--maintenance",
                    "* * * * *@2m", "--maintenance", "2099-12-01T03:00:00Z@90m",
                ]
            ).status == 0)
        try probe(binary)
        let shown = try binary.run(["schedule", "show", "web-db"]).output
        #expect(shown.contains("now, until 20") && shown.contains("results do not count"))
        #expect(shown.contains("Probe:") && shown.contains("Healthy"))
        let uptime = try binary.run([
            "history", "uptime", "--schedule", "web-db", "-o", "csv",
        ]).output
        #expect(uptime.hasSuffix(",0,0,,1\n"), "\(uptime)")
        let yaml = try binary.run(["get", "schedule", "web-db", "-o", "yaml"]).output
        for word in ["start: \"2099-12-01T03:00:00Z\"", "duration: 90m", "inMaintenance: true"] {
            #expect(yaml.contains(word), "\(word) in \(yaml)")
        }
    }

    static let manifest = """
        apiVersion: tracectl.dev/v1alpha1
        kind: TraceSchedule
        metadata: {name: web-db, labels: {team: net}}
        spec:
          schedule: "*/5 * * * *"
          timeZone: Europe/Berlin
          suspend: true
          expect: Delivered
          failureThreshold: 2
          missedSlots: All
          missedSlotsMax: 7
          settleSeconds: 90
          maintenance:
          - {schedule: "0 3 * * sun", duration: 2h, reason: node upgrades}
          - {start: 2099-12-01T03:00:00+01:00, duration: 90m}
          traceTemplate:
            metadata: {labels: {a: b}}
            priority: 7
            spec:
              source: {namespace: default, pod: pod1}
              destination: {namespace: default, pod: pod3}
              packet: {transportHeader: {tcp: {dstPort: 80}}}
        """

    @Test func whatIsPrintedCanBeAppliedAgain() throws {
        let binary = try Binary()
        let file = try binary.write(Self.manifest, to: "schedule.yaml")
        let made = try binary.run(["apply", "--cluster", binary.cluster, "-f", file])
        #expect(made.status == 0, "\(made.errors)")
        let yaml = try binary.run(["get", "schedule", "web-db", "-o", "yaml"]).output
        for word in [
            "settleSeconds: 90", "reason: node upgrades", "timeZone: Europe/Berlin",
            "2099-12-01T02:00:00Z", "missedSlotsMax: 7",
        ] {
            #expect(yaml.contains(word), "\(word) in \(yaml)")
        }
        let again = try binary.run(["apply", "-f", try binary.write(yaml, to: "again.yaml")])
        #expect(again.output.contains("web-db unchanged"), "\(again.output)\(again.errors)")
    }

    @Test(
        arguments: [
            ("settleSeconds: 90", "settleSeconds: 4000", ":12:18: spec.settleSeconds: must be"),
            ("duration: 2h", "duration: soon", ":14: spec.maintenance[0].duration: \"soon\" is no"),
            (
                "\"0 3 * * sun\"", "\"0 3 * *\"",
                ":14: spec.maintenance[0].schedule: 4 fields, and five"
            ),
            (
                "start: 2099-12-01T03:00:00+01:00", "start: tomorrow",
                ":15: spec.maintenance[1].start: \"tomorrow\" is no moment such as"
            ),
            ("start: 2099-12-01T03:00:00+01:00, ", "", "give either schedule or start"),
            (", duration: 90m", "", "spec.maintenance[1].duration: required, and missing"),
            (
                "schedule: \"0 3", "timeZone: Nowhere/X, schedule: \"0 3",
                "no time zone \"Nowhere/X\""
            ),
            ("  expect: Delivered\n", "", "are for a schedule that expects something"),
            (
                "failureThreshold: 2", "failedHistoryLimit: 2",
                ":9:23: spec.failedHistoryLimit: finished runs are never deleted"
            ),
        ])
    func badManifestsAreRefusedInOneLineThatSaysWhere(
        old: String, new: String, message: String
    ) throws {
        let binary = try Binary()
        #expect(Self.manifest.contains(old))
        let text = Self.manifest.replacingOccurrences(of: old, with: new)
        let refused = try binary.run([
            "apply", "--cluster", binary.cluster, "-f", try binary.write(text, to: "bad.yaml"),
        ])
        #expect(refused.status != 0)
        #expect(refused.errors.contains(message), "\(refused.errors)")
        #expect(refused.errors.split(separator: "\n").count == 1, "\(refused.errors)")
    }

    @Test(
        arguments: [
            (["--settle", "1m"], "say what with --expect"),
            (["--maintenance", "@daily@1h"], "say what with --expect"),
            (["--expect", "delivered", "--settle", "2h"], "one hour at most"),
            (["--expect", "delivered", "--settle", "1500ms"], "whole seconds"),
            (["--expect", "delivered", "--maintenance", "@daily"], "--maintenance"),
            (["--expect", "delivered", "--maintenance", "0 3 * * *@999999999d"], "--maintenance"),
            (["--expect", "delivered", "--maintenance", "1 2 3@1h"], "--maintenance"),
            (
                ["--expect", "delivered", "--maintenance", "@daily@1h", "--time-zone", "X/Y"],
                "no time zone \"X/Y\""
            ),
        ])
    func badFlagsAreRefused(flags: [String], message: String) throws {
        let binary = try Binary()
        let refused = try create(binary, flags)
        #expect(refused.status != 0)
        #expect(refused.errors.contains(message), "\(refused.errors)")
    }

    @Test func theDefaultIsThirtySecondsForWhatIsExpectedOnly() throws {
        let binary = try Binary()
        #expect(try create(binary, ["--expect", "delivered"]).status == 0)
        func yaml() throws -> String {
            try binary.run(["schedule", "show", "web-db", "-o", "yaml"]).output
        }
        #expect(try yaml().contains("settleSeconds: 30"))
        #expect(try create(binary, []).status == 0)
        #expect(try !yaml().contains("settleSeconds"))
    }
}
