import Testing
import Traceflow

/// Antrea's webhook rules, in its order (validate.go).
struct AdmissionTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var id: String
        var spec: TraceflowSpec
        var denial: Denial?
        var testDescription: String { id }
    }

    static let pods: [String: PodFacts] = [
        "e2e/a0": PodFacts(usesHostNetwork: false),
        "e2e/hostnet-pod": PodFacts(usesHostNetwork: true),
    ]

    static let rows: [Row] = [
        Row(
            id: "a source Pod is required",
            spec: TraceflowSpec(destination: .init(namespace: "e2e", pod: "hostnet-pod")),
            denial: .sourcePodRequired),
        Row(
            id: "a live trace names a Pod", spec: TraceflowSpec(liveTraffic: true),
            denial: .noPod(trace: "t")),
        Row(
            id: "the source Pod exists",
            spec: TraceflowSpec(source: .init(namespace: "foo", pod: "bar")),
            denial: .sourcePodNotFound(namespace: "foo", pod: "bar")),
        Row(
            id: "the source Pod is not on the host network",
            spec: TraceflowSpec(source: .init(namespace: "e2e", pod: "hostnet-pod")),
            denial: .sourceUsesHostNetwork(namespace: "e2e", pod: "hostnet-pod")),
        Row(
            id: "a live trace may start on the host network",
            spec: TraceflowSpec(
                source: .init(namespace: "e2e", pod: "hostnet-pod"), liveTraffic: true),
            denial: nil),
        Row(
            id: "no destination is admitted",
            spec: TraceflowSpec(source: .init(namespace: "e2e", pod: "a0")), denial: nil),
        Row(
            id: "the namespace is not defaulted",
            spec: TraceflowSpec(
                source: .init(pod: "a0"), destination: .init(namespace: "e2e", pod: "a1")),
            denial: .sourcePodRequired),
        Row(
            id: "live from an address to an address",
            spec: TraceflowSpec(
                source: .init(ip: "10.0.0.1"), destination: .init(ip: "10.0.0.2"),
                liveTraffic: true),
            denial: .noPod(trace: "t")),
        Row(
            id: "live from an address to a Service",
            spec: TraceflowSpec(
                source: .init(ip: "10.0.0.1"),
                destination: .init(namespace: "e2e", service: "svc-v4"), liveTraffic: true),
            denial: .noPod(trace: "t")),
        Row(
            id: "live from an address to a Pod",
            spec: TraceflowSpec(
                source: .init(ip: "10.0.0.1"), destination: .init(namespace: "e2e", pod: "a1"),
                liveTraffic: true),
            denial: nil),
        Row(
            id: "live from anywhere to a Pod",
            spec: TraceflowSpec(
                destination: .init(namespace: "e2e", pod: "a1"), liveTraffic: true), denial: nil),
        Row(
            id: "an address cannot inject",
            spec: TraceflowSpec(
                source: .init(ip: "10.0.0.1"), destination: .init(namespace: "e2e", pod: "a1")),
            denial: .sourcePodRequired),
        Row(
            id: "several destinations are admitted",
            spec: TraceflowSpec(
                source: .init(namespace: "e2e", pod: "a0", ip: "10.0.0.1"),
                destination: .init(namespace: "e2e", pod: "a1", service: "s", ip: "10.0.0.2")),
            denial: nil),
        Row(
            id: "a missing destination Pod is admitted",
            spec: TraceflowSpec(
                source: .init(namespace: "e2e", pod: "a0"),
                destination: .init(namespace: "e2e", pod: "nope"), droppedOnly: true),
            denial: nil),
    ]

    @Test(arguments: rows)
    func theWebhookAdmitsAndDeniesAsAntreas(_ row: Row) {
        let denial = Denial.reason(name: "t", spec: row.spec) { Self.pods["\($0)/\($1)"] }
        #expect(denial == row.denial)
    }
}

struct SchemaTests {
    static func with(_ change: (inout TraceflowSpec) -> Void) -> TraceflowSpec {
        var spec = TraceflowSpec(
            source: .init(namespace: "e2e", pod: "a0"),
            destination: .init(namespace: "e2e", pod: "a1"))
        change(&spec)
        return spec
    }

