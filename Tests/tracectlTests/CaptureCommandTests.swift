import Foundation
import TestBinary
import Testing

/// The packets behind traces, as people ask for them.
struct CaptureCommandTests {
    let binary: Binary

    init() throws { binary = try Binary() }

    private var traffic: String { Binary.scenarios + "/traffic.pcap" }

    /// Runs a Traceflow of the guide's cluster and its traffic.
    @discardableResult
    private func trace(_ name: String, _ spec: String) throws -> Binary.Result {
        let ran = try binary.run([
            "run", "--cluster", binary.cluster, "--traffic", traffic, "-f",
            try binary.traceflow(spec, name: name),
        ])
        #expect(ran.status == 0, "\(ran.errors)")
        return ran
    }

    private func live(_ capture: String, more: String = "") -> String {
        "{liveTraffic: true, source: {namespace: default, pod: pod1}, destination: {namespace: "
            + "default, pod: pod3}, capture: \(capture)\(more)}"
    }

    private func exported(_ arguments: [String]) throws -> Data {
        let file = binary.folder + "/\(UUID().uuidString).pcapng"
        let ran = try binary.run(["capture", "export", "-o", file] + arguments)
        #expect(ran.status == 0, "\(ran.errors)")
        return try #require(FileManager.default.contents(atPath: file))
    }

