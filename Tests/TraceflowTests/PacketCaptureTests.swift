import Testing
import Traceflow

/// What Antrea takes as a PacketCapture, and what it says of one.
struct PacketCaptureTests {
    typealias Spec = PacketCaptureSpec
    static let pod = Spec.Endpoint(pod: .init(name: "p"))

    struct SchemaRow: Sendable, CustomTestStringConvertible {
        var about: String
        var spec: Spec
        /// Nil where it is accepted.
        var field: String?
        var testDescription: String { about }
    }

    static let schema: [SchemaRow] = [
        .init(about: "one Pod is enough", spec: Spec(source: pod, firstN: 1)),
        .init(
            about: "an address beside it",
            spec: Spec(source: .init(ip: "::1"), destination: pod, firstN: 1)),
        .init(
            about: "no Pod on either side",
            spec: Spec(source: .init(ip: "1.2.3.4"), destination: .init(ip: "1.2.3.5"), firstN: 1),
            field: "spec"),
        .init(
            about: "a Pod and an address on one side",
            spec: Spec(source: .init(pod: .init(name: "p"), ip: "1.2.3.4"), firstN: 1),
            field: "spec.source"),
        .init(
            about: "no address", spec: Spec(source: .init(ip: "a"), destination: pod, firstN: 1),
            field: "spec.source.ip"),
        .init(
            about: "at the source without a source Pod",
            spec: Spec(destination: pod, firstN: 1, capturePoint: .source),
            field: "spec.capturePoint"),
        .init(
            about: "at the destination without a destination Pod",
            spec: Spec(source: pod, firstN: 1, capturePoint: .destination),
            field: "spec.capturePoint"),
        .init(
            about: "at both ends, which is ours alone",
            spec: Spec(source: pod, destination: pod, firstN: 1, capturePoint: .both),
            field: "spec.capturePoint"),
        .init(
            about: "two transport headers",
            spec: Spec(
                source: pod, firstN: 1,
                packet: PacketSelection(transports: [.tcp(.init(), flags: []), .udp(.init())])),
            field: "spec.packet.transportHeader"),
        .init(
            about: "301 s", spec: Spec(source: pod, firstN: 1, timeout: 301), field: "spec.timeout"),
        .init(about: "300 s", spec: Spec(source: pod, firstN: 1, timeout: 300)),
        .init(about: "0 s", spec: Spec(source: pod, firstN: 1, timeout: 0), field: "spec.timeout"),
        .init(
            about: "no number of packets", spec: Spec(source: pod),
            field: "spec.captureConfig.firstN.number"),
        .init(about: "no packets at all, which has no minimum", spec: Spec(source: pod, firstN: 0)),
        .init(
            about: "port 0",
            spec: Spec(
                source: pod, firstN: 1,
                packet: PacketSelection(transports: [.udp(.init(dstPort: 0))])),
            field: "spec.packet.transportHeader.udp.dstPort"),
        .init(
            about: "flags of nine bits",
            spec: Spec(
                source: pod, firstN: 1,
                packet: PacketSelection(transports: [.tcp(.init(), flags: [.init(value: 256)])])),
            field: "spec.packet.transportHeader.tcp.flags.value"),
        .init(
            about: "an ICMP type of nine bits",
            spec: Spec(
                source: pod, firstN: 1,
                packet: PacketSelection(transports: [.icmp([.init(type: .number(256))])])),
            field: "spec.packet.transportHeader.icmp.messages.type"),
    ]

    @Test(arguments: schema) func theSchemaIsAntreas(row: SchemaRow) {
        #expect(row.spec.violation?.field == row.field)
    }

    @Test(
        arguments: [
            ("sftp://host:22/path", true), ("sftp://[fd00::1]:22/", true),
            ("sftp://1.2.3.4:22", true),
            ("sftp://host/path", false), ("sftp://fd00::1:22/", false), ("sftp://:22/", false),
            ("sftp://u@host:22/", false), ("http://host:22/", false), ("sftp://h:70000/", false),
        ])
    func aFileServerIsAnSFTPAddressWithItsPort(url: String, isValid: Bool) {
        let spec = Spec(source: Self.pod, firstN: 1, fileServer: .init(url: url))
        #expect((spec.violation == nil) == isValid)
    }

    // MARK: admission

    struct AdmissionRow: Sendable, CustomTestStringConvertible {
        var about: String
        var old: String?
        var new: String?
        /// Nil when the answer is not known.
        var isAllowed: Bool?
        var isAccepted: Bool
        var isAsked: Bool
        var testDescription: String { about }
    }

