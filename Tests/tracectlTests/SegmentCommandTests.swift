import Foundation
import TestBinary
import Testing

/// `tracectl log archive`, `restore` and `drop`, used as an operator would.
struct SegmentCommandTests {
    let binary: Binary

    init() throws {
        binary = try Binary()
        let traces = (1...60).map { number in
            """
            apiVersion: crd.antrea.io/v1beta1
            kind: Traceflow
            metadata: {name: t\(number)}
            spec: {\(RefusalTests.pods)}
            """
        }
        let file = binary.folder + "/many.yaml"
        try traces.joined(separator: "\n---\n").write(
            toFile: file, atomically: true, encoding: .utf8)
        try binary.run(["apply", "--cluster", binary.cluster, "-f", file])
        try binary.run(["worker", "--once", "--in-flight", "5", "--segment-size", "64KiB"])
        try binary.run(["worker", "--once", "--segment-size", "64KiB"])
    }

    private func states() throws -> [String] {
        try binary.run(["log", "info"]).output.split(separator: "\n").filter {
            $0.hasPrefix("Segment:")
        }.map { String($0.split(separator: ",")[2]).trimmingCharacters(in: .whitespaces) }
    }

    @Test func aSealedSegmentIsArchivedRestoredAndDropped() throws {
        #expect(try states() == ["sealed", "open"])
        let archived = try binary.run(["log", "archive", "--all"])
        #expect(archived.status == 0)
        #expect(archived.output.hasPrefix("segment 1 archived: "))
        #expect(try states() == ["archived", "open"])
        #expect(try binary.run(["log", "verify"]).output.hasPrefix("ok: "))
        let gone = try binary.run(["get", "t1"])
        #expect(gone.status == 1)
        #expect(gone.errorLines == 1 && gone.errors.contains("tracectl log restore 1"))
        let restored = try binary.run(["log", "restore", "000001.db.lz4"])
        #expect(restored.output == "segment 1 restored\n")
        #expect(try binary.run(["get", "t1"]).status == 0)
        #expect(try binary.run(["log", "drop", "1"]).status == 0)
        #expect(try states() == ["dropped", "open"])
        #expect(try binary.run(["log", "verify"]).status == 0)
        #expect(try binary.run(["get", "t1"]).status == 1)
    }

    @Test func whatIsMissingOrBrokenIsNamed() throws {
        try binary.run(["log", "archive", "1"])
        let file = binary.log + "/000001.db.lz4"
        var bytes = try Data(contentsOf: URL(fileURLWithPath: file))
        bytes[bytes.count / 2] ^= 1
        try bytes.write(to: URL(fileURLWithPath: file))
        for command in [["log", "verify"], ["log", "restore", "1"]] {
            let result = try binary.run(command)
            #expect(result.status == 3)
            #expect(result.errorLines == 1 && result.errors.contains("not what was archived"))
        }
        try FileManager.default.removeItem(atPath: file)
        let missing = try binary.run(["log", "verify"])
        #expect(missing.status == 3)
        #expect(missing.errors.contains("000001.db: the file is missing"))
    }

    static let refused: [(command: String, status: Int32)] = [
        ("log archive", 2), ("log archive 1 --all", 2), ("log archive one", 2),
        ("log archive 0", 2), ("log drop", 2), ("log archive 99", 1), ("log restore 1", 1),
        ("log drop 2", 1), ("worker --segment-size 1KiB", 2), ("worker --segment-size big", 2),
        ("worker --segment-age 0s", 2),
    ]

    @Test(arguments: refused)
    func whatCannotBeDoneIsRefused(command: String, status: Int32) throws {
        let result = try binary.run(command.split(separator: " ").map(String.init))
        #expect(result.status == status, "\(result.errors)")
        #expect(result.output.isEmpty)
        #expect(try states() == ["sealed", "open"])
    }
}
