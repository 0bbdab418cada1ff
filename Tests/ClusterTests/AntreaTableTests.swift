import Packets
import Testing
import Traceflow

@testable import Cluster

/// The tables of Antrea's agent (pkg/agent/controller/traceflow, packetin.go and its tests).
struct AntreaTableTests {
    struct OutputRow: Sendable, CustomTestStringConvertible {
        var id: String
        var modes: [TrafficMode]
        var usesWireGuard = false
        var port: OutputPort
        var isToOwnGateway = false
        var isToPods = false
        var isMarked = false
        var action: Action
        var namesPeer = false
        var testDescription: String { id }
    }

    static let outputs: [OutputRow] = [
        OutputRow(
            id: "out-tunnel", modes: [.encap, .hybrid], port: .tunnel, isToPods: true,
            action: .forwarded, namesPeer: true),
        OutputRow(
            id: "out-own-gateway-ip", modes: TrafficMode.allCases, port: .gateway,
            isToOwnGateway: true, isToPods: true, action: .delivered),
        OutputRow(
            id: "out-encap-gw", modes: [.encap], port: .gateway, isToPods: true,
            action: .forwardedOutOfNetwork),
        OutputRow(
            id: "out-wireguard-gw", modes: [.encap, .hybrid], usesWireGuard: true, port: .gateway,
            isToPods: true, action: .forwarded, namesPeer: true),
        OutputRow(
            id: "WireGuard, marked", modes: [.encap, .hybrid], usesWireGuard: true,
            port: .gateway, isToPods: true, isMarked: true, action: .forwardedOutOfNetwork),
        OutputRow(
            id: "WireGuard, outside", modes: [.encap, .hybrid], usesWireGuard: true,
            port: .gateway, action: .forwardedOutOfNetwork),
        OutputRow(
            id: "out-hybrid-gw-pod", modes: [.hybrid], port: .gateway, isToPods: true,
            action: .forwarded),
        OutputRow(
            id: "out-hybrid-gw-external", modes: [.hybrid], port: .gateway,
            action: .forwardedOutOfNetwork),
        OutputRow(
            id: "pin-hybrid-marked", modes: [.hybrid], port: .gateway, isToPods: true,
            isMarked: true, action: .forwardedOutOfNetwork),
        OutputRow(
            id: "out-nponly-pod, out-noencap-pod", modes: [.networkPolicyOnly, .noEncap],
            port: .gateway, isToPods: true, action: .forwarded),
        OutputRow(
            id: "out-nponly-external, out-noencap-external", modes: [.networkPolicyOnly, .noEncap],
            port: .gateway, action: .forwardedOutOfNetwork),
        OutputRow(
            id: "out-pod-port", modes: TrafficMode.allCases, port: .pod, isToPods: true,
            action: .delivered),
    ]

    @Test(arguments: outputs)
    func aPortAndAModeSayWhatLeavingMeans(_ row: OutputRow) {
        for mode in row.modes {
            var network = PodNetwork()
            network.mode = mode
            network.usesWireGuard = row.usesWireGuard
            let output = Output(
                port: row.port, network: network, isToOwnGateway: row.isToOwnGateway,
                isToPods: row.isToPods, isMarked: row.isMarked)
            #expect(output.action == (row.action, row.namesPeer), "\(mode)")
        }
    }

