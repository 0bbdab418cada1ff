import Foundation
import TestBinary
import Testing

@testable import RemoteArchive

/// PacketCaptures that name a file server, on a real one.
struct FileServerTests {
    let binary: Binary
    let server: SSHServer

    init() throws {
        binary = try Binary()
        server = try SSHServer()
    }

    private var environment: [String: String] {
        ["TRACECTL_SFTP_USER": server.user, "TRACECTL_SFTP_IDENTITY": server.userKey]
    }

    private func manifest(_ name: String, key: String?, more: String = "") throws -> String {
        let url = "sftp://127.0.0.1:\(server.port)\(server.folder)/up"
        return try binary.write(
            """
            apiVersion: crd.antrea.io/v1alpha1
            kind: PacketCapture
            metadata: {name: \(name)}
            spec:
              source: {pod: {name: pod1}}
              captureConfig: {firstN: {number: 2}}\(more)
              fileServer: {url: "\(url)"\(key.map { ", hostPublicKey: \"\($0)\"" } ?? "")}
            """, to: name + ".yaml")
    }

    private func run(_ file: String) throws -> Binary.Result {
        try binary.run(
            [
                "run", "-f", file, "-o", "yaml", "--cluster", binary.cluster, "--traffic",
                Binary.scenarios + "/traffic.pcap",
            ], environment: environment)
    }

    private func sent(_ name: String) -> Bool {
        FileManager.default.fileExists(atPath: server.folder + "/up/" + name)
    }

    @Test func thePacketsAreSentAndTheConditionSaysSo() throws {
        for (name, key) in [("pinned", server.hostKey.base64), ("any", nil)] {
            let ran = try run(manifest(name, key: key))
            #expect(ran.status == 0, "\(ran.errors)")
            #expect(ran.output.contains("type: PacketCaptureFileUploaded"), "\(ran.output)")
            #expect(ran.output.contains("reason: Succeed"))
            #expect(ran.output.contains("/up/\(name).pcapng"), "\(ran.output)")
            #expect(sent(name + ".pcapng"))
        }
        let wide = try binary.run(["get", "pcap", "any", "-o", "wide", "--no-headers"])
        #expect(wide.output.hasSuffix("True\n"), "\(wide.output)")
        #expect(try binary.run(["log", "verify"]).status == 0)
    }

    @Test func anotherKeyOrNoneAtAllIsAFailedUploadAndTheCaptureStays() throws {
        let other = try manifest("other", key: try SSHServer.stranger.base64)
        let ran = try run(other)
        #expect(ran.status == 0)
        #expect(ran.output.contains("host key mismatch"), "\(ran.output)")
        #expect(ran.output.contains("captures/000001.pcapng.lz4"))
        let garbage = try run(manifest("garbage", key: "AAAA"))
        #expect(garbage.output.contains("invalid host public key"), "\(garbage.output)")
        #expect(!sent("other.pcapng") && !sent("garbage.pcapng"))
        #expect(try binary.run(["capture", "verify"]).output == "ok: 2 captures, 4 packets\n")
    }

    /// What ran out of time with a packet is sent all the same; what has none is not.
    @Test func theFewPacketsOfATimeoutAreSent() throws {
        let few = try manifest(
            "few", key: nil, more: "\n  timeout: 1\n  destination: {ip: 172.16.5.12}")
        let text = try String(contentsOfFile: few, encoding: .utf8)
            .replacing("number: 2", with: "number: 500")
        try text.write(toFile: few, atomically: true, encoding: .utf8)
        let ran = try run(few)
        #expect(ran.status == 1)
        #expect(ran.output.contains("reason: Timeout"), "\(ran.output)")
        #expect(sent("few.pcapng"))
        let none = try manifest(
            "none", key: nil, more: "\n  timeout: 1\n  destination: {ip: 203.0.113.9}")
        #expect(try !run(none).output.contains("PacketCaptureFileUploaded"))
        #expect(!sent("none.pcapng"))
    }

    @Test func aWorkerSendsThemByItself() throws {
        let file = try manifest("later", key: server.hostKey.base64)
        try binary.run([
            "apply", "-f", file, "--cluster", binary.cluster, "--traffic",
            Binary.scenarios + "/traffic.pcap",
        ])
        let worker = binary.process(["worker"], environment: environment)
        let told = Pipe()
        worker.standardError = told
        try worker.run()
        var text = ""
        while !text.contains("sent the packets to") {
            let more = told.fileHandleForReading.availableData
            if more.isEmpty { break }
            text += String(decoding: more, as: UTF8.self)
        }
        worker.interrupt()
        worker.waitUntilExit()
        #expect(sent("later.pcapng"), "\(text)")
        let once = try manifest("once", key: nil)
        try binary.run([
            "apply", "-f", once, "--cluster", binary.cluster, "--traffic",
            Binary.scenarios + "/traffic.pcap",
        ])
        try binary.run(["worker", "--once"], environment: environment)
        #expect(sent("once.pcapng"))
        let yaml = try binary.run(["get", "pcap", "later", "-o", "yaml"]).output
        #expect(yaml.contains("type: PacketCaptureFileUploaded"))
    }
}

extension SSHServer {
    /// A key that no server has.
    static var stranger: SSHPublicKey {
        get throws {
            let wire: [UInt8] =
                [0, 0, 0, 11] + Array("ssh-ed25519".utf8) + [0, 0, 0, 32]
                + [UInt8](repeating: 7, count: 32)
            return try #require(SSHPublicKey(wire: wire))
        }
    }
}
