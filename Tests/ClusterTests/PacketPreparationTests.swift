import Testing
import Traceflow

@testable import Cluster

/// What an agent makes of a request (TestPreparePacket in pkg/agent/controller/traceflow).
struct PacketPreparationTests {
    static let manifests = """
        {apiVersion: v1, kind: Node, metadata: {name: n1}, spec: {podCIDRs: [192.168.10.0/24]}}
        ---
        {apiVersion: v1, kind: Node, metadata: {name: n2}, spec: {podCIDRs: [192.168.11.0/24]},
         status: {addresses: [{type: InternalIP, address: 192.168.77.77}]}}
        ---
        {apiVersion: v1, kind: Pod, metadata: {name: pod-1}, spec: {nodeName: n1},
         status: {podIP: 192.168.10.10}}
        ---
        {apiVersion: v1, kind: Pod, metadata: {name: pod-2}, spec: {nodeName: n1},
         status: {podIP: 192.168.11.10}}
        ---
        {apiVersion: v1, kind: Pod, metadata: {name: pod-3}, spec: {nodeName: n2}}
        ---
        {apiVersion: v1, kind: Pod, metadata: {name: pod-6}, spec: {nodeName: n1},
         status: {podIP: "fd00:10:244:1::10"}}
        ---
        {apiVersion: v1, kind: Pod, metadata: {name: far}, spec: {nodeName: n2},
         status: {podIP: 192.168.11.20}}
        ---
        {apiVersion: v1, kind: Service, metadata: {name: svc-1}, spec: {clusterIP: 10.96.0.1,
         ports: [{port: 80}]}}
        ---
        {apiVersion: v1, kind: Service, metadata: {name: svc-2}, spec: {clusterIP: None}}
        ---
        {apiVersion: v1, kind: Service, metadata: {name: svc-3}, spec: {clusterIP: "fd00:10:96::1"}}
        """

    enum Expectation: Sendable {
        case packet(PreparedPacket)
        case error(String)
    }

    struct Row: Sendable, CustomTestStringConvertible {
        var id: String
        var from: String? = "pod-1"
        var sourceIP: String?
        var to: TraceflowSpec.Destination?
        var isLive = false
        var packet: Packet?
        var expected: Expectation
        var testDescription: String { id }

        var spec: TraceflowSpec {
            TraceflowSpec(
                source: .init(namespace: "default", pod: from, ip: sourceIP), destination: to,
                packet: packet, liveTraffic: isLive ? true : nil)
        }
    }

    /// The end of an IPv4 address, in hexadecimal, ends the hardware address.
    static func mac(_ pod: String) -> MACAddress {
        MACAddress(ofInterfaceAt: address(pod))
    }

    static func address(_ text: String) -> IPAddress {
        IPAddress(text) ?? IPAddress(family: .v4, bits: 0)
    }

    /// From pod-1 to pod-2, on one node.
    static func injected(_ change: (inout PreparedPacket) -> Void) -> Expectation {
        var packet = PreparedPacket(
            family: .v4, sourceIP: address("192.168.10.10"), sourceMAC: mac("192.168.10.10"),
            destinationIP: address("192.168.11.10"), destinationMAC: mac("192.168.11.10"),
            ttl: 64, flags: 0)
        change(&packet)
        return .packet(packet)
    }

    static func pod(_ name: String) -> TraceflowSpec.Destination {
        .init(namespace: "default", pod: name)
    }

    static func service(_ name: String) -> TraceflowSpec.Destination {
        .init(namespace: "default", service: name)
    }

    static func tcp(_ flags: Int?) -> Packet {
        Packet(
            transportHeader: TransportHeader(tcp: TCPHeader(srcPort: 80, dstPort: 81, flags: flags))
        )
    }

    static let v6 = Packet(ipv6Header: IPv6Header())

    static let refused: [Row] = [
        Row(
            id: "pkt-bad-dst-ip", to: .init(ip: "1.1.1.300"),
            expected: .error("destination IP is not valid: 1.1.1.300")),
        Row(id: "pkt-no-destination", expected: .error("destination is not specified")),
        Row(
            id: "pkt-src-no-v4", from: "pod-3", to: pod("pod-2"),
            expected: .error("source Pod does not have an IPv4 address")),
        Row(
            id: "pkt-src-no-v6", from: "pod-3", to: pod("pod-2"), packet: v6,
            expected: .error("source Pod does not have an IPv6 address")),
        Row(
            id: "pkt-dst-family-mismatch", to: .init(ip: "192.168.1.2"), isLive: true, packet: v6,
            expected: .error("destination IP family is different from the packet's")),
        Row(
            id: "pkt-src-family-mismatch", from: nil, sourceIP: "192.168.1.2", to: pod("pod-1"),
            isLive: true, packet: v6,
            expected: .error("source IP family is different from the packet's")),
        Row(
            id: "pkt-dst-pod-missing", to: pod("unknown pod"),
            expected: .error(
                "failed to get the destination Pod: pods \"unknown pod\" not found")),
        Row(
            id: "pkt-dst-pod-no-v4", to: pod("pod-3"), isLive: true,
            expected: .error("destination Pod does not have an IPv4 address")),
        Row(
            id: "pkt-dst-pod-no-v6", to: pod("pod-3"), isLive: true, packet: v6,
            expected: .error("destination Pod does not have an IPv6 address")),
        Row(
            id: "pkt-headless-service-v6", from: "pod-6", to: service("svc-2"), packet: v6,
            expected: .error("destination Service does not have a ClusterIP")),
        Row(
            id: "pkt-service-no-ports-v6", from: "pod-6", to: service("svc-3"), packet: v6,
            expected: .error("destination Service does not have any port")),
    ]

