import Foundation

/// The built `simulate`, used as `make simulate` does.
struct Program {
    struct Result: Equatable {
        var status: Int32
        var output: String
    }

    static func simulate(
        _ seeds: ClosedRange<UInt64>, hours: Double, _ environment: [String: String] = [:]
    ) throws -> Result {
        // Test bundle and program are built side by side.
        let built = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        let output = NSTemporaryDirectory() + "simulate-\(UUID().uuidString)"
        try Data().write(to: URL(fileURLWithPath: output))
        defer { try? FileManager.default.removeItem(atPath: output) }
        let process = Process()
        process.executableURL = built.appendingPathComponent("simulate")
        process.arguments = [
            String(seeds.lowerBound), String(seeds.upperBound), String(hours),
        ]
        process.environment = environment
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle(forWritingAtPath: output)
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return Result(
            status: process.terminationStatus,
            output: try String(contentsOfFile: output, encoding: .utf8))
    }
}
