import Cluster
import Packets
import Testing
import Traceflow

/// Paths through the pipeline, written as short text: `node: step, step | node: …`.
struct PathTests {
    static let manifests = """
        {apiVersion: v1, kind: Node, metadata: {name: n1}, spec: {podCIDRs: [10.0.1.0/24, "fd00:1::/64"]},
         status: {addresses: [{type: InternalIP, address: 192.168.0.1}]}}
        ---
        {apiVersion: v1, kind: Node, metadata: {name: n2}, spec: {podCIDRs: [10.0.2.0/24, "fd00:2::/64"]},
         status: {addresses: [{type: InternalIP, address: 192.168.0.2}, {type: InternalIP, address: "fd00:9::2"}]}}
        ---
        {apiVersion: v1, kind: Pod, metadata: {name: a, namespace: t, labels: {app: a}}, spec: {nodeName: n1},
         status: {podIPs: [{ip: 10.0.1.10}, {ip: "fd00:1::10"}]}}
        ---
        {apiVersion: v1, kind: Pod, metadata: {name: near, namespace: t}, spec: {nodeName: n1},
         status: {podIP: 10.0.1.11}}
        ---
        {apiVersion: v1, kind: Pod, metadata: {name: far, namespace: t, labels: {app: far}}, spec: {nodeName: n2,
         containers: [{name: c, ports: [{name: web, containerPort: 8080}]}]},
         status: {podIPs: [{ip: 10.0.2.10}, {ip: "fd00:2::10"}]}}
        ---
        {apiVersion: v1, kind: Service, metadata: {name: self, namespace: t}, spec: {clusterIP: 10.96.0.1,
         selector: {app: a}, ports: [{port: 80}]}}
        ---
        {apiVersion: v1, kind: Service, metadata: {name: far, namespace: t}, spec: {clusterIPs: [10.96.0.2,
         "fd00:96::2"], selector: {app: far}, ports: [{port: 80, targetPort: web}]}}
        ---
        {apiVersion: v1, kind: Service, metadata: {name: nobody, namespace: t}, spec: {clusterIP: 10.96.0.3,
         selector: {app: nobody}, ports: [{port: 80}]}}
        ---
        {apiVersion: v1, kind: Service, metadata: {name: headless, namespace: t}, spec: {clusterIP: None,
         ports: [{port: 80}]}}
        ---
        {apiVersion: v1, kind: Service, metadata: {name: portless, namespace: t}, spec: {clusterIP: 10.96.0.4}}
        """

    static func finder(_ more: String = "") throws -> PathFinder {
        let text = manifests + (more.isEmpty ? "" : "\n---\n" + more)
        return PathFinder(cluster: try Cluster(ManifestReader.read(text: text, file: "f")))
    }

    static func text(_ reports: [NodeReport]) -> String {
        reports.map { report in
            switch report.content {
            case .captured: return "\(report.node): packets"
            case .failed(let error): return "\(report.node) failed: \(error)"
            case .observed(let observations, _):
                let steps = observations.map { step in
                    [
                        step.componentInfo ?? step.component.rawValue, step.action.rawValue,
                        step.tunnelDstIP, step.translatedSrcIP, step.translatedDstIP,
                    ]
                    .compactMap { $0 }.joined(separator: " ")
                }
                return "\(report.node): " + steps.joined(separator: ", ")
            }
        }.joined(separator: " | ")
    }

    struct Row: Sendable, CustomTestStringConvertible {
        var about: String
        var destination: TraceflowSpec.Destination?
        var packet: Packet?
        var path: String
        var testDescription: String { about }
    }

    static let http = Packet(transportHeader: TransportHeader(tcp: TCPHeader(dstPort: 80)))
    static let v6 = Packet(ipv6Header: IPv6Header())

