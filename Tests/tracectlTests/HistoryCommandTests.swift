import Foundation
import TestBinary
import Testing

/// Questions about the past, as people ask them.
struct HistoryCommandTests {
    static let lock = IncidentCommandTests.lock

    /// A sweep over the demo's Pods, an edit, and the same sweep again.
    private func sweptTwice() throws -> Binary {
        let binary = try Binary()
        func sweep(_ name: String, _ more: [String]) throws {
            let run = try binary.run(
                ["sweep", "run", "--name", name, "--ports", "tcp/80", "-q"] + more)
            #expect(run.status == 0, "\(run.errors)")
        }
        try sweep("before", ["--cluster", binary.cluster])
        let applied = try binary.run([
            "apply", "-f", try binary.write(Self.lock, to: "lock.yaml"),
        ])
        #expect(applied.status == 0)
        try sweep("after", [])
        return binary
    }

    private func lines(_ binary: Binary, _ arguments: [String]) throws -> [Substring] {
        let ran = try binary.run(["history"] + arguments + ["-o", "csv"])
        #expect(ran.status == 0, "\(ran.errors)")
        return ran.output.split(separator: "\n").dropFirst().map { $0 }
    }

    @Test func tracesAreFoundByEveryConditionTogetherAndAlone() throws {
        let binary = try sweptTwice()
        let all = try lines(binary, ["--limit", "10000"])
        #expect(all.count % 2 == 0 && all.count > 10)
        let dropped = try lines(binary, ["--verdict", "dropped", "--limit", "10000"])
        #expect(dropped.count > 0)
        #expect(dropped.allSatisfy { $0.contains(",Dropped,") })
        let before = try lines(
            binary, ["--sweep", "before", "-S", "pod1", "-D", "default/pod3"])
        #expect(before.count == 1 && before[0].contains(",Delivered,"))
        let after = try lines(
            binary, ["-S", "pod1", "-D", "pod3", "--policy", "lock", "--rule", "all"])
        #expect(after.count == 1 && after[0].contains("AntreaClusterNetworkPolicy:lock"))
        #expect(try lines(binary, ["--policy", "nobody"]).isEmpty)
        #expect(try lines(binary, ["-n", "nowhere"]).isEmpty)
        #expect(try lines(binary, ["--until", "-1h"]).isEmpty)
        #expect(try lines(binary, ["--at", "-1h"]).isEmpty)
    }

    @Test func pagesFollowEachOther() throws {
        let binary = try sweptTwice()
        let all = try lines(binary, ["--limit", "60"])
        var (pages, cursor): ([Substring], String?) = ([], nil)
        repeat {
            let more = cursor.map { ["--continue", $0] } ?? []
            let ran = try binary.run(["history", "--limit", "20", "-o", "csv"] + more)
            pages += ran.output.split(separator: "\n").dropFirst()
            cursor = ran.errors.split(separator: "\n").first { $0.hasPrefix("more: --continue ") }
                .map { String($0.dropFirst("more: --continue ".count)) }
        } while cursor != nil && pages.count < 60
        #expect(pages == all)
    }

    @Test func changesNameTheEditBetweenWithItsDiff() throws {
        let binary = try sweptTwice()
        let asked = ["history", "changes", "-S", "pod1", "-D", "pod3"]
        let table = try binary.run(asked)
        #expect(table.output.contains("ClusterNetworkPolicy lock appeared"))
        let json = try binary.run(asked + ["-o", "json"])
        let flips = try JSONSerialization.jsonObject(with: Data(json.output.utf8))
        let flip = (flips as? [[String: Any]])?.first
        #expect(flip?["before"] as? String == "Delivered")
        #expect(flip?["after"] as? String == "Dropped")
        let changes = flip?["changes"] as? [[String: Any]]
        #expect(changes?.first?["name"] as? String == "lock")
        #expect((changes?.first?["diff"] as? [String])?.contains { $0.contains("Drop") } == true)
    }