    /// A policy and the one observation it makes of a packet from `a` to `near`.
    static let observations: [(id: String, policy: String, observation: Observation)] = [
        (
            "pin-acnp-egress-allow",
            Town.antrea(
                "acnp-1",
                "{priority: 1, appliedTo: [{podSelector: {matchLabels: {app: a}}}], egress: [{action: Allow, name: egress-allow-rule}]}"
            ),
            Observation(
                .networkPolicy, .forwarded, componentInfo: "EgressRule",
                networkPolicy: "AntreaClusterNetworkPolicy:acnp-1",
                networkPolicyRule: "egress-allow-rule")
        ),
        (
            "pin-acnp-ingress-allow",
            Town.antrea(
                "acnp-2",
                "{priority: 1, appliedTo: [{podSelector: {}}], ingress: [{action: Allow, name: ingress-allow-rule}]}"
            ),
            Observation(
                .networkPolicy, .forwarded, componentInfo: "IngressRule",
                networkPolicy: "AntreaClusterNetworkPolicy:acnp-2",
                networkPolicyRule: "ingress-allow-rule")
        ),
        (
            "pin-acnp-egress-drop",
            Town.antrea(
                "acnp-3",
                "{priority: 1, appliedTo: [{podSelector: {matchLabels: {app: a}}}], egress: [{action: Drop, name: egress-drop-rule}]}"
            ),
            Observation(
                .networkPolicy, .dropped, componentInfo: "EgressMetric",
                networkPolicy: "AntreaClusterNetworkPolicy:acnp-3",
                networkPolicyRule: "egress-drop-rule")
        ),
        (
            "np-ingress-metric",
            Town.antrea(
                "annp",
                "{priority: 1, appliedTo: [{podSelector: {}}], ingress: [{action: Reject, name: r}]}",
                in: "t"),
            Observation(
                .networkPolicy, .rejected, componentInfo: "IngressMetric",
                networkPolicy: "AntreaNetworkPolicy:t/annp", networkPolicyRule: "r")
        ),
        (
            "np-egress-default",
            Town.policy(
                "np", "{podSelector: {matchLabels: {app: a}}, policyTypes: [Egress]}", in: "t"),
            Observation(.networkPolicy, .dropped, componentInfo: "EgressDefaultRule")
        ),
        (
            "np-egress-accept",
            Town.policy(
                "np", "{podSelector: {matchLabels: {app: a}}, policyTypes: [Egress], egress: [{}]}",
                in: "t"),
            Observation(
                .networkPolicy, .forwarded, componentInfo: "EgressRule",
                networkPolicy: "K8sNetworkPolicy:t/np")
        ),
        (
            "a ClusterNetworkPolicy prints no slash",
            Town.admin(
                "ClusterNetworkPolicy", "cnp",
                "{tier: Admin, priority: 1, subject: {namespaces: {}}, ingress: [{action: Deny, name: no-one, from: [{namespaces: {}}]}]}"
            ),
            Observation(
                .networkPolicy, .dropped, componentInfo: "IngressMetric",
                networkPolicy: "K8sClusterNetworkPolicy:cnp", networkPolicyRule: "no-one")
        ),
        (
            "an AdminNetworkPolicy prints one",
            Town.admin(
                "AdminNetworkPolicy", "anp",
                "{priority: 1, subject: {namespaces: {}}, ingress: [{action: Deny, name: no-one, from: [{namespaces: {}}]}]}",
                version: "v1alpha1"),
            Observation(
                .networkPolicy, .dropped, componentInfo: "IngressMetric",
                networkPolicy: "AdminNetworkPolicy:/anp", networkPolicyRule: "no-one")
        ),
    ]

    @Test(arguments: observations.indices)
    func aPolicyIsObserved(number: Int) throws {
        let row = Self.observations[number]
        let finder = try PathTests.finder(row.policy)
        let spec = TraceflowSpec(
            source: .init(namespace: "t", pod: "a"),
            destination: .init(namespace: "t", pod: "near"), packet: PathTests.http)
        let reports = finder.reports(
            for: spec, version: .v1beta1, traffic: [], choose: { _ in 0 })
        guard case .observed(let steps, _) = reports.first?.content else {
            Issue.record("\(row.id): no report")
            return
        }
        #expect(steps.filter { $0.component == .networkPolicy } == [row.observation], "\(row.id)")
    }

    /// A captured packet as it is told, by the transport that was seen.
    @Test func aCapturedPacketIsToldByItsHeaders() throws {
        let step = Walk.Step(node: "n", observations: [], hops: 0)
        func told(_ packet: TrafficPacket) -> CapturedPacket {
            packet.captured(at: step, in: .v1beta1)
        }
        let v4 = try #require(IPAddress("10.0.0.1"))
        let v6 = try #require(IPAddress("fd00::1"))
        func seen(
            _ address: IPAddress, _ protocolNumber: UInt8, _ ttl: UInt8, flags: UInt8,
            _ length: Int, _ transport: TrafficPacket.Transport
        ) -> TrafficPacket {
            TrafficPacket(
                frame: PacketFrame(nanoseconds: 0, link: .rawIP, bytes: []), source: address,
                destination: address,
                protocol: protocolNumber, ttl: ttl, flags: flags, length: length,
                transport: transport)
        }
        let tcp = told(seen(v4, 6, 64, flags: 1, 1000, .tcp(srcPort: 1080, dstPort: 80, flags: 2)))
        #expect(tcp.length == 1000)
        #expect(tcp.headers.ipHeader == IPHeader(protocol: 6, ttl: 64, flags: 1))
        #expect(
            tcp.headers.transportHeader
                == TransportHeader(tcp: TCPHeader(srcPort: 1080, dstPort: 80, flags: 2)))
        let udp = told(seen(v4, 17, 128, flags: 0, 50, .udp(srcPort: 1080, dstPort: 80)))
        #expect(udp.headers.ipHeader == IPHeader(protocol: 17, ttl: 128))
        let echo = told(
            seen(v6, 58, 8, flags: 0, 1000, .icmp(type: 128, code: 0, id: 1, sequence: 123)))
        #expect(echo.headers.ipv6Header == IPv6Header(nextHeader: 58, hopLimit: 8))
        #expect(
            echo.headers.transportHeader
                == TransportHeader(icmp: ICMPEchoHeader(id: 1, sequence: 123)))
    }
}
