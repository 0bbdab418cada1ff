import Foundation
import Glibc
import NetworkNamespaces
import TestBinary
import Testing

@Suite("live traffic of interfaces, as people ask for it", .enabled(if: TwoNamespaces.areThere))
struct InterfaceTrafficTests {
    let binary: Binary
    let net: TwoNamespaces
    let cluster: String

    /// Two Pods, which are the namespaces.
    init() throws {
        binary = try Binary()
        net = try TwoNamespaces(
            addresses: (["10.99.1.10/16", "fd99::1:10/64"], ["10.99.2.10/16", "fd99::2:10/64"]))
        cluster = try binary.write(
            """
            {apiVersion: v1, kind: Node, metadata: {name: n1},
             spec: {podCIDRs: [10.99.1.0/24, "fd99::1:0/112"]}}
            ---
            {apiVersion: v1, kind: Node, metadata: {name: n2},
             spec: {podCIDRs: [10.99.2.0/24, "fd99::2:0/112"]}}
            ---
            {apiVersion: v1, kind: Pod, metadata: {name: a, namespace: default},
             spec: {nodeName: n1},
             status: {podIP: 10.99.1.10, podIPs: [{ip: 10.99.1.10}, {ip: "fd99::1:10"}]}}
            ---
            {apiVersion: v1, kind: Pod, metadata: {name: b, namespace: default},
             spec: {nodeName: n2},
             status: {podIP: 10.99.2.10, podIPs: [{ip: 10.99.2.10}, {ip: "fd99::2:10"}]}}
            """, to: "two.yaml")
    }

    /// Sends to the ports, over and over, while the traces run.
    private func whileSending(
        _ ports: [Int], to address: String = "10.99.2.10", _ body: () throws -> Binary.Result
    ) throws -> Binary.Result {
        let lines = ports.map { "echo x > /dev/udp/\(address)/\($0)" }
        let sender = try net.shell(
            net.a, "while :; do \(lines.joined(separator: "; ")); done")
        defer {
            kill(sender.processIdentifier, SIGKILL)
            sender.waitUntilExit()
        }
        return try body()
    }

    private func arguments(_ more: [String], on interface: String = "v0") -> [String] {
        ["run", "--cluster", cluster, "--traffic", "iface:\(interface)@\(net.a)", "-L"] + more
    }

    private func exported() throws -> Data {
        let file = binary.folder + "/all.pcapng"
        let ran = try binary.run(["capture", "export", "-o", file])
        #expect(ran.status == 0, "\(ran.errors)")
        return try #require(FileManager.default.contents(atPath: file))
    }

