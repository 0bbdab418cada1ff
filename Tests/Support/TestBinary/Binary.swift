import Foundation

/// The built binary, used as a user would.
package final class Binary: Sendable {
    package struct Result {
        package var status: Int32
        package var output: String
        package var errors: String
        package var errorLines: Int { errors.split(separator: "\n").count }

        package init(status: Int32, output: String, errors: String) {
            self.status = status
            self.output = output
            self.errors = errors
        }
    }

    package let folder: String

    package init() throws {
        folder = NSTemporaryDirectory() + "tracectl-cli-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    package var log: String { folder + "/log" }

    package static let path: String = {
        // Test bundle and binary are built side by side.
        let folder = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        return folder.appendingPathComponent("tracectl").path
    }()

    package static let scenarios = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../../Sources/tracectl/Scenarios").standardized.path

    package func process(_ arguments: [String], environment: [String: String] = [:]) -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Self.path)
        process.arguments = arguments
        var all = ["HOME": folder, "TRACECTL_LOG": log, "PATH": "/usr/bin:/bin", "TMPDIR": folder]
        all.merge(environment) { $1 }
        process.environment = all
        process.standardInput = FileHandle.nullDevice
        return process
    }

    @discardableResult
    package func run(_ arguments: [String], environment: [String: String] = [:]) throws -> Result {
        let process = process(arguments, environment: environment)
        // Files and not pipes: neither side ever waits for the other.
        let id = UUID().uuidString
        let (out, err) = (folder + "/out-" + id, folder + "/err-" + id)
        for file in [out, err] { try Data().write(to: URL(fileURLWithPath: file)) }
        process.standardOutput = FileHandle(forWritingAtPath: out)
        process.standardError = FileHandle(forWritingAtPath: err)
        try process.run()
        process.waitUntilExit()
        func text(_ file: String) -> String {
            String(decoding: FileManager.default.contents(atPath: file) ?? Data(), as: UTF8.self)
        }
        return Result(status: process.terminationStatus, output: text(out), errors: text(err))
    }

    @discardableResult
    package func write(_ text: String, to name: String) throws -> String {
        let file = folder + "/" + name
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        return file
    }

    /// A Traceflow of the given spec, in one line of YAML.
    package func traceflow(_ spec: String, name: String = "t", version: String = "v1beta1") throws
        -> String
    {
        try write(
            """
            apiVersion: crd.antrea.io/\(version)
            kind: Traceflow
            metadata: {name: \(name)}
            spec: \(spec)
            """, to: name + ".yaml")
    }

    package var cluster: String { Self.scenarios + "/cluster.yaml" }
}