    /// The guide's fifth scenario: the next real TCP connection.
    @Test func aLiveConnectionOpensInTsharkWithExactlyThePacketsThatMatched() throws {
        try trace(
            "tcp",
            live(
                "{firstN: 100, snaplen: 65536, point: Both, direction: Both}",
                more: ", packet: {transportHeader: {tcp: {dstPort: 80}}}"))
        let fields = [
            "frame.time_epoch", "frame.interface_name", "ip.src", "ip.ttl", "tcp.srcport",
            "tcp.flags",
        ]
        let seen = try Wireshark.fields(fields, of: exported(["tcp"]))
        let (near, far) = ("k8s2-md-0-647454fc57-9sf7n", "k8s2-md-0-647454fc57-qpqbg")
        func pair(_ time: String, _ source: String, _ rest: String, _ ttl: (Int, Int)) -> [String] {
            [
                "\(time) \(near)/default/pod1 \(source) \(ttl.0) \(rest)",
                "\(time) \(far)/default/pod3 \(source) \(ttl.1) \(rest)",
            ]
        }
        #expect(
            seen
                == pair("1700000000.200000000", "172.16.5.11", "56350 0x0002", (64, 62))
                + pair("1700000000.210000000", "172.16.3.8", "80 0x0012", (62, 64))
                + pair("1700000000.220000000", "172.16.5.11", "56350 0x0010", (64, 62))
                + pair("1700000000.230000000", "172.16.5.11", "56350 0x0018", (64, 62)))
        let comments = try Wireshark.fields(["frame.comment"], of: exported(["tcp"]))
        #expect(comments[0] == "tcp \(near) Forwarding Forwarded")
        #expect(comments[1] == "tcp \(far) Forwarding Delivered")
    }

    /// The guide's sixth scenario: the next real packet that is dropped.
    @Test func aDroppedPacketIsKeptWhereItWasSent() throws {
        try trace(
            "dropped",
            live(
                "{firstN: 3, point: Both}",
                more: ", droppedOnly: true, packet: {ipHeader: {protocol: 1}}"))
        let shown = try binary.run(["get", "dropped", "-o", "tree"])
        #expect(
            shown.output.contains("kept 2 packets at the source, on k8s2-md-0-647454fc57-9sf7n"))
        let seen = try Wireshark.fields(["icmp.type", "frame.interface_name"], of: exported([]))
        #expect(!seen.isEmpty)
        #expect(seen.allSatisfy { $0 == "8 k8s2-md-0-647454fc57-9sf7n/default/pod1" })
    }

    @Test func everyArchiveFileIsAPcapngFileInLZ4AndAgreesWithTheList() throws {
        for number in 1...5 { try trace("t\(number)", live("{firstN: \(number), point: Both}")) }
        let file = binary.log + "/captures/000001.pcapng.lz4"
        let bytes = try #require(FileManager.default.contents(atPath: file))
        let expanded = try Wireshark.expanded(bytes)
        let packets = try Wireshark.fields(["frame.number"], of: expanded).count
        let listed = try binary.run(["capture", "list", "-o", "csv"])
        let counts = listed.output.split(separator: "\n").dropFirst().compactMap {
            Int($0.split(separator: ",", omittingEmptySubsequences: false)[5])
        }
        #expect(counts.count == 10)
        #expect(counts.reduce(0, +) == packets)
        let verified = try binary.run(["capture", "verify"])
        #expect(verified.output == "ok: 10 captures, \(packets) packets\n")
        // Compressed exports hold the same.
        let small = binary.folder + "/all.pcapng.lz4"
        #expect(try binary.run(["capture", "export", "-o", small]).status == 0)
        let again = try Wireshark.expanded(#require(FileManager.default.contents(atPath: small)))
        #expect(try Wireshark.fields(["frame.number"], of: again).count == packets)
    }

    @Test func anInjectedPacketIsKeptAsEachNodeSawIt() throws {
        let ran = try binary.run([
            "run", "--cluster", binary.cluster, "-S", "pod1", "-D", "pod3", "--flow",
            "tcp,tcp_dst=80", "--capture", "1", "--capture-point", "Both", "-o", "name",
        ])
        #expect(ran.status == 0, "\(ran.errors)")
        let fields = ["ip.ttl", "ip.dst", "tcp.dstport", "tcp.flags", "tcp.checksum.status"]
        let output = try Wireshark.output(
            "tshark",
            ["-r", "-", "-o", "tcp.check_checksum:TRUE", "-T", "fields", "-E", "separator=/s"]
                + fields.flatMap { ["-e", $0] }, input: exported([]))
        #expect(
            String(decoding: output, as: UTF8.self)
                == "63 172.16.3.8 80 0x0002 1\n62 172.16.3.8 80 0x0002 1\n")
    }

    @Test func whatIsExportedIsInTheLog() throws {
        try trace("t", live("{firstN: 1}"))
        _ = try exported(["t"])
        let dumped = try binary.run(["log", "dump"])
        let line = try #require(
            dumped.output.split(separator: "\n").first { $0.contains("CapturesExported") })
        #expect(line.contains("\"packets\":\"1\"") || line.contains("\"packets\":1"))
        #expect(try binary.run(["log", "verify"]).status == 0)
    }

    @Test(
        arguments: [
            (["capture", "export", "-o", "x.pcapng"], 1, "no captures"),
            (["capture", "export"], 2, "--output"),
            (["capture", "export", "nobody", "-o", "x.pcapng"], 1, "\"nobody\" not found"),
            (["capture", "show", "nobody"], 1, "\"nobody\" not found"),
            (
                [
                    "run", "-L", "-S", "10.0.0.1", "-D", "pod3", "--capture", "1",
                    "--capture-point", "Source",
                ],
                1, "spec.capture.point"
            ),
            (["capture", "list", "--limit", "0"], 2, "--limit"),
            (["run", "-S", "pod1", "-D", "pod3", "--snaplen", "9"], 2, "need --capture"),
            (["run", "-S", "pod1", "-D", "pod3", "--capture", "0"], 1, "spec.capture.firstN"),
            (
                ["run", "-S", "pod1", "-D", "pod3", "--capture", "1", "--snaplen", "65537"], 1,
                "spec.capture.snaplen"
            ),
        ] as [([String], Int32, String)])
    func whatCannotBeIsSaidInOneLine(arguments: [String], status: Int32, said: String) throws {
        #expect(
            try binary.run(["run", "--cluster", binary.cluster, "-S", "pod1", "-D", "pod3"]).status
                == 0)
        let ran = try binary.run(arguments)
        #expect(ran.status == status)
        #expect(ran.errors.contains(said), "\(ran.errors)")
    }

    @Test func anExportNeverWritesOverAFileUnlessTold() throws {
        try trace("t", live("{firstN: 1}"))
        let file = try binary.write("mine", to: "mine.pcapng")
        let refused = try binary.run(["capture", "export", "-o", file])
        #expect(refused.status == 1 && refused.errors.contains("--force"))
        #expect(try String(contentsOfFile: file, encoding: .utf8) == "mine")
        #expect(try binary.run(["capture", "export", "--force", "-o", file]).status == 0)
    }

    /// Root may write anywhere: what is no folder keeps everybody out.
    @Test func packetsThatCannotBeKeptFailTheirTraceAndNobodyElses() throws {
        #expect(
            try binary.run(["run", "--cluster", binary.cluster, "-S", "pod1", "-D", "pod3"]).status
                == 0)
        try binary.write("not a folder", to: "log/captures")
        let failed = try binary.run([
            "run", "--traffic", traffic, "-f",
            try binary.traceflow(live("{firstN: 1}"), name: "kept"),
        ])
        #expect(failed.status == 1)
        let shown = try binary.run(["get", "kept", "-o", "yaml"])
        #expect(shown.output.contains("packets could not be kept"))
        #expect(try binary.run(["run", "-S", "pod1", "-D", "pod3"]).status == 0)
    }

    @Test func ofATraceThatWasTriedAgainTheLastAttemptCounts() throws {
        try trace("t", live("{firstN: 2}"))
        let again = try binary.run([
            "run", "--again", "--traffic", traffic, "-f",
            try binary.traceflow(live("{firstN: 2}"), name: "t"),
        ])
        #expect(again.status == 0, "\(again.errors)")
        #expect(try Wireshark.fields(["frame.number"], of: exported(["t", "t"])).count == 2)
        #expect(try Wireshark.fields(["frame.number"], of: exported([])).count == 2)
        #expect(try Wireshark.fields(["frame.number"], of: exported(["--all-attempts"])).count == 4)
        #expect(try binary.run(["capture", "verify"]).output == "ok: 2 captures, 4 packets\n")
    }

    @Test func whatIsLeftIsExportedWhereSomeIsLost() throws {
        try trace("a", live("{firstN: 1}"))
        try trace("b", live("{firstN: 1}"))
        let file = binary.log + "/captures/000001.pcapng.lz4"
        var bytes = try #require(FileManager.default.contents(atPath: file))
        bytes[bytes.count - 6] ^= 0xff
        try bytes.write(to: URL(fileURLWithPath: file))
        let target = binary.folder + "/left.pcapng"
        let ran = try binary.run(["capture", "export", "-o", target])
        #expect(ran.status == 3)
        #expect(ran.errors.contains("1 capture cannot be read"))
        let left = try #require(FileManager.default.contents(atPath: target))
        #expect(try Wireshark.fields(["frame.comment"], of: left).map { $0.prefix(2) } == ["a "])
    }

    @Test func aCaptureThatIsLostIsNamed() throws {
        try trace("kept", live("{firstN: 1}"))
        let file = binary.log + "/captures/000001.pcapng.lz4"
        try FileManager.default.removeItem(atPath: file)
        let verified = try binary.run(["capture", "verify"])
        #expect(verified.status == 3)
        #expect(
            verified.errors.contains("kept: ")
                && verified.errors.contains("is not there"))
        // Half an export is none.
        let target = binary.folder + "/x.pcapng"
        #expect(try binary.run(["capture", "export", "-o", target]).status == 3)
        #expect(!FileManager.default.fileExists(atPath: target))
        // Not what was there before, either, nor what is no file.
        let mine = try binary.write("mine", to: "mine.pcapng")
        for path in [mine, "/dev/null"] {
            #expect(try binary.run(["capture", "export", "--force", "-o", path]).status == 3)
            #expect(FileManager.default.fileExists(atPath: path))
        }
        #expect(try String(contentsOfFile: mine, encoding: .utf8) == "mine")
        let left = try FileManager.default.contentsOfDirectory(atPath: binary.folder)
        #expect(!left.contains { $0.contains("unfinished") })
    }

    @Test func aSweepKeepsPacketsOfEachOfItsTracesAndIsExportedAsOne() throws {
        let swept = try binary.run([
            "sweep", "run", "--cluster", binary.cluster, "--ports", "tcp/80", "--capture", "1",
            "--capture-point", "Source", "--name", "night", "--quiet",
        ])
        #expect(swept.status == 0, "\(swept.errors)")
        try trace("other", live("{firstN: 1}"))
        let ends = try Wireshark.fields(["ip.src", "ip.dst"], of: exported(["--sweep", "night"]))
        let addresses = ["172.16.5.11", "172.16.5.12", "172.16.3.8"]
        let pairs = addresses.flatMap { source in
            addresses.filter { $0 != source }.map { "\(source) \($0)" }
        }
        #expect(ends.sorted() == pairs.sorted())
        #expect(try Wireshark.fields(["ip.src"], of: exported([])).count == pairs.count + 1)
        let unknown = try binary.run(["capture", "list", "--sweep", "day"])
        #expect(unknown.status == 1)
        #expect(unknown.errors.contains("sweep \"day\" not found"))
        let yaml = try binary.run(["get", "sweep", "night", "-o", "yaml"])
        #expect(yaml.output.contains("firstN: 1"))
    }

    @Test func aSweepsManifestSaysWhichPacketsAndABoundIsABound() throws {
        func manifest(_ count: Int) throws -> String {
            try binary.write(
                """
                apiVersion: tracectl.dev/v1alpha1
                kind: TraceSweep
                metadata: {name: kept}
                spec: {ports: [{protocol: TCP, port: 80}], capture: {firstN: \(count), point: Both}}
                """, to: "sweep.yaml")
        }
        let refused = try binary.run([
            "sweep", "run", "--cluster", binary.cluster, "-f", manifest(0),
        ])
        #expect(refused.status == 1)
        #expect(refused.errors.contains("must be between 1 and 65535"), "\(refused.errors)")
        let ran = try binary.run([
            "sweep", "run", "--cluster", binary.cluster, "-f", manifest(3), "--quiet",
        ])
        #expect(ran.status == 0, "\(ran.errors)")
        let listed = try binary.run(["capture", "list", "--sweep", "kept", "-o", "jsonl"]).output
        // Two of the six are dropped where they are sent.
        #expect(listed.split(separator: "\n").count >= 8)
    }

    @Test func aManifestThatSaysNothingOfPacketsKeepsWhatTheFlagsSay() throws {
        let file = try binary.traceflow(
            "{source: {namespace: default, pod: pod1}, destination: {namespace: default, pod: pod3}}",
            name: "plain")
        let ran = try binary.run([
            "run", "--cluster", binary.cluster, "-f", file, "--capture", "1", "--capture-point",
            "Both",
        ])
        #expect(ran.output.contains("kept 1 packet at the destination"), "\(ran.errors)")
        let alone = try binary.run(["run", "--cluster", binary.cluster, "--capture", "1"])
        #expect(alone.status == 2)
    }

    @Test func theDemoKeepsPacketsOfItsLiveTraces() throws {
        let folder = binary.folder + "/demo"
        let ran = try binary.run(["demo", "--keep", folder])
        #expect(ran.status == 0, "\(ran.errors)")
        let shown = try binary.run(["capture", "show", "--log", folder + "/log"])
        #expect(shown.status == 0, "\(shown.errors)")
        #expect(shown.output.contains("172.16.5.11"))
        #expect(try binary.run(["capture", "verify", "--log", folder + "/log"]).status == 0)
    }
}
