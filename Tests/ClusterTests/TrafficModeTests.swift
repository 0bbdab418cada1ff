import Cluster
import Testing
import Traceflow

/// What leaves a node and how it is told, in every traffic mode (packetin.go of Antrea's agent).
struct TrafficModeTests {
    static let egress = """
        {apiVersion: crd.antrea.io/v1beta1, kind: Egress, metadata: {name: EG}, spec: {appliedTo:
         {podSelector: {matchLabels: {app: a}}}, egressIP: ADDRESS}, status: {egressNode: NODE}}
        """

    static func egress(_ address: String, on node: String) -> String {
        egress.replacing("ADDRESS", with: address).replacing("NODE", with: node)
    }

    /// The agents' configuration as a ConfigMap holds it.
    static func configuration(_ text: String) -> String {
        """
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: antrea-config, namespace: kube-system}
        data:
          antrea-agent.conf: |
            # Comments stand between the lines.
            \(text.replacing("\n", with: "\n    "))
        """
    }

    struct Row: Sendable, CustomTestStringConvertible {
        var about: String
        var documents: [String]
        var destination: TraceflowSpec.Destination
        var packet: Packet?
        var path: String
        var testDescription: String { about }
    }

    static let far = TraceflowSpec.Destination(namespace: "t", pod: "far")
    static let outside = TraceflowSpec.Destination(ip: "1.1.1.1")
    static let tunnel = "n1: SpoofGuard Forwarded, Output Forwarded 192.168.0.2"
    static let plain = "n1: SpoofGuard Forwarded, Output Forwarded"
    static let arrives = " | n2: Forwarding Received, Output Delivered"
    static let out = "n1: SpoofGuard Forwarded, Output ForwardedOutOfNetwork"

