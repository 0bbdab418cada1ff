import Foundation
import Testing

/// A small `make torture`: a few dozen kills, on real processes and files.
struct SmallTortureTests {
    @Test func nothingIsLostOrDoubled() throws {
        // Test bundle and program are built side by side.
        let built = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        let output = NSTemporaryDirectory() + "torture-\(UUID().uuidString)"
        try Data().write(to: URL(fileURLWithPath: output))
        defer { try? FileManager.default.removeItem(atPath: output) }
        let torture = Process()
        torture.executableURL = built.appendingPathComponent("torture")
        torture.arguments = ["--kills", "20", "--traces", "160", "--workers", "3"]
        torture.standardOutput = FileHandle(forWritingAtPath: output)
        torture.standardError = FileHandle.nullDevice
        torture.standardInput = FileHandle.nullDevice
        try torture.run()
        torture.waitUntilExit()
        let said = try String(contentsOfFile: output, encoding: .utf8)
        #expect(torture.terminationStatus == 0, "\(said)")
        #expect(said.hasSuffix("0 lost, 0 doubled, 0 tags held twice\n"), "\(said)")
        if said.contains("left out") {
            withKnownIssue("mounting a small file system needs root") {
                Issue.record("the phase of full disks was left out")
            }
        }
    }
}
