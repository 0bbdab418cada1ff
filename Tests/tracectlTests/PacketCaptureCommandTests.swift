import Foundation
import TestBinary
import Testing
import Traceflow

@testable import tracectl

/// PacketCaptures, in antctl's words and as manifests.
struct PacketCaptureCommandTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var arguments: [String]
        /// What the error says; nil where there is none.
        var error: String?
        var testDescription: String { arguments.joined(separator: " ") }
    }

    static let rows: [Row] = [
        Row(arguments: ["-S", "default/p", "-D", "default/q", "-f", "tcp,tcp_src=50060,tcp_dst=80"]
        ),
        Row(arguments: ["-S", "default/p"]), Row(arguments: ["-D", "default/q"]),
        Row(arguments: ["-S", "p", "-D", "10.0.0.1", "-f", "udp,udp_src=1234,udp_dst=1234"]),
        Row(arguments: ["-S", "p", "-D", "fd00::1", "-f", "icmpv6,icmpv6_type=128"]),
        Row(arguments: ["-S", "p", "-d", "Both", "-p", "Source"]),
        Row(arguments: ["-S", "p", "-t", "5m"]),
        Row(arguments: ["-S", "10.0.0.1", "-D", "10.0.0.2"], error: "must be a Pod"),
        Row(arguments: ["-S", "p", "-t", "500s"], error: "between 1s and 5m"),
        Row(arguments: ["-S", "p", "-n", "0"], error: "more than 0"),
        Row(arguments: [], error: "a source or a destination is needed"),
        Row(
            arguments: ["-S", "p", "-f", "tcp,tcp_dst=invalid"],
            error: "\"invalid\" is not a number"),
        Row(arguments: ["-S", "p", "-f", "tcp,tcp_dst=80=80"], error: "not of the form"),
        Row(
            arguments: ["-S", "p", "-f", "icmp,icmp_type=icmp-echoraply"],
            error: "icmp_type=icmp-echoraply"),
        Row(arguments: ["-S", "p", "-f", "icmp,icmp_code=3"], error: "needs icmp_type"),
        Row(arguments: ["-S", "p", "-d", "InvalidDirection"], error: "InvalidDirection"),
        Row(arguments: ["-S", "p", "-p", "Src"], error: "Src"),
        Row(arguments: ["-D", "q", "-p", "Source"], error: "needs a source Pod"),
        Row(arguments: ["-S", "p", "-p", "Destination"], error: "needs a destination Pod"),
        Row(arguments: ["-S", "p", "-f", "tcp,tcp_flags=syn"], error: "position 1 must be + or -"),
        Row(
            arguments: ["-S", "p", "-f", "tcp,tcp_flags=+syn#ack"],
            error: "position 5 must be + or -"),
        Row(arguments: ["-S", "p", "-f", "tcp,tcp_flags=-acck"], error: "unknown flag \"acck\""),
        Row(arguments: ["-S", "p", "-f", "tcp,tcp_flags=-"], error: "name is missing"),
    ]

    @Test(arguments: rows) func flagsAreTakenAsAntctlTakesThem(row: Row) throws {
        guard let error = row.error else {
            _ = try PacketCaptureCommand.parse(row.arguments)
            return
        }
        #expect {
            try PacketCaptureCommand.parse(row.arguments)
        } throws: {
            PacketCaptureCommand.fullMessage(for: $0).contains(error)
        }
    }

    @Test(
        arguments: [
            (
                "tcp,tcp_dst=0x50,tcp_flags=+syn-ack",
                PacketSelection(
                    ipFamily: .v4, protocol: .number(6),
                    transports: [.tcp(.init(dstPort: 80), flags: [.init(value: 2, mask: 18)])])
            ),
            (
                "tcp,tcp_flags=+fin+ack",
                PacketSelection(
                    ipFamily: .v4, protocol: .number(6),
                    transports: [.tcp(.init(), flags: [.init(value: 17, mask: 17)])])
            ),
            (
                "icmpv6,icmpv6_type=128,icmpv6_code=0",
                PacketSelection(
                    ipFamily: .v6, protocol: .number(58),
                    transports: [.icmpv6([.init(type: .number(128), code: 0)])])
            ),
            ("udp", PacketSelection(ipFamily: .v4, protocol: .number(17))),
            (
                "icmp,icmp_type=icmp-echo",
                PacketSelection(
                    ipFamily: .v4, protocol: .number(1),
                    transports: [.icmp([.init(type: .name("icmp-echo"))])])
            ),
            (
                "tcp,tcp_src=010",
                PacketSelection(
                    ipFamily: .v4, protocol: .number(6),
                    transports: [.tcp(.init(srcPort: 8), flags: [])])
            ),
        ] as [(String, PacketSelection)])
    func aFlowIsAMatch(text: String, match: PacketSelection) throws {
        #expect(try CaptureFlow.packet(text) == match)
    }

    // MARK: the binary

    private static let world = [
        "--cluster", Binary.scenarios + "/cluster.yaml", "--traffic",
        Binary.scenarios + "/traffic.pcap",
    ]

    private func manifest(_ binary: Binary, _ name: String, _ spec: String) throws -> String {
        try binary.write(
            """
            apiVersion: crd.antrea.io/v1alpha1
            kind: PacketCapture
            metadata: {name: \(name)}
            spec: \(spec)
            """, to: name + ".yaml")
    }

    private static let toPod3 =
        "source: {pod: {name: pod1}}, destination: {pod: {name: pod3}}, packet: {protocol: TCP, "
        + "transportHeader: {tcp: {dstPort: 80}}}"

    @Test func aManifestIsRunAndItsPacketsOpenInTshark() throws {
        let binary = try Binary()
        let file = try manifest(
            binary, "web", "{\(Self.toPod3), captureConfig: {firstN: {number: 3}}, direction: Both}"
        )
        let ran = try binary.run(["run", "-f", file, "-o", "json"] + Self.world)
        #expect(ran.status == 0, "\(ran.errors)")
        let object = try JSONSerialization.jsonObject(with: Data(ran.output.utf8))
        let status = try #require((object as? [String: Any])?["status"] as? [String: Any])
        #expect(status["numberCaptured"] as? Int == 3)
        let conditions = try #require(status["conditions"] as? [[String: String]])
        #expect(conditions.map { $0["reason"] } == ["Started", "Succeed"])
        let exported = binary.folder + "/web.pcapng"
        try binary.run(["capture", "export", "packetcapture/web", "-o", exported])
        let bytes = try #require(FileManager.default.contents(atPath: exported))
        #expect(
            try Wireshark.fields(["ip.src", "tcp.flags"], of: bytes) == [
                "172.16.5.11 0x0002", "172.16.3.8 0x0012", "172.16.5.11 0x0010",
            ])
    }

    @Test func aPacketCaptureAndATraceflowOfOneNameAreTwoThings() throws {
        let binary = try Binary()
        let capture = try manifest(
            binary, "same", "{\(Self.toPod3), captureConfig: {firstN: {number: 1}}}")
        let trace = try binary.write(
            """
            apiVersion: crd.antrea.io/v1beta1
            kind: Traceflow
            metadata: {name: same}
            spec: {source: {namespace: default, pod: pod1}, destination: {namespace: default, pod: pod2}}
            """, to: "tf.yaml")
        let ran = try binary.run(["run", "-f", capture, trace, "-o", "name"] + Self.world)
        #expect(ran.output == "packetcapture.crd.antrea.io/same\ntraceflow.crd.antrea.io/same\n")
        let traces = try binary.run(["get"]).output
        #expect(traces.split(separator: "\n").count == 2 && traces.contains("VERDICT"))
        let captures = try binary.run(["get", "pcap"]).output
        #expect(captures.split(separator: "\n").count == 2 && captures.contains("CAPTURED-PACKETS"))
        let wide = try binary.run(["get", "packetcapture", "same", "-o", "wide"])
        #expect(wide.output.contains("pod1") && wide.output.contains("UPLOADED"))
        let qualified = "packetcapture.crd.antrea.io/same"
        for words in [["describe"], ["events"], ["capture", "show"]] {
            let ran = try binary.run(words + [qualified])
            #expect(ran.status == 0, "\(words): \(ran.errors)")
        }
        let absent = try binary.run(["get", "pcap", "other"])
        #expect(absent.errors == "error: PacketCapture \"other\" not found\n")
        let deleted = try binary.run(["delete", qualified])
        #expect(deleted.output == "packetcapture.crd.antrea.io/same deleted\n")
        #expect(try binary.run(["get", "-o", "name"]).output == "traceflow.crd.antrea.io/same\n")
    }

    @Test func tooFewPacketsAreKeptWhenTheTimeIsOver() throws {
        let binary = try Binary()
        let file = try manifest(
            binary, "many", "{\(Self.toPod3), timeout: 1, captureConfig: {firstN: {number: 99}}}")
        let ran = try binary.run(["run", "-f", file] + Self.world)
        #expect(ran.status == 1)
        #expect(ran.output.contains("Timeout: context deadline exceeded, 3 of 99 packets"))
        let yaml = try binary.run(["get", "pcap", "many", "-o", "yaml"]).output
        #expect(yaml.contains("reason: Timeout") && yaml.contains("numberCaptured: 3"))
        #expect(try binary.run(["capture", "verify"]).output == "ok: 1 capture, 3 packets\n")
    }

    @Test func aFilterThatMeansNothingIsNotStarted() throws {
        let binary = try Binary()
        let file = try manifest(
            binary, "odd",
            "{source: {pod: {name: pod1}}, packet: {protocol: QUIC}, captureConfig: {firstN: "
                + "{number: 1}}}")
        let ran = try binary.run(["run", "-f", file, "-o", "yaml"] + Self.world)
        #expect(ran.status == 1)
        #expect(ran.output.contains("reason: NotStarted"))
        #expect(ran.output.contains("invalid protocol"))
        #expect(!ran.output.contains("PacketCaptureComplete"))
    }

    @Test func aSchemaFaultIsOneLineThatNamesTheField() throws {
        let binary = try Binary()
        let file = try manifest(
            binary, "far", "{source: {ip: 1.2.3.4}, captureConfig: {firstN: {number: 1}}}")
        let ran = try binary.run(["apply", "-f", file] + Self.world)
        #expect(ran.status == 1)
        #expect(ran.errorLines == 1)
        #expect(ran.errors.contains("far.yaml:1: PacketCapture \"far\": spec: "), "\(ran.errors)")
        #expect(!FileManager.default.fileExists(atPath: binary.log))
    }

    @Test func antctlsFormWritesAFileAndKeepsTheCapture() throws {
        let binary = try Binary()
        let ran = try binary.run(
            ["packetcapture", "-S", "pod1", "-D", "pod3", "-n", "2", "-o", binary.folder]
                + ["-f", "tcp,tcp_dst=80"] + Self.world)
        #expect(ran.status == 0, "\(ran.errors)")
        let files = try FileManager.default.contentsOfDirectory(atPath: binary.folder)
        let file = try #require(files.first { $0.hasSuffix(".pcapng") })
        #expect(file.hasPrefix("default-pod1-to-default-pod3-"))
        let bytes = try #require(
            FileManager.default.contents(atPath: binary.folder + "/" + file))
        #expect(try Wireshark.fields(["tcp.dstport"], of: bytes) == ["80", "80"])
        let later = try binary.run(
            ["pc", "--nowait", "-S", "pod1", "-D", "pod3"] + Self.world)
        #expect(later.output == "PacketCapture Name: default-pod1-to-default-pod3\n")
        #expect(
            try binary.run(["get", "pcap", "-o", "name"]).output.split(separator: "\n").count == 2)
    }
}
