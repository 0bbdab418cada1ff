import Foundation
import Testing

/// The house rules that a reader of the sources relies on.
struct TidyTests {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../..").standardized

    struct Source: Sendable {
        var path: String
        var lines: [String]
    }

    static func sources() throws -> [Source] {
        let folder = root.appendingPathComponent("Sources")
        let files = try #require(
            FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil))
        return try files.compactMap { $0 as? URL }
            .filter { $0.pathExtension == "swift" && !$0.path.contains("/Generated/") }
            .map { file in
                Source(
                    path: String(file.path.dropFirst(root.path.count + 1)),
                    lines: try String(contentsOf: file, encoding: .utf8)
                        .components(separatedBy: "\n"))
            }
    }

    @Test func nothingThatCrashesOnInputIsInTheSources() throws {
        let words = ["try!", "fatalError(", "preconditionFailure(", " as! ", "TODO", "FIXME"]
        for source in try Self.sources() {
            for (index, line) in source.lines.enumerated() {
                for word in words {
                    #expect(!line.contains(word), "\(source.path):\(index + 1): \(word)")
                }
            }
        }
    }

    @Test func onlyTheClockReadsTheTime() throws {
        for source in try Self.sources() where !source.path.hasSuffix("Worker/Clock.swift") {
            for (index, line) in source.lines.enumerated() {
                let reads = line.contains("Date()") || line.contains("CLOCK_REALTIME")
                #expect(!reads, "\(source.path):\(index + 1)")
            }
        }
    }

    @Test func modulesKnowOnlyWhomTheyMay() throws {
        let allowed: [String: Set<String>] = [
            "Traceflow": [], "Scheduler": ["Traceflow"],
            "JobLog": ["CSQLite", "Glibc", "Dispatch", "Synchronization"],
            "TraceLog": ["JobLog", "Scheduler", "SwiftProtobuf", "Synchronization", "Traceflow"],
            "History": ["CSQLite", "Glibc", "JobLog", "Scheduler", "TraceLog", "Traceflow"],
            "API": [
                "Cluster", "Crypto", "Dispatch", "Foundation", "Glibc", "History", "HTTPTypes",
                "Hummingbird", "HummingbirdCore", "HummingbirdTLS", "JobLog", "Kubernetes",
                "Logging", "NIOCore", "NIOHTTP1", "NIOHTTPTypes", "NIOHTTPTypesHTTP1", "NIOPosix",
                "NIOSSL",
                "Scheduler",
                "Synchronization", "TraceLog", "Traceflow", "Worker",
            ],
            "Cluster": [
                "Crypto", "CYaml", "Foundation", "Packets", "Synchronization", "Traceflow", "Yams",
            ],
            "RemoteArchive": ["CCurl", "Crypto", "Foundation", "Glibc", "Synchronization"],
            "PacketSocket": [
                "CPacketSocket", "Foundation", "Glibc", "Packets", "Synchronization", "Traceflow",
            ],
            "Packets": ["CLZ4", "CZlib", "Traceflow"],
            "Captures": ["CLZ4", "Glibc", "Packets", "Traceflow"],
        ]
        for source in try Self.sources() {
            let module = String(source.path.split(separator: "/")[1])
            guard let may = allowed[module] else { continue }
            for line in source.lines where line.hasPrefix("import ") {
                let name = String(line.dropFirst("import ".count))
                #expect(may.contains(name), "\(source.path) imports \(name)")
            }
        }
    }

    @Test func filesAndLinesStayShort() throws {
        for source in try Self.sources() {
            #expect(source.lines.count <= 300, "\(source.path): \(source.lines.count) lines")
            for (index, line) in source.lines.enumerated() {
                #expect(line.count <= 100, "\(source.path):\(index + 1): \(line.count) columns")
            }
            let mayPrint = source.path.hasPrefix("Sources/tracectl/")
            #expect(mayPrint || !source.lines.contains { $0.contains(" print(") }, "\(source.path)")
        }
    }
}
