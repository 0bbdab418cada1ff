import Foundation
import TestBinary
import Testing

/// What is refused: exit status 1, one line that names field, value and rule, nothing written.
struct RefusalTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var spec: String
        var says: [String]
        var version = "v1beta1"
        var testDescription: String { spec }
    }

    static let pods =
        "source: {namespace: default, pod: pod1}, destination: {namespace: default, pod: pod2}"

    static let rows: [Row] = [
        Row(
            spec: "{destination: {ip: 10.0.0.2}}",
            says: ["spec.source", "source Pod must be specified"]),
        Row(spec: "{source: {pod: pod1}}", says: ["spec.source", "source Pod must be specified"]),
        Row(spec: "{source: {ip: 10.0.0.1}}", says: ["spec.source"]),
        Row(
            spec: "{liveTraffic: true}",
            says: ["Traceflow t has neither source nor destination Pod specified"]),
        Row(
            spec: "{liveTraffic: true, source: {ip: 10.0.0.1}, destination: {ip: 10.0.0.2}}",
            says: ["neither source nor destination Pod"]),
        Row(
            spec: "{source: {namespace: foo, pod: bar}}",
            says: ["requested source Pod foo/bar not found"]),
        Row(spec: "{\(pods), timeout: 0}", says: ["spec.timeout", "0", "between 1 and 300"]),
        Row(spec: "{\(pods), timeout: 301}", says: ["spec.timeout", "301", "between 1 and 300"]),
        Row(
            spec: "{\(pods), packet: {ipHeader: {protocol: 256}}}",
            says: ["spec.packet.ipHeader.protocol", "256", "between 0 and 255"]),
        Row(
            spec: "{\(pods), packet: {transportHeader: {tcp: {dstPort: 0}}}}",
            says: ["spec.packet.transportHeader.tcp.dstPort", "0", "between 1 and 65535"]),
        Row(
            spec: "{source: {namespace: default, pod: pod1}, destination: {ip: 1.1.1.300}}",
            says: ["spec.destination.ip", "1.1.1.300", "IPv4 or IPv6"]),
        Row(
            spec: "{\(pods), timeout: 65536}", says: ["spec.timeout", "65536"], version: "v1alpha1"),
        Row(spec: "{\(pods), timeout: soon}", says: ["spec.timeout", "number"]),
    ]

    @Test(arguments: rows, ["run", "apply"])
    func whatAntreaRefusesIsRefused(_ row: Row, command: String) throws {
        let binary = try Binary()
        let file = try binary.traceflow(row.spec, version: row.version)
        let result = try binary.run([command, "--cluster", binary.cluster, "-f", file])
        #expect(result.status == 1)
        #expect(result.output.isEmpty)
        #expect(result.errorLines == 1, "\(result.errors)")
        for text in row.says { #expect(result.errors.contains(text), "\(result.errors)") }
        #expect(!FileManager.default.fileExists(atPath: binary.log), "nothing is written")
    }

    @Test(arguments: [
        "{\(pods), timeout: 1}", "{\(pods), timeout: 300}", "{\(pods), droppedOnly: true}",
        "{source: {namespace: default, pod: pod1}}",
        "{source: {namespace: default, pod: pod1, ip: 1.2.3.4}, destination: {namespace: default, pod: x, service: y, ip: 1.1.1.1}}",
        "{liveTraffic: true, destination: {namespace: default, pod: pod2}}",
        "{liveTraffic: true, source: {namespace: none, pod: such}}",
        "{\(pods), packet: {ipHeader: {protocol: 255, ttl: 255, flags: 7}}}",
        "{\(pods), packet: {ipv6Header: {nextHeader: 65535}}}",
        "{\(pods), packet: {transportHeader: {tcp: {flags: 255}}}}",
        "{\(pods), packet: {transportHeader: {icmp: {id: 65535, sequence: 65535}}}}",
    ])
    func whatAntreaTakesIsTaken(spec: String) throws {
        let binary = try Binary()
        let file = try binary.traceflow(spec)
        let result = try binary.run(["apply", "--cluster", binary.cluster, "-f", file])
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.output == "traceflow.crd.antrea.io/t created\n")
    }

    @Test(arguments: [
        ("{source: {namespace: default, pod: pod1}}", "destination is not specified"),
        (
            "{source: {namespace: default, pod: pod1}, destination: {namespace: default, pod: x}}",
            "failed to get the destination Pod: pods \"x\" not found"
        ),
    ])
    func whatAnAgentWouldRefuseFailsWithTheNodesName(spec: String, reason: String) throws {
        let binary = try Binary()
        let file = try binary.traceflow(spec)
        let result = try binary.run(["run", "--cluster", binary.cluster, "-f", file, "-o", "json"])
        #expect(result.status == 1)
        let text = "Node: k8s2-md-0-647454fc57-9sf7n, error: " + reason
        #expect(result.output.replacingOccurrences(of: "\\\"", with: "\"").contains(text))
    }

    @Test func malformedYAMLIsNamedWithItsPlace() throws {
        let binary = try Binary()
        let file = try binary.write("a: 1\nb: [2\nc: 3\n", to: "bad.yaml")
        let result = try binary.run(["apply", "-f", file])
        #expect(result.status == 1)
        #expect(result.errors.contains("bad.yaml:3:"), "\(result.errors)")
        #expect(result.errorLines == 1)
    }

    @Test func unknownKindsAreSkippedWithAWarningOrRefused() throws {
        let binary = try Binary()
        let file = try binary.traceflow("{\(Self.pods)}")
        let extra = try binary.write(
            "{apiVersion: x/v1, kind: Widget, metadata: {name: w}}", to: "w.yaml")
        let strict = try binary.run([
            "apply", "--strict", "--cluster", binary.cluster, "-f", file, "-f", extra,
        ])
        #expect(strict.status == 1)
        #expect(!FileManager.default.fileExists(atPath: binary.log))
        let lenient = try binary.run([
            "apply", "--cluster", binary.cluster, "-f", file, "-f", extra,
        ])
        #expect(lenient.status == 0)
        #expect(lenient.errors.contains("w.yaml:1: Widget (x/v1)"), "\(lenient.errors)")
    }

    @Test func theSameNameIsUnchangedOrRefused() throws {
        let binary = try Binary()
        let file = try binary.traceflow("{\(Self.pods)}")
        let apply = ["apply", "--cluster", binary.cluster, "-f", file]
        #expect(try binary.run(apply).output == "traceflow.crd.antrea.io/t created\n")
        #expect(try binary.run(apply).output == "traceflow.crd.antrea.io/t unchanged\n")
        _ = try binary.traceflow("{\(Self.pods), timeout: 7}")
        let other = try binary.run(apply)
        #expect(other.status == 1)
        #expect(other.errors.contains("exists already with another spec"))
    }

    @Test func aMalformedTrafficFileIsRefusedWithItsByte() throws {
        let binary = try Binary()
        let file = try binary.traceflow("{\(Self.pods), liveTraffic: true}")
        let traffic = try binary.write("this is not a capture", to: "t.pcap")
        let result = try binary.run([
            "run", "--cluster", binary.cluster, "-f", file, "--traffic", traffic,
        ])
        #expect(result.status == 1)
        #expect(result.errors.contains("t.pcap: byte 0: neither pcap nor pcapng"))
        #expect(!FileManager.default.fileExists(atPath: binary.log))
    }

    @Test(
        arguments: [
            (["nonsense"], 2), (["run"], 2), (["run", "-S", "a"], 2), (["get", "-o", "nope"], 2),
            (["run", "-D", "b"], 2), (["run", "-L"], 2),
            (["run", "-S", "a", "-D", "b", "--dropped-only"], 2),
            (["run", "-S", "a", "-D", "b", "--flow", "a="], 2),
            (["run", "-S", "a", "-D", "b", "--flow", "=1"], 2),
            (["wait", "x", "--for=nothing"], 2), (["matrix"], 2), (["get"], 3),
            (["log", "verify"], 3),
            (["run", "-f", "/none.yaml"], 1), (["--help"], 0), (["--version"], 0),
            (["completion", "fish"], 0),
        ] as [([String], Int32)])
    func theExitStatusSaysWhatKindOfEndItWas(arguments: [String], status: Int32) throws {
        let binary = try Binary()
        let result = try binary.run(arguments)
        #expect(result.status == status, "\(result.errors)")
        #expect(result.output.isEmpty == (status != 0))
        #expect(!FileManager.default.fileExists(atPath: binary.log))
    }

    @Test(arguments: [
        (["sweep", "run"], "(default: 20s)"), (["worker"], "(default: 30d)"),
        (["serve"], "(default: 30d)"),
    ])
    func defaultsAreShownAsTheyAreWritten(command: [String], words: String) throws {
        let help = try Binary().run(command + ["--help"]).output
        #expect(help.contains(words) && !help.contains("microseconds"), "\(help)")
    }

    @Test func aReadOnlyFolderCanBeReadAndIsNotWritten() throws {
        let binary = try Binary()
        let file = try binary.traceflow("{\(Self.pods)}")
        #expect(try binary.run(["run", "--cluster", binary.cluster, "-f", file]).status == 0)
        let sealed = binary.folder + "/sealed"
        try FileManager.default.createDirectory(atPath: sealed, withIntermediateDirectories: true)
        func call(_ path: String, _ arguments: [String]) throws -> Int32 {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: path)
            process.arguments = arguments
            process.standardError = FileHandle.nullDevice
            try process.run()
            process.waitUntilExit()
            return process.terminationStatus
        }
        guard try call("/bin/mount", ["--bind", binary.log, sealed]) == 0,
            try call("/bin/mount", ["-o", "remount,ro,bind", sealed]) == 0
        else {
            withKnownIssue("mounting a folder read-only needs root") {
                Issue.record("mount failed")
            }
            return
        }
        defer { _ = try? call("/bin/umount", ["-l", sealed]) }
        #expect(
            try binary.run(["get", "--log", sealed, "-o", "name"]).output
                == "traceflow.crd.antrea.io/t\n")
        let other = try binary.traceflow("{\(Self.pods)}", name: "other")
        let refused = try binary.run(
            ["run", "--log", sealed, "--cluster", binary.cluster, "-f", other])
        #expect(refused.status == 3)
        #expect(refused.errorLines == 1, "\(refused.errors)")
        #expect(refused.output.isEmpty)
    }
}
