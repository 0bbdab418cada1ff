import Foundation
import TestBinary
import Testing
import Traceflow

@testable import tracectl

/// antctl's words for a packet and for names.
struct FlowTests {
    @Test(arguments: [
        (
            "udp,udp_src=1234,udp_dst=4321",
            Packet(
                ipHeader: IPHeader(protocol: 17),
                transportHeader: TransportHeader(udp: UDPHeader(srcPort: 1234, dstPort: 4321)))
        ),
        (" icmp,", Packet(ipHeader: IPHeader(protocol: 1), transportHeader: TransportHeader())),
        (
            "tcp,tcp_dst=4321",
            Packet(
                ipHeader: IPHeader(protocol: 6),
                transportHeader: TransportHeader(tcp: TCPHeader(dstPort: 4321)))
        ),
        (
            "tcp,tcp_dst=4321,ipv6",
            Packet(
                ipv6Header: IPv6Header(nextHeader: 6),
                transportHeader: TransportHeader(tcp: TCPHeader(dstPort: 4321)))
        ),
    ])
    func aFlowIsAPacket(text: String, packet: Packet) throws {
        #expect(try FlowText.packet(text) == packet)
    }

    @Test func fieldsWithoutANumberAreZero() throws {
        #expect(try FlowText.fields("a=1,b") == ["a": 1, "b": 0])
    }

    @Test(arguments: ["a=", "=1", "a=1=2", "tcp_dst=0x50", "tcp_dst=x"])
    func aWrongFieldIsAnError(text: String) {
        #expect(throws: (any Error).self) { try FlowText.fields(text) }
    }

    @Test(
        arguments: [
            ("default/pod1", "default/pod2", "default-pod1-to-default-pod2"),
            ("default/pod1", "fc00:f853:ccd:e793::2", "default-pod1-to-fc00-f853-ccd-e793-2"),
            ("pod1", "10.0.0.1", "default-pod1-to-10.0.0.1"), (nil, "a/b", "any-to-a-b"),
        ] as [(String?, String?, String)])
    func aTraceByFlagsIsNamedAfterItsEnds(from: String?, to: String?, name: String) {
        #expect(TraceForm.name(from: from, to: to, suffix: nil) == name)
        #expect(TraceForm.name(from: from, to: to, suffix: "abcdefgh") == name + "-abcdefgh")
        #expect(ObjectName.fault(in: name) == nil)
    }

    @Test func theFormOfFlagsRunsATrace() throws {
        let binary = try Binary()
        let result = try binary.run([
            "run", "--cluster", binary.cluster, "-S", "pod1", "-D", "default/tf-destination",
            "--flow", "tcp,tcp_dst=80", "-o", "yaml", "--expect", "delivered",
        ])
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.output.contains("service: tf-destination"))
        #expect(result.output.contains("timeout: 10"))
        let missed = try binary.run(
            ["run", "-S", "pod1", "-D", "pod2", "--expect", "delivered", "-o", "name"])
        #expect(missed.status == 1, "ICMP is dropped")
        #expect(missed.errors.contains("expected delivered"))
    }
}
