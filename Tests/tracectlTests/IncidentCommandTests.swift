import Foundation
import TestBinary
import Testing

/// At three in the morning: what turned, which edit was it, and what were the paths.
struct IncidentCommandTests {
    static let lock = """
        apiVersion: crd.antrea.io/v1beta1
        kind: ClusterNetworkPolicy
        metadata: {name: lock, resourceVersion: "7", managedFields: [{manager: somebody}]}
        spec: {priority: 1, appliedTo: [{podSelector: {}}], ingress: [{action: Drop, name: all}]}
        """

    /// A probe that ran by hand: three times, then after an edit three times more.
    private func turned() throws -> Binary {
        let binary = try Binary()
        let made = try binary.run([
            "schedule", "create", "web-db", "--every", "24h", "-S", "pod1", "-D", "pod3", "--flow",
            "tcp,tcp_dst=80", "--expect", "delivered", "--failure-threshold", "2", "--settle", "0s",
            "--suspend", "--cluster", binary.cluster,
        ])
        #expect(made.status == 0, "\(made.errors)")
        func probe(_ count: Int) throws {
            for _ in 0..<count {
                #expect(try binary.run(["schedule", "run-now", "web-db"]).status == 0)
                #expect(try binary.run(["worker", "--once"]).status == 0)
            }
        }
        try probe(3)
        #expect(
            try binary.run(["apply", "-f", try binary.write(Self.lock, to: "lock.yaml")]).status
                == 0)
        try probe(3)
        return binary
    }

    @Test func theFlipTheEditAndBothPathsAreOnOneScreen() throws {
        let binary = try turned()
        let incident = try binary.run(["incident", "web-db"])
        #expect(incident.status == 0, "\(incident.errors)")
        for word in [
            "web-db: Delivered until ", "Dropped since ", "the probe is broken now; broken since",
            "ClusterNetworkPolicy lock appeared", "+   - action: Drop", "Output: ✓ Delivered",
            "AntreaClusterNetworkPolicy:lock", "rule all",
        ] {
            #expect(incident.output.contains(word), "\(word) in \(incident.output)")
        }
        // What the API server writes by itself is no edit.
        #expect(!incident.output.contains("managedFields"))
        #expect(
            try binary.run(["incident", "web-db", "-o", "markdown"]).output.contains("```diff"))
        let json = try binary.run(["incident", "web-db", "--around", "-1h", "-o", "json"])
        let object = try JSONSerialization.jsonObject(with: Data(json.output.utf8))
        let changes = (object as? [String: Any])?["changes"] as? [[String: Any]]
        #expect(changes?.compactMap { $0["name"] as? String } == ["lock"])
    }

    @Test func changesUptimeAndListSayTheSame() throws {
        let binary = try turned()
        func history(_ more: [String]) throws -> String {
            try binary.run(["history"] + more + ["--schedule", "web-db"]).output
        }
        let changes = try history(["changes", "-o", "csv"]).split(separator: "\n")
        #expect(changes.count == 2)
        #expect(
            changes[1].contains(
                ",verdict,Delivered,Dropped,1,ClusterNetworkPolicy lock appeared,broken,"))
        #expect(try history(["uptime", "-o", "csv"]).contains(",6,3,50.00,0"))
        let outages = try history(["uptime", "--outages", "-o", "jsonl"])
        #expect(outages.contains("\"end\":null,\"verdict\":\"Dropped\",\"runs\":3"))
        #expect(try history([]).split(separator: "\n").count == 7)
        #expect(
            try history(["--verdict", "dropped", "--limit", "2"]).split(separator: "\n").count == 3)
        #expect(try history(["--until", "-1h", "-o", "csv"]).split(separator: "\n").count == 1)
    }

    @Test func whatIsHealedHasAnEnd() throws {
        let binary = try turned()
        #expect(
            try binary.run([
                "sweep", "run", "--cluster", binary.cluster, "--ports", "tcp/80", "-q",
            ]).status == 0)
        #expect(try binary.run(["schedule", "run-now", "web-db"]).status == 0)
        #expect(try binary.run(["worker", "--once"]).status == 0)
        let incident = try binary.run(["incident", "web-db"]).output
        #expect(incident.contains("Dropped until ") && incident.contains("Delivered since "))
        #expect(incident.contains("ClusterNetworkPolicy lock vanished"))
        #expect(incident.contains("the probe is healthy now"))
        let outages = try binary.run([
            "history", "uptime", "--outages", "--schedule", "web-db", "-o", "jsonl",
        ]).output
        #expect(!outages.contains("null"))
    }

    @Test func somebodyIsToldOnceThatAProbeBroke() throws {
        let binary = try turned()
        let told = binary.folder + "/told"
        let worker = ["worker", "--once", "--notify-command", "cat >> \(told); echo >> \(told)"]
        for _ in 0..<3 { #expect(try binary.run(worker).status == 0) }
        let lines = try String(contentsOfFile: told, encoding: .utf8).split(separator: "\n")
        #expect(lines.count == 1)
        #expect(lines.first?.contains("\"status\":\"broken\"") == true)
        #expect(
            try binary.run(["schedule", "show", "web-db"]).output.contains("somebody was told"))
        #expect(try binary.run(["log", "verify"]).status == 0)
    }

    @Test func aDeletedSchedulesHistoryStays() throws {
        let binary = try turned()
        #expect(try binary.run(["schedule", "delete", "web-db"]).status == 0)
        let incident = try binary.run(["incident", "web-db"])
        #expect(incident.status == 0)
        #expect(incident.output.contains("the schedule was deleted since"))
        #expect(
            try binary.run(["history", "--schedule", "web-db", "-o", "csv"]).output
                .split(separator: "\n").count == 7)
    }

    @Test func aProbeThatNeverTurnedOrNeverRanSaysSo() throws {
        let binary = try Binary()
        #expect(try binary.run(["incident", "x"]).status == 3)
        let made = try binary.run([
            "schedule", "create", "p", "--every", "24h", "-S", "pod1", "-D", "pod3", "--suspend",
            "--cluster", binary.cluster,
        ])
        #expect(made.status == 0)
        #expect(try binary.run(["incident", "x"]).errors.contains("not found"))
        let never = try binary.run(["incident", "p"])
        #expect(never.status == 1)
        #expect(never.errors == "error: schedule \"p\" has finished no trace yet\n")
        #expect(try binary.run(["schedule", "run-now", "p"]).status == 0)
        #expect(try binary.run(["worker", "--once"]).status == 0)
        let calm = try binary.run(["incident", "p"])
        #expect(calm.status == 1)
        #expect(calm.errors.contains("p never turned: 1 runs since"))
        #expect(
            try binary.run(["history", "uptime", "--schedule", "p"]).errors.contains("--expect"))
        #expect(try binary.run(["history"]).output.contains("schedule/p/"))
    }
}