    static let injections: [Row] = [
        Row(
            id: "pkt-tcp-flags", to: pod("pod-2"), packet: tcp(11),
            expected: injected {
                ($0.protocol, $0.sourcePort, $0.destinationPort) = (6, 80, 81)
                $0.tcpFlags = 11
            }),
        Row(
            id: "TCP without any flag is not TCP with the default", to: pod("pod-2"),
            packet: tcp(0),
            expected: injected {
                ($0.protocol, $0.sourcePort, $0.destinationPort) = (6, 80, 81)
                $0.tcpFlags = 0
            }),
        Row(
            id: "pkt-tcp-default-syn", to: pod("pod-2"), packet: tcp(nil),
            expected: injected {
                ($0.protocol, $0.sourcePort, $0.destinationPort) = (6, 80, 81)
                $0.tcpFlags = 2
            }),
        Row(
            id: "pkt-udp", to: pod("pod-2"),
            packet: Packet(
                transportHeader: TransportHeader(udp: UDPHeader(srcPort: 90, dstPort: 100))),
            expected: injected {
                ($0.protocol, $0.sourcePort, $0.destinationPort) = (17, 90, 100)
            }),
        Row(
            id: "pkt-icmp", to: pod("pod-2"),
            packet: Packet(
                transportHeader: TransportHeader(icmp: ICMPEchoHeader(id: 10, sequence: 20))),
            expected: injected {
                $0.protocol = 1
                $0.echo = .init(type: 8, id: 10, sequence: 20)
            }),
        Row(
            id: "a request that states nothing asks for an echo", to: pod("pod-2"),
            expected: injected {
                $0.protocol = 1
                $0.echo = .init(type: 8, id: 0, sequence: 0)
            }),
        Row(
            id: "TTL and flags as stated, to a Pod whose hardware address only its node knows",
            to: pod("far"), packet: Packet(ipHeader: IPHeader(protocol: 47, ttl: 9, flags: 2)),
            expected: injected {
                $0.destinationIP = address("192.168.11.20")
                $0.destinationMAC = nil
                ($0.protocol, $0.ttl, $0.flags) = (47, 9, 2)
            }),
        Row(
            id: "pkt-service-defaults", to: service("svc-1"), packet: Packet(ipHeader: IPHeader()),
            expected: injected {
                ($0.destinationIP, $0.destinationMAC) = (address("10.96.0.1"), nil)
                ($0.protocol, $0.destinationPort, $0.tcpFlags) = (6, 80, 2)
            }),
        Row(
            id: "pkt-service-override", to: service("svc-1"),
            packet: Packet(
                ipHeader: IPHeader(protocol: 17),
                transportHeader: TransportHeader(udp: UDPHeader(dstPort: 8080))),
            expected: injected {
                ($0.destinationIP, $0.destinationMAC) = (address("10.96.0.1"), nil)
                ($0.protocol, $0.destinationPort) = (17, 8080)
            }),
        Row(
            id: "ICMP under an IPv6 header is ICMPv6, and a hop limit is a byte", from: "pod-6",
            to: .init(ip: "2001:db8::68"),
            packet: Packet(ipv6Header: IPv6Header(nextHeader: 1, hopLimit: 0x105)),
            expected: .packet(
                PreparedPacket(
                    family: .v6, sourceIP: address("fd00:10:244:1::10"),
                    sourceMAC: mac("0.0.0.16"), destinationIP: address("2001:db8::68"),
                    protocol: 58, ttl: 5, echo: .init(type: 128, id: 0, sequence: 0)))),
    ]

    static let matches: [Row] = [
        Row(
            id: "pkt-receiver-only-src-ip", from: nil, sourceIP: "192.168.12.4", to: pod("pod-1"),
            isLive: true, packet: Packet(ipHeader: IPHeader()),
            expected: .packet(
                PreparedPacket(
                    family: .v4, sourceIP: address("192.168.12.4"),
                    destinationMAC: mac("192.168.10.10")))),
        Row(
            id: "pkt-live-v6-dst-ip", to: .init(ip: "2001:db8::68"), isLive: true,
            packet: Packet(ipv6Header: IPv6Header(nextHeader: 58)),
            expected: .packet(
                PreparedPacket(family: .v6, destinationIP: address("2001:db8::68"), protocol: 58))),
        Row(
            id: "a live match has no default, and none of a Service's", to: service("svc-1"),
            isLive: true, packet: Packet(ipHeader: IPHeader()),
            expected: .packet(PreparedPacket(family: .v4, destinationIP: address("10.96.0.1")))),
    ]

    static func prepared(_ row: Row) throws -> PreparedPacket {
        let cluster = try Cluster(ManifestReader.read(text: manifests, file: "f"))
        func pod(_ name: String?) throws -> Int {
            try #require(cluster.pod("default/\(name ?? "")"))
        }
        if !row.isLive {
            return try cluster.injectedPacket(of: row.spec, from: try pod(row.from))
        }
        if row.from != nil { return try cluster.sentMatch(of: row.spec) }
        return try cluster.receivedMatch(of: row.spec, at: try pod(row.to?.pod))
    }

    @Test(arguments: refused + injections + matches)
    func anAgentMakesAPacketOfARequest(_ row: Row) throws {
        switch row.expected {
        case .packet(let packet): #expect(try Self.prepared(row) == packet)
        case .error(let text):
            #expect(throws: AgentError(text: text)) { try Self.prepared(row) }
        }
    }

    @Test func anInterfacesHardwareAddressEndsAsItsAddressDoes() {
        #expect(Self.mac("192.168.10.255").description == "0a:58:c0:a8:0a:ff")
    }
}