    static let rows: [Row] = [
        Row(
            about: "a Pod on the same node", destination: .init(namespace: "t", pod: "near"),
            path: "n1: SpoofGuard Forwarded, Output Delivered"),
        Row(
            about: "a Pod on another node", destination: .init(namespace: "t", pod: "far"),
            path: "n1: SpoofGuard Forwarded, Output Forwarded 192.168.0.2"
                + " | n2: Forwarding Received, Output Delivered"),
        Row(
            about: "IPv6 takes the tunnel address of its family",
            destination: .init(namespace: "t", pod: "far"), packet: v6,
            path: "n1: SpoofGuard Forwarded, Output Forwarded fd00:9::2"
                + " | n2: Forwarding Received, Output Delivered"),
        Row(
            about: "a Pod by its address", destination: .init(ip: "10.0.2.10"),
            path: "n1: SpoofGuard Forwarded, Output Forwarded 192.168.0.2"
                + " | n2: Forwarding Received, Output Delivered"),
        Row(
            about: "the own gateway", destination: .init(ip: "10.0.1.1"),
            path: "n1: SpoofGuard Forwarded, Output Delivered"),
        Row(
            about: "an address outside", destination: .init(ip: "1.1.1.1"),
            path: "n1: SpoofGuard Forwarded, Output ForwardedOutOfNetwork"),
        Row(
            about: "nobody's address on another node is lost", destination: .init(ip: "10.0.2.99"),
            path: "n1: SpoofGuard Forwarded, Output Forwarded 192.168.0.2"),
        Row(
            about: "nobody's address on the own node", destination: .init(ip: "10.0.1.99"), path: ""
        ),
        Row(
            about: "a Service without a header is asked on its first port",
            destination: .init(namespace: "t", service: "far"),
            path: "n1: SpoofGuard Forwarded, LB Forwarded 10.0.2.10, Output Forwarded 192.168.0.2"
                + " | n2: Forwarding Received, Output Delivered"),
        Row(
            about: "a Service by its address", destination: .init(ip: "10.96.0.2"), packet: http,
            path: "n1: SpoofGuard Forwarded, LB Forwarded 10.0.2.10, Output Forwarded 192.168.0.2"
                + " | n2: Forwarding Received, Output Delivered"),
        Row(
            about: "hairpin", destination: .init(namespace: "t", service: "self"), packet: http,
            path: "n1: SpoofGuard Forwarded, LB Forwarded 10.0.1.1 10.0.1.10, Output Delivered"),
        Row(
            about: "a Service without endpoints",
            destination: .init(namespace: "t", service: "nobody"),
            packet: http, path: ""),
        Row(
            about: "a port the Service has not", destination: .init(namespace: "t", service: "far"),
            packet: Packet(transportHeader: TransportHeader(tcp: TCPHeader(dstPort: 81))),
            path: "n1: SpoofGuard Forwarded, Output ForwardedOutOfNetwork"),
        Row(
            about: "no destination", destination: nil,
            path: "n1 failed: destination is not specified"),
        Row(
            about: "a Pod that is not there", destination: .init(namespace: "t", pod: "x"),
            path: "n1 failed: failed to get the destination Pod: pods \"x\" not found"),
        Row(
            about: "no IPv6 there", destination: .init(namespace: "t", pod: "near"), packet: v6,
            path: "n1 failed: destination Pod does not have an IPv6 address"),
        Row(
            about: "another family", destination: .init(ip: "fd00::1"),
            path: "n1 failed: destination IP family is different from the packet's"),
        Row(
            about: "a Service that is not there", destination: .init(namespace: "t", service: "x"),
            path: "n1 failed: failed to get the destination Service: services \"x\" not found"),
        Row(
            about: "a headless Service", destination: .init(namespace: "t", service: "headless"),
            path: "n1 failed: destination Service does not have a ClusterIP"),
        Row(
            about: "a Service without ports",
            destination: .init(namespace: "t", service: "portless"),
            path: "n1 failed: destination Service does not have any port"),
        Row(
            about: "ip wins over pod, pod over service",
            destination: .init(namespace: "t", pod: "x", service: "y", ip: "10.0.1.11"),
            path: "n1: SpoofGuard Forwarded, Output Delivered"),
    ]