    static let admission: [AdmissionRow] = [
        .init(about: "no server", isAllowed: false, isAccepted: true, isAsked: false),
        .init(
            about: "a server, allowed", new: "a", isAllowed: true, isAccepted: true, isAsked: true),
        .init(
            about: "a server, not allowed", new: "a", isAllowed: false, isAccepted: false,
            isAsked: true),
        .init(
            about: "another server than before", old: "a", new: "b", isAllowed: false,
            isAccepted: false, isAsked: true),
        .init(
            about: "the same server as before", old: "a", new: "a", isAllowed: false,
            isAccepted: true, isAsked: false),
        .init(about: "nobody can say", new: "a", isAllowed: nil, isAccepted: false, isAsked: true),
    ]

    private struct Unavailable: Error {}

    @Test(arguments: admission) func onlyWhoMayReadItsSecretSetsAServer(row: AdmissionRow) {
        var isAsked = false
        let denial = PacketCaptureAdmission.denial(
            of: row.new.map { .init(url: $0) }, replacing: row.old.map { .init(url: $0) }
        ) {
            isAsked = true
            guard let isAllowed = row.isAllowed else { throw Unavailable() }
            return isAllowed
        }
        #expect((denial == nil) == row.isAccepted)
        #expect(isAsked == row.isAsked)
    }

    // MARK: conditions

    private func words(_ progress: PacketCaptureProgress) -> [String] {
        progress.conditions().map {
            "\($0.type.rawValue) \($0.status) \($0.reason)"
                + ($0.message.isEmpty ? "" : " (\($0.message))")
        }
    }

