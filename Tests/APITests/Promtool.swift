import Foundation
import Testing

/// Debian's promtool, as `scripts/setup tests` fetches it.
enum Promtool {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../..").standardized

    struct Result {
        var status: Int32
        var text: String
    }

    /// Runs it in the repository's folder; a machine without it fails the test.
    static func run(_ arguments: [String], input: String = "") throws -> Result {
        let candidates = [
            root.path + "/.build/tools/promtool", "/usr/bin/promtool", "/usr/local/bin/promtool",
        ]
        let path = try #require(
            candidates.first { FileManager.default.isExecutableFile(atPath: $0) },
            "promtool is missing: run `scripts/setup tests`")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.currentDirectoryURL = root
        // Files and not pipes: neither side ever waits for the other.
        let base = NSTemporaryDirectory() + "promtool-\(UUID().uuidString)"
        let (asked, said) = (base + "-in", base + "-out")
        try Data(input.utf8).write(to: URL(fileURLWithPath: asked))
        try Data().write(to: URL(fileURLWithPath: said))
        defer {
            for file in [asked, said] { try? FileManager.default.removeItem(atPath: file) }
        }
        process.standardInput = FileHandle(forReadingAtPath: asked)
        let output = FileHandle(forWritingAtPath: said)
        process.standardOutput = output
        process.standardError = output
        try process.run()
        process.waitUntilExit()
        let text = try String(contentsOfFile: said, encoding: .utf8)
        return Result(status: process.terminationStatus, text: text)
    }

    static func file(_ path: String) throws -> String {
        try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    }
}
