import Foundation
import TestBinary
import Testing

/// Captures that are given up.
struct CapturePruneCommandTests {
    let binary: Binary

    init() throws { binary = try Binary() }

    private func trace(_ name: String) throws {
        let file = try binary.traceflow(
            "{source: {namespace: default, pod: pod1}, destination: {namespace: default, pod: pod3}"
                + ", capture: {firstN: 1, point: Both}}", name: name)
        let ran = try binary.run(["run", "--cluster", binary.cluster, "-f", file])
        #expect(ran.status == 0, "\(ran.errors)")
    }

    private var files: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: binary.log + "/captures")) ?? [])
            .sorted()
    }

    @Test func whatWasPrunedSaysSoEverywhere() throws {
        for name in ["a", "b", "c"] { try trace(name) }
        let dry = try binary.run(["capture", "prune", "--max-count", "3", "--dry-run"])
        #expect(dry.output.hasPrefix("would prune 3 captures of 3 packets, and free 0 bytes"))
        #expect(try binary.run(["capture", "verify"]).output == "ok: 6 captures, 6 packets\n")

        let pruned = try binary.run(["capture", "prune", "--max-count", "3"])
        #expect(pruned.output == "pruned 3 captures of 3 packets, freed 0 bytes in 0 files\n")
        #expect(try binary.run(["capture", "verify"]).output == "ok: 3 captures, 3 packets\n")
        let listed = try binary.run(["capture", "list", "-o", "csv"]).output
        #expect(listed.split(separator: "\n").count == 4)

        let export = try binary.run(["capture", "show", "a"])
        #expect(export.status == 1)
        #expect(export.errors.contains("the captures were pruned ("), "\(export.errors)")
        #expect(export.errors.contains("more than 3 captures"))
        // One of its two is left.
        #expect(try binary.run(["capture", "show", "b"]).status == 0)
        let tree = try binary.run(["get", "b", "-o", "tree"]).output
        #expect(tree.components(separatedBy: "(pruned)").count == 2)
        #expect(try binary.run(["get", "a", "-o", "yaml"]).output.contains("pruned: true"))
        #expect(try !binary.run(["get", "c", "-o", "yaml"]).output.contains("pruned: true"))
        #expect(
            try binary.run(["capture", "prune", "--max-count", "3"]).output == "nothing to prune\n")
    }

    @Test func aFileGoesWithTheLastOfItsCaptures() throws {
        for name in ["a", "b"] { try trace(name) }
        #expect(files == ["000001.pcapng.lz4"])
        let pruned = try binary.run(["capture", "prune", "--max-size", "0"])
        #expect(pruned.output.contains("in 1 file"), "\(pruned.output)")
        #expect(files.isEmpty)
        #expect(try binary.run(["capture", "verify"]).output == "ok: 0 captures, 0 packets\n")
        #expect(try binary.run(["log", "verify"]).status == 0)
        // Its number is not given again; what was pruned stays so.
        try trace("later")
        #expect(files == ["000002.pcapng.lz4"])
        #expect(try binary.run(["capture", "verify"]).output == "ok: 2 captures, 2 packets\n")
        #expect(try binary.run(["capture", "show", "a"]).status == 1)
        #expect(try binary.run(["capture", "show", "later"]).status == 0)
    }

    /// As after a crash between the event and the removal: a file nobody needs is left behind.
    @Test func whatACrashLeftBehindGoesTheNextTime() throws {
        try trace("a")
        let file = binary.log + "/captures/000001.pcapng.lz4"
        let bytes = try #require(FileManager.default.contents(atPath: file))
        try binary.run(["capture", "prune", "--older-than", "0s"])
        try bytes.write(to: URL(fileURLWithPath: file))
        let again = try binary.run(["capture", "prune", "--older-than", "0s"])
        #expect(again.output == "freed \(bytes.count) bytes in 1 file\n")
        #expect(files.isEmpty)
        // What the log never spoke of is not ours to remove.
        try bytes.write(to: URL(fileURLWithPath: binary.log + "/captures/000007.pcapng.lz4"))
        #expect(
            try binary.run(["capture", "prune", "--older-than", "0s"]).output
                == "nothing to prune\n")
        #expect(files == ["000007.pcapng.lz4"])
    }

    @Test func aWorkerPrunesByItself() throws {
        for name in ["a", "b"] { try trace(name) }
        let process = binary.process(["worker", "--captures-max-count", "1"])
        let told = Pipe()
        process.standardError = told
        try process.run()
        var text = ""
        while !text.contains("pruned 3 captures with 3 packets: more than 1 captures") {
            let more = told.fileHandleForReading.availableData
            if more.isEmpty { break }
            text += String(decoding: more, as: UTF8.self)
        }
        process.interrupt()
        process.waitUntilExit()
        #expect(text.contains("pruned 3 captures"), "\(text)")
        #expect(try binary.run(["capture", "verify"]).output == "ok: 1 capture, 1 packet\n")
    }

    @Test(
        arguments: [
            (["prune"], "say which"), (["prune", "--max-count=-1"], "at least 0"),
            (["prune", "--max-size", "x"], "max-size"),
        ])
    func wrongUsageSaysWhatToDo(arguments: [String], error: String) throws {
        let ran = try binary.run(["capture"] + arguments)
        #expect(ran.status == 2)
        #expect(ran.errors.contains(error), "\(ran.errors)")
    }
}