    struct Row: Sendable {
        var spec: TraceflowSpec
        var field: String?
    }

    static func packet(_ packet: Packet) -> TraceflowSpec { with { $0.packet = packet } }
    static func transport(_ header: TransportHeader) -> TraceflowSpec {
        packet(Packet(transportHeader: header))
    }

    static let rows: [Row] = [
        Row(spec: with { $0.timeout = 0 }, field: "spec.timeout"),
        Row(spec: with { $0.timeout = 1 }), Row(spec: with { $0.timeout = 300 }),
        Row(spec: with { $0.timeout = 301 }, field: "spec.timeout"),
        Row(spec: with { $0.destination = .init(ip: "1.1.1.300") }, field: "spec.destination.ip"),
        Row(spec: with { $0.source = .init(ip: "x") }, field: "spec.source.ip"),
        Row(spec: packet(Packet(ipHeader: .init(protocol: 255, ttl: 255, flags: 7)))),
        Row(
            spec: packet(Packet(ipHeader: .init(protocol: 256))),
            field: "spec.packet.ipHeader.protocol"),
        Row(spec: packet(Packet(ipHeader: .init(ttl: 256))), field: "spec.packet.ipHeader.ttl"),
        Row(spec: packet(Packet(ipHeader: .init(flags: 8))), field: "spec.packet.ipHeader.flags"),
        Row(spec: packet(Packet(ipv6Header: .init(nextHeader: 65535)))),
        Row(
            spec: packet(Packet(ipv6Header: .init(nextHeader: 65536))),
            field: "spec.packet.ipv6Header.nextHeader"),
        Row(
            spec: packet(Packet(ipv6Header: .init(hopLimit: 65536))),
            field: "spec.packet.ipv6Header.hopLimit"),
        Row(
            spec: transport(.init(tcp: .init(dstPort: 0))),
            field: "spec.packet.transportHeader.tcp.dstPort"),
        Row(
            spec: transport(.init(tcp: .init(dstPort: 65536))),
            field: "spec.packet.transportHeader.tcp.dstPort"),
        Row(
            spec: transport(.init(udp: .init(srcPort: 0))),
            field: "spec.packet.transportHeader.udp.srcPort"),
        Row(spec: transport(.init(tcp: .init(flags: 255)))),
        Row(
            spec: transport(.init(tcp: .init(flags: 256))),
            field: "spec.packet.transportHeader.tcp.flags"),
        Row(spec: transport(.init(icmp: .init(id: 65535, sequence: 65535)))),
        Row(
            spec: transport(.init(icmp: .init(id: 65536))),
            field: "spec.packet.transportHeader.icmp.id"),
    ]

    @Test(arguments: rows)
    func v1beta1RefusesWhatItsSchemaRefuses(_ row: Row) {
        #expect(SchemaViolation.first(in: row.spec, of: .v1beta1)?.field == row.field)
    }

    @Test func v1alpha1HasNoRangesBut16BitsOfTimeout() {
        let large = Self.with { $0.timeout = 65535 }
        #expect(SchemaViolation.first(in: large, of: .v1alpha1) == nil)
        let larger = Self.with { $0.timeout = 65536 }
        #expect(SchemaViolation.first(in: larger, of: .v1alpha1)?.field == "spec.timeout")
        let ports = Self.transport(.init(tcp: .init(dstPort: 70000)))
        #expect(SchemaViolation.first(in: ports, of: .v1alpha1) == nil)
    }

    @Test(arguments: [
        ("a", true), ("a-b.c", true), ("0", true), ("", false), ("A", false), ("a_b", false),
        ("-a", false), ("a-", false), ("a..b", false), ("a/b", false), ("ä", false),
        (String(repeating: "a", count: 254), false),
    ])
    func namesAreKubernetesNames(name: String, legal: Bool) {
        #expect((ObjectName.fault(in: name) == nil) == legal)
    }
}