    static let rows: [Row] = [
        Row(
            about: "noEncap goes by the gateway, without a tunnel",
            documents: [configuration("trafficEncapMode: noEncap")], destination: far,
            path: plain + arrives),
        Row(
            about: "noEncap, outside",
            documents: [configuration("trafficEncapMode: noEncap")], destination: outside,
            path: out),
        Row(
            about: "hybrid without a tunnel between neighbours",
            documents: [configuration("trafficEncapMode: Hybrid")], destination: far,
            path: plain + arrives),
        Row(
            about: "hybrid with a tunnel to another subnet",
            documents: [
                configuration("trafficEncapMode: hybrid"),
                """
                {apiVersion: v1, kind: Node, metadata: {name: n2}, spec: {podCIDRs: [10.0.2.0/24]},
                 status: {addresses: [{type: InternalIP, address: 192.168.7.2}]}}
                """,
            ], destination: far,
            path: tunnel.replacing("192.168.0.2", with: "192.168.7.2") + arrives),
        Row(
            about: "networkPolicyOnly knows its ranges of Pods",
            documents: [
                configuration("trafficEncapMode: networkPolicyOnly\npodCIDRs: [10.0.0.0/16]")
            ], destination: far, path: plain + arrives),
        Row(
            about: "networkPolicyOnly, outside its ranges",
            documents: [
                configuration("trafficEncapMode: networkPolicyOnly\npodCIDRs: [10.7.0.0/16]")
            ], destination: outside, path: out),
        Row(
            about: "WireGuard names the peer node",
            documents: [configuration("trafficEncryptionMode: wireGuard")], destination: far,
            path: tunnel + arrives),
        Row(
            about: "WireGuard, outside",
            documents: [configuration("trafficEncryptionMode: wireGuard")], destination: outside,
            path: out),
        Row(
            about: "the choice by hand is taken over the configuration",
            documents: [
                "{apiVersion: tracectl.dev/v1alpha1, kind: PodNetwork, metadata: {name: chosen}, spec: {trafficMode: noEncap}}",
                configuration("trafficEncapMode: encap"),
            ], destination: far, path: plain + arrives),
        Row(
            about: "another node's gateway is reached there",
            documents: [], destination: .init(ip: "10.0.2.1"), path: tunnel + arrives),
        Row(
            about: "a node is outside the Pod network",
            documents: [], destination: .init(ip: "192.168.0.2"), path: out),
        Row(
            about: "Egress on the own node", documents: [egress("192.168.0.1", on: "n1")],
            destination: outside,
            path:
                "n1: SpoofGuard Forwarded, Egress MarkedForSNAT EG 192.168.0.1 n1, Output ForwardedOutOfNetwork"
        ),
        Row(
            about: "Egress on another node", documents: [egress("192.168.0.99", on: "n2")],
            destination: outside,
            path:
                "n1: SpoofGuard Forwarded, Egress ForwardedToEgressNode EG 192.168.0.99 n2, Output Forwarded 192.168.0.99"
                + " | n2: Forwarding Received, Egress MarkedForSNAT 192.168.0.99, Output ForwardedOutOfNetwork"
        ),
        Row(
            about: "Egress in hybrid mode",
            documents: [
                egress("192.168.0.1", on: "n1"), configuration("trafficEncapMode: hybrid"),
            ], destination: outside,
            path:
                "n1: SpoofGuard Forwarded, Egress MarkedForSNAT EG 192.168.0.1 n1, Output ForwardedOutOfNetwork"
        ),
        Row(
            about: "there is no Egress without tunnels",
            documents: [
                egress("192.168.0.1", on: "n1"), configuration("trafficEncapMode: noEncap"),
            ], destination: outside, path: out),
        Row(
            about: "Egress leaves Pods alone", documents: [egress("192.168.0.1", on: "n1")],
            destination: far, path: tunnel + arrives),
        Row(
            about: "Egress leaves nodes alone", documents: [egress("192.168.0.1", on: "n1")],
            destination: .init(ip: "192.168.0.2"), path: out),
        Row(
            about: "Egress leaves alone what is excepted",
            documents: [
                egress("192.168.0.1", on: "n1"),
                configuration("egress:\n  exceptCIDRs: [1.1.0.0/16]"),
            ], destination: outside, path: out),
        Row(
            about: "an Egress of IPv4 takes no IPv6", documents: [egress("192.168.0.1", on: "n1")],
            destination: .init(ip: "2001:db8::1"), packet: PathTests.v6, path: out),
    ]

    static func text(_ reports: [NodeReport]) -> String {
        reports.map { report in
            guard case .observed(let steps, _) = report.content else { return "failed" }
            return "\(report.node): "
                + steps.map { step in
                    [
                        step.componentInfo ?? step.component.rawValue, step.action.rawValue,
                        step.egress, step.egressIP, step.egressNode, step.tunnelDstIP,
                        step.translatedDstIP,
                    ].compactMap { $0 }.joined(separator: " ")
                }.joined(separator: ", ")
        }.joined(separator: " | ")
    }

    @Test(arguments: rows)
    func aPacketLeaves(_ row: Row) throws {
        let finder = try PathTests.finder(row.documents.joined(separator: "\n---\n"))
        let spec = TraceflowSpec(
            source: .init(namespace: "t", pod: "a"), destination: row.destination,
            packet: row.packet)
        let reports = finder.reports(
            for: spec, version: .v1beta1, traffic: [], choose: { _ in 0 })
        #expect(Self.text(reports) == row.path)
    }

    @Test func theFirstVocabularyHasNoEgress() throws {
        let finder = try PathTests.finder(Self.egress("192.168.0.99", on: "n2"))
        let spec = TraceflowSpec(
            source: .init(namespace: "t", pod: "a"), destination: Self.outside)
        let reports = finder.reports(
            for: spec, version: .v1alpha1, traffic: [], choose: { _ in 0 })
        #expect(Self.text(reports) == "n1: SpoofGuard Forwarded, Output ForwardedOutOfOverlay")
    }
}
