import Foundation
import Testing

/// Debian's tshark, capinfos and lz4, as `scripts/setup tests` installs them.
enum Wireshark {
    /// What the program writes of the bytes it is given on standard input.
    static func output(_ program: String, _ arguments: [String], input: Data) throws -> Data {
        let folder = NSTemporaryDirectory() + "wireshark-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try input.write(to: URL(fileURLWithPath: folder + "/in"))
        for name in ["out", "err"] {
            try Data().write(to: URL(fileURLWithPath: folder + "/" + name))
        }
        let process = Process()
        let path = "/usr/bin/" + program
        try #require(
            FileManager.default.isExecutableFile(atPath: path),
            "\(program) is missing: run `scripts/setup tests`")
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.environment = ["HOME": folder, "PATH": "/usr/bin:/bin"]
        process.standardInput = FileHandle(forReadingAtPath: folder + "/in")
        process.standardOutput = FileHandle(forWritingAtPath: folder + "/out")
        process.standardError = FileHandle(forWritingAtPath: folder + "/err")
        try process.run()
        process.waitUntilExit()
        let errors = FileManager.default.contents(atPath: folder + "/err") ?? Data()
        #expect(process.terminationStatus == 0, "\(String(decoding: errors, as: UTF8.self))")
        return FileManager.default.contents(atPath: folder + "/out") ?? Data()
    }

    /// The fields of each packet, joined by blanks.
    static func fields(_ names: [String], of pcapng: Data) throws -> [String] {
        let output = try output(
            "tshark",
            ["-r", "-", "-T", "fields", "-E", "separator=/s"] + names.flatMap { ["-e", $0] },
            input: pcapng)
        return String(decoding: output, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    static func expanded(_ lz4: Data) throws -> Data {
        try output("lz4", ["-dc"], input: lz4)
    }
}