    @Test func aFileThatIsGoneOrBrokenIsFoldedAnew() throws {
        let binary = try sweptTwice()
        let told = try binary.run(["history", "--limit", "10000", "-o", "jsonl"]).output
        let file = binary.log + "/history.db"
        #expect(FileManager.default.fileExists(atPath: file))
        let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions]
        #expect((mode as? NSNumber)?.intValue == 0o600)
        try Data("this is no database, and never was one".utf8).write(
            to: URL(fileURLWithPath: file))
        #expect(try binary.run(["history", "--limit", "10000", "-o", "jsonl"]).output == told)
        let rebuilt = try binary.run(["log", "rebuild"])
        #expect(rebuilt.status == 0 && rebuilt.output.hasPrefix("history of "))
        #expect(try binary.run(["history", "--limit", "10000", "-o", "jsonl"]).output == told)
    }

    @Test func severalLogsAreAskedTogether() throws {
        let (first, second) = (try sweptTwice(), try sweptTwice())
        let logs = ["--log", first.log, "--log", second.log]
        let both = try first.run(["history", "--limit", "10000", "-o", "csv"] + logs)
        let (one, other) = (
            try lines(first, ["--limit", "10000"]), try lines(second, ["--limit", "10000"])
        )
        #expect(both.output.split(separator: "\n").count == 1 + one.count + other.count)
        // Both folders have the same name: then the whole path tells them apart.
        for log in [first.log, second.log] { #expect(both.output.contains(log + ",")) }
        let page = try first.run(["history", "--limit", "10"] + logs)
        #expect(page.errors.contains("more: --continue "))
        #expect(
            try first.run(["history", "--continue", "17"] + logs).errors.contains("of 1 logs"))
    }

    @Test func explainAndMatrixAnswerForTheClusterOfThen() throws {
        let binary = try sweptTwice()
        let swept = try binary.run(["history", "--sweep", "before", "-o", "jsonl", "--limit", "1"])
        let record = try JSONSerialization.jsonObject(with: Data(swept.output.utf8))
        let then = try #require((record as? [String: Any])?["ended"] as? String)
        let asked = ["explain", "default/pod1", "default/pod3", "tcp/80"]
        #expect(try binary.run(asked).output.contains("lock"))
        let past = try binary.run(asked + ["--at", then])
        #expect(past.status == 0 && !past.output.contains("lock"), "\(past.errors)")
        let matrix = ["matrix", "--ports", "tcp/80", "-o", "csv"]
        let (now, before) = (
            try binary.run(matrix).output, try binary.run(matrix + ["--at", then]).output
        )
        #expect(now != before && before.contains(",Delivered") && !now.contains(",Delivered"))
        #expect(try binary.run(asked + ["--at", "-24h"]).status == 1)
        #expect(
            try binary.run(asked + ["--at", then, "--cluster", binary.cluster]).status == 2)
    }

    @Test func aPolicyOnSegmentsIsCheckedBeforeAnythingBegins() throws {
        let binary = try Binary()
        for wrong in [
            ["--archive-to", "x"], ["--archive-after", "2d", "--drop-after", "1d"],
            ["--archive-after", "soon"],
        ] {
            #expect(try binary.run(["worker", "--once"] + wrong).status == 2)
        }
        #expect(!FileManager.default.fileExists(atPath: binary.log))
    }

    @Test func anEmptyPastSaysSo() throws {
        let binary = try Binary()
        let none = try binary.run(["history"])
        #expect(none.status == 3 && none.errors.contains("there is no log here"))
        #expect(try binary.run(["history", "--outages"]).status == 2)
        #expect(try binary.run(["history", "--limit", "0"]).status == 2)
        #expect(try binary.run(["history", "-l", "x"]).status == 2)
        #expect(try binary.run(["history", "uptime", "--continue", "4"]).status == 2)
    }
}
