import Foundation
import TestBinary
import Testing

/// `tracectl serve` as a process of its own, and clients of it.
final class ServedAPI {
    let binary: Binary
    let process: Process
    let client: LoopbackClient
    let url: String
    let kubeconfig: String

    static let traceflows = "/apis/crd.antrea.io/v1beta1/traceflows"

    /// Waits until it says where it serves.
    init(_ binary: Binary, _ more: [String] = []) throws {
        self.binary = binary
        kubeconfig = binary.folder + "/kubeconfig"
        process = binary.process(
            [
                "serve", "--listen", "127.0.0.1:0", "--kubeconfig-out", kubeconfig, "--cluster",
                binary.cluster, "--traffic", Binary.scenarios + "/traffic.pcap",
            ] + more)
        let pipe = Pipe()
        process.standardError = pipe
        try process.run()
        var text = ""
        while !text.contains(/serving at .*\n/) {
            let data = pipe.fileHandleForReading.availableData
            if data.isEmpty { break }
            text += String(decoding: data, as: UTF8.self)
        }
        let match = text.firstMatch(of: /serving at (https?:\/\/127\.0\.0\.1:(\d+))\n/)
        let found = try #require(match, "\(text)")
        url = String(found.output.1)
        client = LoopbackClient(port: try #require(UInt16(found.output.2)))
    }

    deinit {
        if process.isRunning { process.terminate() }
        process.waitUntilExit()
    }

    /// kubectl with the server's kubeconfig.
    func kubectl(_ arguments: [String], input: String? = nil) throws -> Binary.Result {
        let candidates = [
            Tools.root + "/.build/tools/kubectl", "/usr/local/bin/kubectl", "/usr/bin/kubectl",
        ]
        let program = try #require(
            candidates.first { FileManager.default.isExecutableFile(atPath: $0) },
            "kubectl is missing")
        return try Tools.run(
            program, arguments, in: binary.folder, ["KUBECONFIG": kubeconfig], input: input)
    }

    func ask(
        _ method: String, _ path: String, _ body: String = "", token: String? = nil,
        type: String = "application/json"
    ) throws -> LoopbackClient.Answer {
        var headers = ["Content-Type": type]
        if let token { headers["Authorization"] = "Bearer \(token)" }
        return try #require(client.ask(method, path, body: body, headers: headers))
    }

    /// What the answer says as an object.
    static func object(_ answer: LoopbackClient.Answer) throws -> [String: Any] {
        try #require(
            try JSONSerialization.jsonObject(with: Data(answer.body.utf8)) as? [String: Any])
    }

    static func traceflow(_ name: String, _ more: String = "") -> String {
        """
        {"apiVersion": "crd.antrea.io/v1beta1", "kind": "Traceflow", "metadata": {"name": "\(name)"},
        "spec": {"source": {"namespace": "default", "pod": "pod1"},
        "destination": {"namespace": "default", "pod": "pod2"}\(more)}}
        """
    }
}

/// Programs of others that tests run.
enum Tools {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../..").standardized.path

    static func run(
        _ program: String, _ arguments: [String], in folder: String,
        _ environment: [String: String] = [:], input: String? = nil
    ) throws -> Binary.Result {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.environment = [
            "HOME": folder, "PATH": "/usr/local/bin:/usr/bin:/bin", "TMPDIR": folder,
        ].merging(environment) { $1 }
        // Files and not pipes: neither side ever waits for the other.
        let base = folder + "/tool-" + UUID().uuidString
        for end in ["-in", "-out", "-err"] {
            try Data((end == "-in" ? input ?? "" : "").utf8)
                .write(to: URL(fileURLWithPath: base + end))
        }
        process.standardInput = FileHandle(forReadingAtPath: base + "-in")
        process.standardOutput = FileHandle(forWritingAtPath: base + "-out")
        process.standardError = FileHandle(forWritingAtPath: base + "-err")
        try process.run()
        process.waitUntilExit()
        func text(_ end: String) -> String {
            String(
                decoding: FileManager.default.contents(atPath: base + end) ?? Data(),
                as: UTF8.self)
        }
        return Binary.Result(
            status: process.terminationStatus, output: text("-out"), errors: text("-err"))
    }
}