    @Test func conditionsTellHowFarACaptureHasCome() {
        let (started, complete) = ("PacketCaptureStarted", "PacketCaptureComplete")
        #expect(words(.init(stage: .pending(error: nil))) == ["\(started) false Pending"])
        #expect(
            words(.init(stage: .pending(error: "limit reached")))
                == ["\(started) false NotStarted (limit reached)"])
        #expect(
            words(.init(stage: .started, captured: 5))
                == ["\(started) true Started", "\(complete) false Progressing"])
        #expect(
            words(.init(stage: .complete(error: nil), captured: 10, upload: .succeeded)) == [
                "\(started) true Started", "\(complete) true Succeed",
                "PacketCaptureFileUploaded true Succeed",
            ])
        #expect(
            words(.init(stage: .complete(error: nil), captured: 15))
                == ["\(started) true Started", "\(complete) true Succeed"])
        #expect(
            words(.init(stage: .complete(error: nil), captured: 1, upload: .failed("refused")))
                .last == "PacketCaptureFileUploaded false Failed (refused)")
        #expect(
            words(.init(stage: .complete(error: "context deadline exceeded"), upload: .succeeded))
                == [
                    "\(started) true Started",
                    "\(complete) true Timeout (context deadline exceeded)",
                ])
        #expect(
            words(.init(stage: .complete(error: "disk full"))).last
                == "\(complete) true Failed (disk full)")
    }

    @Test func aConditionThatSaysTheSameKeepsItsMoment() {
        let (early, late) = (Moment(microseconds: 1), Moment(microseconds: 2))
        let old = PacketCaptureProgress(stage: .started).conditions(at: early)
        let same = old.merged(with: PacketCaptureProgress(stage: .started).conditions(at: late))
        #expect(same == old)
        let done = PacketCaptureProgress(
            stage: .complete(error: nil), captured: 1, upload: .succeeded)
        let changed = old.merged(with: done.conditions(at: late))
        #expect(changed.map(\.lastTransitionTime) == [early, late, late])
        #expect(changed.map(\.reason) == ["Started", "Succeed", "Succeed"])
    }

    // MARK: filters

    struct FilterRow: Sendable, CustomTestStringConvertible {
        var about: String
        var packet: PacketSelection?
        var direction: CaptureRequest.Direction?
        var takes: [String]
        var testDescription: String { about }
    }

    /// What passes by: from `a` to `b` and back, and what others send.
    private static let passing: [(String, CaptureFilter.Seen)] = {
        func seen(
            _ from: String, _ to: String, _ number: UInt8, _ ports: (Int, Int)? = nil,
            flags: Int? = nil, message: (Int, Int)? = nil
        ) -> CaptureFilter.Seen {
            guard let from = IPAddress(from), let to = IPAddress(to) else {
                preconditionFailure("no addresses")
            }
            var seen = CaptureFilter.Seen(source: from, destination: to, protocol: number)
            (seen.sourcePort, seen.destinationPort) = (ports?.0, ports?.1)
            seen.tcpFlags = flags
            (seen.messageType, seen.messageCode) = (message?.0, message?.1)
            return seen
        }
        let (a, b) = ("10.0.0.1", "10.0.0.2")
        return [
            ("syn", seen(a, b, 6, (4000, 80), flags: 2)),
            ("synack", seen(b, a, 6, (80, 4000), flags: 18)),
            ("fin", seen(a, b, 6, (4000, 80), flags: 17)),
            ("dns", seen(a, b, 17, (5000, 53))), ("answer", seen(b, a, 17, (53, 5000))),
            ("ping", seen(a, b, 1, message: (8, 0))), ("pong", seen(b, a, 1, message: (0, 0))),
            ("unreachable", seen(b, a, 1, message: (3, 3))),
            ("other", seen(a, "10.0.0.3", 6, (4000, 80), flags: 2)),
        ]
    }()

    static let filters: [FilterRow] = [
        .init(about: "everything from the source", takes: ["syn", "fin", "dns", "ping"]),
        .init(
            about: "everything from the destination", direction: .destinationToSource,
            takes: ["synack", "answer", "pong", "unreachable"]),
        .init(
            about: "ports turn with the direction",
            packet: PacketSelection(transports: [.tcp(.init(dstPort: 80), flags: [])]),
            direction: .both, takes: ["syn", "synack", "fin"]),
        .init(
            about: "a protocol by name, in any case",
            packet: PacketSelection(protocol: .name("udp")),
            direction: .both, takes: ["dns", "answer"]),
        .init(
            about: "SYN without ACK",
            packet: PacketSelection(transports: [.tcp(.init(), flags: [.init(value: 2, mask: 18)])]
            ),
            direction: .both, takes: ["syn"]),
        .init(
            about: "the mask is the value where none is written",
            packet: PacketSelection(transports: [.tcp(.init(), flags: [.init(value: 2)])]),
            direction: .both, takes: ["syn", "synack"]),
        .init(
            about: "one of several flags",
            packet: PacketSelection(
                transports: [.tcp(.init(), flags: [.init(value: 1), .init(value: 18)])]),
            direction: .both, takes: ["synack", "fin"]),
        .init(
            about: "ICMP messages by name and number",
            packet: PacketSelection(
                transports: [
                    .icmp([.init(type: .name("icmp-echo")), .init(type: .number(3), code: 3)])
                ]), direction: .both, takes: ["ping", "unreachable"]),
        .init(
            about: "a code that does not fit",
            packet: PacketSelection(transports: [.icmp([.init(type: .number(3), code: 1)])]),
            direction: .both, takes: []),
        .init(about: "IPv6", packet: PacketSelection(ipFamily: .v6), direction: .both, takes: []),
    ]

    @Test(arguments: filters) func aFilterTakesWhatItSays(row: FilterRow) throws {
        let spec = Spec(
            source: Self.pod, destination: .init(pod: .init(name: "q")), firstN: 1,
            direction: row.direction, packet: row.packet)
        let filter = try CaptureFilter(spec) { pod, family in
            IPAddress(
                family == .v4
                    ? (pod.name == "p" ? "10.0.0.1" : "10.0.0.2")
                    : (pod.name == "p" ? "fd00::1" : "fd00::2"))
        }
        #expect(Self.passing.filter { filter.takes($0.1) }.map(\.0) == row.takes)
    }

    @Test(
        arguments: [
            (PacketSelection(protocol: .name("QUIC")), "invalid protocol \"QUIC\""),
            (PacketSelection(protocol: .number(256)), "invalid protocol 256"),
            (
                PacketSelection(
                    ipFamily: .v6, transports: [.icmpv6([.init(type: .name("icmpv6-ech"))])]),
                "invalid icmpv6 type \"icmpv6-ech\""
            ),
            (
                PacketSelection(protocol: .number(17), transports: [.tcp(.init(), flags: [])]),
                "protocol 17 has no such transport header"
            ),
            (PacketSelection(ipFamily: .v6), "Pod default/p is not there, or has no IPv6 address"),
        ] as [(PacketSelection, String)])
    func aFilterThatMeansNothingSaysWhy(packet: PacketSelection, why: String) {
        let spec = Spec(source: Self.pod, firstN: 1, packet: packet)
        #expect {
            try CaptureFilter(spec) { _, family in
                family == .v4
                    ? IPAddress("10.0.0.1") : why.contains("Pod") ? nil : IPAddress("fd00::1")
            }
        } throws: {
            "\($0)".hasPrefix(why)
        }
    }
}
