import Cluster
import Testing
import Traceflow

/// Where packets to Services go, and where they end without one.
struct ServicePathTests {
    static func service(_ spec: String, status: String = "{}") -> String {
        """
        {apiVersion: v1, kind: Service, metadata: {name: s, namespace: t}, spec: \(spec),
         status: \(status)}
        """
    }

    static func pod(_ name: String, _ address: String, _ node: String, _ more: String) -> String {
        """
        {apiVersion: v1, kind: Pod, metadata: {name: \(name), namespace: t, labels: {app: s}
         \(more.hasPrefix("gone") ? ", deletionTimestamp: \"2026-01-01T00:00:00Z\"" : "")},
         spec: {nodeName: \(node), hostNetwork: \(more.hasPrefix("host"))},
         status: {podIP: \(address), conditions: [{type: Ready, status: "\(more.hasSuffix("unready") ? "False" : "True")"}]}}
        """
    }

    static let ports = "selector: {app: s}, ports: [{port: 80, nodePort: 30080}]"

    struct Row: Sendable, CustomTestStringConvertible {
        var about: String
        var documents: [String]
        var address = "10.96.9.9"
        var port = 80
        /// The endpoints that are chosen from, by the Pods that traces name.
        var endpoints: [String]
        var testDescription: String { about }
    }

    static let rows: [Row] = [
        Row(
            about: "ready Pods are chosen from, others not",
            documents: [
                service("{clusterIP: 10.96.9.9, \(ports)}"), pod("up", "10.0.1.50", "n1", ""),
                pod("down", "10.0.1.51", "n1", "unready"), pod("gone", "10.0.1.52", "n1", "gone"),
            ], endpoints: ["t/up"]),
        Row(
            about: "publishNotReadyAddresses takes them all",
            documents: [
                service("{clusterIP: 10.96.9.9, publishNotReadyAddresses: true, \(ports)}"),
                pod("up", "10.0.1.50", "n1", ""), pod("down", "10.0.1.51", "n1", "unready"),
            ], endpoints: ["t/up", "t/down"]),
        Row(
            about: "terminating Pods that still serve are the last resort",
            documents: [
                service("{clusterIP: 10.96.9.9, \(ports)}"), pod("gone", "10.0.1.52", "n1", "gone"),
                pod("worse", "10.0.1.53", "n1", "gone unready"),
            ], endpoints: ["t/gone"]),
        Row(
            about: "internalTrafficPolicy Local keeps to the node",
            documents: [
                service("{clusterIP: 10.96.9.9, internalTrafficPolicy: Local, \(ports)}"),
                pod("here", "10.0.1.50", "n1", ""), pod("there", "10.0.2.50", "n2", ""),
            ], endpoints: ["t/here"]),
        Row(
            about: "and finds nobody where there is none",
            documents: [
                service("{clusterIP: 10.96.9.9, internalTrafficPolicy: Local, \(ports)}"),
                pod("there", "10.0.2.50", "n2", ""),
            ], endpoints: []),
        Row(
            about: "a load balancer's address leads to all endpoints, from Pods",
            documents: [
                service(
                    "{clusterIP: 10.96.9.9, internalTrafficPolicy: Local, externalTrafficPolicy: Local, \(ports)}",
                    status: "{loadBalancer: {ingress: [{ip: 172.18.0.9}]}}"),
                pod("here", "10.0.1.50", "n1", ""), pod("there", "10.0.2.50", "n2", ""),
            ], address: "172.18.0.9", endpoints: ["t/here", "t/there"]),
        Row(
            about: "an external address does too",
            documents: [
                service("{clusterIP: 10.96.9.9, externalIPs: [172.18.0.8], \(ports)}"),
                pod("here", "10.0.1.50", "n1", ""),
            ], address: "172.18.0.8", endpoints: ["t/here"]),
        Row(
            about: "a node port is the node's own business",
            documents: [
                service("{clusterIP: 10.96.9.9, \(ports)}"), pod("here", "10.0.1.50", "n1", ""),
            ], address: "192.168.0.1", port: 30080, endpoints: []),
        Row(
            about: "unless AntreaProxy proxies all",
            documents: [
                service("{clusterIP: 10.96.9.9, \(ports)}"), pod("here", "10.0.1.50", "n1", ""),
                TrafficModeTests.configuration("antreaProxy:\n  proxyAll: true"),
            ], address: "192.168.0.1", port: 30080, endpoints: ["t/here"]),
        Row(
            about: "an endpoint on the host network is named, though policies do not see it",
            documents: [
                service("{clusterIP: 10.96.9.9, \(ports)}"),
                pod("host", "192.168.0.2", "n2", "host"),
            ], endpoints: ["t/host"]),
    ]

    @Test(arguments: rows)
    func aServiceIsTranslated(_ row: Row) throws {
        let finder = try PathTests.finder(row.documents.joined(separator: "\n---\n"))
        let spec = TraceflowSpec(
            source: .init(namespace: "t", pod: "a"), destination: .init(ip: row.address),
            packet: Packet(transportHeader: TransportHeader(tcp: TCPHeader(dstPort: row.port))))
        var found: [String] = []
        for choice in 0..<max(1, row.endpoints.count) {
            let reports = finder.reports(
                for: spec, version: .v1beta1, traffic: [],
                choose: { count in
                    #expect(count == row.endpoints.count)
                    return choice
                })
            guard case .observed(let steps, _) = reports.first?.content else { continue }
            found += steps.filter { $0.component == .lb }.compactMap(\.pod)
        }
        #expect(found == row.endpoints)
    }

    @Test func rulesAboutServicesDecideOfTrafficThroughThem() throws {
        let finder = try PathTests.finder(
            [
                Self.service("{clusterIP: 10.96.9.9, \(Self.ports)}"),
                Self.pod("here", "10.0.1.50", "n1", ""),
                Town.antrea(
                    "p",
                    "{priority: 5, appliedTo: [{podSelector: {matchLabels: {app: a}}}], egress: [{action: Reject, name: shut, toServices: [{name: s, namespace: t}]}]}"
                ),
            ].joined(separator: "\n---\n"))
        func end(_ destination: TraceflowSpec.Destination) -> String {
            let spec = TraceflowSpec(
                source: .init(namespace: "t", pod: "a"), destination: destination,
                packet: PathTests.http)
            let reports = finder.reports(
                for: spec, version: .v1beta1, traffic: [], choose: { _ in 0 })
            return TrafficModeTests.text(reports)
        }
        #expect(
            end(.init(namespace: "t", service: "s"))
                == "n1: SpoofGuard Forwarded, LB Forwarded 10.0.1.50, EgressMetric Rejected")
        #expect(
            end(.init(namespace: "t", pod: "here")) == "n1: SpoofGuard Forwarded, Output Delivered")
    }

    @Test(arguments: [
        (Packet(), "IngressMetric Dropped"), (PathTests.http, "Output Delivered"),
    ])
    func rulesAboutICMPDropAnEchoRequest(packet: Packet, end: String) throws {
        let finder = try PathTests.finder(
            Town.antrea(
                "p",
                "{priority: 5, appliedTo: [{namespaceSelector: {}}], ingress: [{action: Drop, protocols: [{icmp: {icmpType: 8, icmpCode: 0}}]}]}"
            ))
        let spec = TraceflowSpec(
            source: .init(namespace: "t", pod: "a"),
            destination: .init(namespace: "t", pod: "near"), packet: packet)
        let reports = finder.reports(
            for: spec, version: .v1beta1, traffic: [], choose: { _ in 0 })
        #expect(TrafficModeTests.text(reports).hasSuffix(end))
    }
}