    @Test(
        "packets are archived as they come, exactly those that match, and tshark reads them",
        arguments: [("10.99.1.10", "10.99.2.10", ""), ("fd99::1:10", "fd99::2:10", "ipv6,")])
    func captured(from source: String, to destination: String, family: String) throws {
        let ran = try whileSending([54, 53, 55], to: destination) {
            try binary.run(
                arguments([
                    "-S", "a", "-D", "b", "--flow", family + "udp,udp_dst=53", "-t", "60s",
                    "--capture", "3", "--capture-point", "Both", "--snaplen", "100",
                ]))
        }
        #expect(ran.status == 0, "\(ran.errors)\(ran.output)")
        let ip = family.isEmpty ? "ip" : "ipv6"
        let exported = try exported()
        let seen = try Wireshark.fields(
            ["frame.interface_name", "\(ip).src", "\(ip).dst", "udp.dstport", "frame.len"],
            of: exported)
        let length = family.isEmpty ? 44 : 64
        let rest = "\(source) \(destination) 53 \(length)"
        #expect(
            seen.sorted() == Array(repeating: "n1/default/a \(rest)", count: 3)
                + Array(repeating: "n2/default/b \(rest)", count: 3))
        // Three connections: each from a port of its own.
        let ports = try Wireshark.fields(["udp.srcport"], of: exported)
        #expect(Set(ports).count == 3)
        #expect(try binary.run(["capture", "verify"]).output == "ok: 2 captures, 6 packets\n")
        #expect(try binary.run(["log", "verify"]).status == 0)
    }

    @Test(
        "a PacketCapture takes exactly what its filter says, of either family",
        arguments: [("10.99.2.10", "ip", ""), ("fd99::2:10", "ipv6", "ipv6,")])
    func packetCapture(destination: String, ip: String, family: String) throws {
        let ran = try whileSending([54, 53, 55], to: destination) {
            try binary.run([
                "packetcapture", "--cluster", cluster, "--traffic", "iface:v0@\(net.a)", "-S", "a",
                "-D", "b", "-f", family + "udp,udp_dst=53", "-n", "4", "-t", "60s", "-o",
                binary.folder,
            ])
        }
        #expect(ran.status == 0, "\(ran.errors)\(ran.output)")
        #expect(ran.output.contains("Succeed, 4 of 4 packets"), "\(ran.output)")
        let seen = try Wireshark.fields(["\(ip).dst", "udp.dstport"], of: exported())
        #expect(seen == Array(repeating: "\(destination) 53", count: 4))
    }

    @Test("what a PacketCapture saw before its time is over is kept")
    func fewPackets() throws {
        let ran = try whileSending([53]) {
            try binary.run([
                "pc", "--cluster", cluster, "--traffic", "iface:v0@\(net.a)", "-S", "a", "-f",
                "udp,udp_dst=53", "-n", "2000000", "-t", "3s", "-o", binary.folder,
            ])
        }
        #expect(ran.status == 1)
        #expect(ran.output.contains("Timeout: context deadline exceeded"), "\(ran.output)")
        #expect(try !Wireshark.fields(["udp.dstport"], of: exported()).isEmpty)
    }

    @Test("several traces wait at once, and each ends with its own packet")
    func several() throws {
        var files: [String] = []
        for port in [53, 54, 55] {
            files += [
                "-f",
                try binary.traceflow(
                    "{liveTraffic: true, timeout: 60, source: {namespace: default, pod: a}, packet:"
                        + " {transportHeader: {udp: {dstPort: \(port)}}}}", name: "t\(port)"),
            ]
        }
        let ran = try whileSending([55, 54, 53]) {
            try binary.run(
                ["run", "--cluster", cluster, "--traffic", "iface:v0@\(net.a)"] + files)
        }
        #expect(ran.status == 0, "\(ran.errors)\(ran.output)")
        for port in [53, 54, 55] {
            let shown = try binary.run(["get", "t\(port)", "-o", "yaml"])
            #expect(shown.output.contains("dstPort: \(port)\n"))
            #expect(shown.output.contains("capturedPacket:"))
        }
    }

    @Test("a packet that does not come times the trace out, as Antrea says it")
    func timesOut() throws {
        let ran = try whileSending([54]) {
            try binary.run(
                arguments(["-S", "a", "--flow", "udp,udp_dst=53", "-t", "2s", "-o", "yaml"]))
        }
        #expect(ran.status == 1)
        #expect(ran.output.contains("Traceflow timeout"), "\(ran.output)")
    }

    @Test("what was seen is kept when the time is over before there is enough")
    func keepsSome() throws {
        let ran = try whileSending([53]) {
            try binary.run(
                arguments([
                    "-S", "a", "--flow", "udp,udp_dst=53", "-t", "4s", "--capture", "60000",
                ]))
        }
        #expect(ran.status == 0, "\(ran.errors)\(ran.output)")
        let ports = try Wireshark.fields(["udp.dstport"], of: exported())
        #expect(!ports.isEmpty)
        #expect(Set(ports) == ["53"])
    }

    @Test("Ctrl-C ends a trace that waits")
    func interrupted() throws {
        let process = binary.process(arguments(["-S", "a", "-t", "300s"]))
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        // It listens once the kernel knows a socket of packets.
        try net.shell(net.a, "while [ $(wc -l < /proc/net/packet) -lt 2 ]; do :; done")
            .waitUntilExit()
        process.interrupt()
        process.waitUntilExit()
        #expect(process.terminationStatus == 130)
    }

    @Test(
        "what cannot be listened to is said in one line",
        arguments: [
            ("nope", "no such interface"), ("v0@tracectl-test-none", "no network namespace"),
        ])
    func missing(interface: String, said: String) throws {
        let ran = try binary.run([
            "run", "--cluster", cluster, "--traffic", "iface:" + interface, "-L", "-S", "a", "-o",
            "yaml",
        ])
        #expect(ran.status == 1)
        #expect(ran.output.contains("iface:\(interface): \(said)"), "\(ran.output)")
    }

    @Test("who may not listen is told what to do")
    func permission() throws {
        let process = binary.process([])
        process.executableURL = URL(fileURLWithPath: "/usr/bin/setpriv")
        process.arguments = [
            "--bounding-set=-all", "--inh-caps=-all", Binary.path, "run", "--cluster", cluster,
            "--traffic", "iface:lo", "-L", "-S", "a", "-o", "yaml",
        ]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(
            decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 1)
        #expect(text.contains("iface:lo: needs CAP_NET_RAW"), "\(text)")
    }
}

@Suite("interfaces that are not written as such")
struct InterfaceArgumentTests {
    @Test(
        "they are refused before anything is recorded",
        arguments: [
            (["iface:"], "has no name"), (["iface:12345678901234567"], "at most 15 bytes"),
            (["iface:a@b/c"], "absolute path"), (["iface:a", "iface:b"], "stands alone"),
            (["x.pcap", "iface:a"], "stands alone"),
        ])
    func refused(traffic: [String], said: String) throws {
        let binary = try Binary()
        let ran = try binary.run(
            ["run", "--cluster", binary.cluster, "-L", "-S", "pod1"]
                + traffic.flatMap { ["--traffic", $0] })
        #expect(ran.status == 2)
        #expect(ran.errorLines == 1)
        #expect(ran.errors.contains(said), "\(ran.errors)")
        #expect(!FileManager.default.fileExists(atPath: binary.log))
    }
}