    @Test(arguments: rows)
    func aPacketFromATakesItsWay(_ row: Row) throws {
        let spec = TraceflowSpec(
            source: .init(namespace: "t", pod: "a"), destination: row.destination,
            packet: row.packet)
        let reports = try Self.finder().reports(
            for: spec, version: .v1beta1, traffic: [], choose: { _ in 0 })
        #expect(Self.text(reports) == row.path)
    }

    static func policy(_ spec: String) -> String {
        "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p, namespace: t}, spec: \(spec)}"
    }

    @Test func policiesAreAskedAfterTheServiceWasTranslated() throws {
        let finder = try Self.finder(
            Self.policy(
                "{podSelector: {}, policyTypes: [Egress], egress: [{ports: [{port: 8080}]}]}"))
        let spec = TraceflowSpec(
            source: .init(namespace: "t", pod: "a"),
            destination: .init(namespace: "t", service: "far"))
        let reports = finder.reports(for: spec, version: .v1beta1, traffic: [], choose: { _ in 0 })
        #expect(Self.text(reports).contains("EgressRule Forwarded"))
    }

    @Test func aDropOnTheFarNodeIsReportedThere() throws {
        let finder = try Self.finder(Self.policy("{podSelector: {matchLabels: {app: far}}}"))
        let spec = TraceflowSpec(
            source: .init(namespace: "t", pod: "a"), destination: .init(namespace: "t", pod: "far"))
        let old = finder.reports(for: spec, version: .v1alpha1, traffic: [], choose: { _ in 0 })
        #expect(
            Self.text(old) == "n1: SpoofGuard Forwarded, Output Forwarded 192.168.0.2"
                + " | n2: Classification Received, IngressDefaultRule Dropped")
    }

    static func packet(
        _ source: String, _ destination: String, port: UInt16 = 80, ttl: UInt8 = 64
    ) throws -> TrafficPacket {
        TrafficPacket(
            frame: PacketFrame(nanoseconds: 0, link: .rawIP, bytes: []),
            source: try #require(IPAddress(source)),
            destination: try #require(IPAddress(destination)), protocol: 6, ttl: ttl, flags: 2,
            length: 60, transport: .tcp(srcPort: 9, dstPort: port, flags: 2))
    }

    static func captured(_ reports: [NodeReport]) -> [Int?] {
        reports.map { report in
            guard case .observed(_, let packet) = report.content else { return nil }
            return packet?.headers.ipHeader?.ttl
        }
    }

    @Test(
        arguments: [
            ("t", "a", "near", "10.0.1.11", [64]), ("t", "a", "far", "10.0.2.10", [63, nil]),
        ] as [(String, String, String, String, [Int?])])
    func aLiveTraceCapturesWhereThePacketIsSent(
        namespace: String, source: String, destination: String, address: String, ttls: [Int?]
    ) throws {
        let spec = TraceflowSpec(
            source: .init(namespace: namespace, pod: source),
            destination: .init(namespace: namespace, pod: destination), liveTraffic: true)
        let traffic = [
            try Self.packet("10.0.1.11", address), try Self.packet("10.0.1.10", address),
        ]
        let reports = try Self.finder().reports(
            for: spec, version: .v1beta1, traffic: traffic, choose: { _ in 0 })
        #expect(Self.captured(reports) == ttls)
    }

    @Test func aLiveTraceTellsOfTheFirstPacketAlone() throws {
        let spec = TraceflowSpec(
            source: .init(namespace: "t", pod: "a"),
            destination: .init(namespace: "t", pod: "near"), liveTraffic: true)
        let traffic = try [80, 81, 80].map { try Self.packet("10.0.1.10", "10.0.1.11", port: $0) }
        let reports = try Self.finder().reports(
            for: spec, version: .v1beta1, traffic: traffic, choose: { _ in 0 })
        #expect(Self.text(reports) == "n1: SpoofGuard Forwarded, Output Delivered")
        guard case .observed(_, let captured) = reports.first?.content else { return }
        #expect(captured?.headers.transportHeader?.tcp?.dstPort == 80)
    }

    /// An agent asks for addresses of what it injects; a match it installs, and waits.
    @Test(arguments: [("near", nil), (nil, "near")] as [(String?, String?)])
    func aLiveTraceOfAPodWithoutSuchAnAddressWaits(source: String?, receiver: String?) throws {
        let spec = TraceflowSpec(
            source: .init(namespace: "t", pod: source),
            destination: receiver.map { .init(namespace: "t", pod: $0) }, packet: Self.v6,
            liveTraffic: true)
        let reports = try Self.finder().reports(
            for: spec, version: .v1beta1, traffic: [], choose: { _ in 0 })
        #expect(reports == [])
    }

    @Test func withoutASourcePodOnlyTheReceiverLooks() throws {
        let spec = TraceflowSpec(
            source: .init(ip: "10.0.1.10"), destination: .init(namespace: "t", pod: "far"),
            liveTraffic: true)
        let traffic = [
            try Self.packet("10.0.1.11", "10.0.2.10"), try Self.packet("10.0.1.10", "10.96.0.2"),
        ]
        let reports = try Self.finder().reports(
            for: spec, version: .v1beta1, traffic: traffic, choose: { _ in 0 })
        #expect(Self.text(reports) == "n2: Forwarding Received, Output Delivered")
        #expect(Self.captured(reports) == [62])
    }

    @Test(arguments: [(8080, 1), (80, 0)])
    func theReceiverSeesThePacketBehindTheLoadBalancer(port: Int, count: Int) throws {
        let spec = TraceflowSpec(
            destination: .init(namespace: "t", pod: "far"),
            packet: Packet(transportHeader: TransportHeader(tcp: TCPHeader(dstPort: port))),
            liveTraffic: true)
        let reports = try Self.finder().reports(
            for: spec, version: .v1beta1, traffic: [try Self.packet("10.0.1.10", "10.96.0.2")],
            choose: { _ in 0 })
        #expect(reports.count == count)
        guard case .observed(_, let captured) = reports.first?.content else { return }
        #expect(captured?.dstIP == "10.0.2.10")
        #expect(captured?.headers.transportHeader?.tcp?.dstPort == 8080)
    }

    @Test func droppedOnlyWaitsForADropAndTellsOnlyOfIt() throws {
        let finder = try Self.finder(
            Self.policy(
                "{podSelector: {matchLabels: {app: far}}, ingress: [{ports: [{port: 80}]}]}"))
        let spec = TraceflowSpec(
            source: .init(namespace: "t", pod: "a"), destination: .init(namespace: "t", pod: "far"),
            liveTraffic: true, droppedOnly: true)
        let traffic = [
            try Self.packet("10.0.1.10", "10.0.2.10"),
            try Self.packet("10.0.1.10", "10.0.2.10", port: 81),
        ]
        let reports = finder.reports(
            for: spec, version: .v1beta1, traffic: traffic, choose: { _ in 0 })
        #expect(Self.text(reports) == "n2: Forwarding Received, IngressDefaultRule Dropped")
        #expect(Self.captured(reports) == [62])
    }

    @Test func aTraceBlocksTheNodesItMayBeSeenOn() throws {
        let finder = try Self.finder()
        func footprint(_ destination: TraceflowSpec.Destination) -> Footprint {
            finder.footprint(
                of: TraceflowSpec(source: .init(namespace: "t", pod: "a"), destination: destination)
            )
        }
        #expect(footprint(.init(namespace: "t", pod: "far")) == .nodes(["n1", "n2"]))
        #expect(footprint(.init(namespace: "t", pod: "near")) == .nodes(["n1"]))
        #expect(footprint(.init(namespace: "t", service: "far")) == .anyNode)
        #expect(footprint(.init(ip: "10.96.0.2")) == .anyNode)
        #expect(footprint(.init(ip: "1.1.1.1")) == .anyNode)
    }
}
