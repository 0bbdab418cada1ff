import API
import Scheduler
import Traceflow

/// A trace's path as all pictures show it: two endpoints, nodes with steps, and how it ended.
struct TracePath: Sendable {
    struct Step: Sendable {
        /// `NetworkPolicy / IngressRule`.
        var title: String
        var action: Action
        var details: [String]
        var isDrop: Bool { action == .dropped || action == .rejected }
        var isEnd: Bool { Completion.verdict(of: action) == .delivered }
    }

    struct Node: Sendable {
        var name: String
        var steps: [Step]
    }

    var source: String
    var destination: String
    var packet: String
    var nodes: [Node]
    var isDelivered: Bool
    /// The sender sent it on and nobody saw it again.
    var isLost: Bool
    var caption: String

    /// The path of other results than the trace's own, where some are given.
    init(_ view: TraceView, results: [NodeResult]? = nil) {
        let spec = view.request.spec
        source = Self.end(spec.source?.namespace, spec.source?.pod, nil, spec.source?.ip)
        destination = Self.end(
            spec.destination?.namespace, spec.destination?.pod, spec.destination?.service,
            spec.destination?.ip)
        packet = Self.packet(spec)
        // The sender first, whichever node was faster to report.
        let all = results ?? view.trace.results
        let isSender = { (result: NodeResult) in
            result.observations.contains { $0.component == .spoofGuard }
        }
        nodes = (all.filter(isSender) + all.filter { !isSender($0) }).map { result in
            Node(name: printable(result.node), steps: result.observations.map(Self.step))
        }
        isDelivered = view.trace.verdict == .delivered
        isLost = view.trace.verdict == .lost
        caption = Self.caption(view)
    }

    private static func caption(_ view: TraceView) -> String {
        var text = view.trace.phase.rawValue
        if let verdict = view.trace.verdict { text += ", " + verdict.rawValue }
        if view.trace.attempt > 1 { text += ", attempt \(view.trace.attempt)" }
        if let reason = view.trace.reason { text += ": " + printable(reason) }
        return text
    }

    private static func end(
        _ namespace: String?, _ pod: String?, _ service: String?, _ ip: String?
    ) -> String {
        let space = namespace.map { $0 + "/" } ?? ""
        if let pod, !pod.isEmpty { return printable(space + pod) }
        if let ip, !ip.isEmpty { return printable(ip) }
        if let service, !service.isEmpty { return printable("Service " + space + service) }
        return "anywhere"
    }

    private static func packet(_ spec: TraceflowSpec) -> String {
        let header = spec.packet?.transportHeader
        var text: String
        if let tcp = header?.tcp {
            text = "TCP" + (tcp.dstPort.map { "/\($0)" } ?? "")
        } else if let udp = header?.udp {
            text = "UDP" + (udp.dstPort.map { "/\($0)" } ?? "")
        } else {
            switch spec.packet?.ipHeader?.protocol ?? spec.packet?.ipv6Header?.nextHeader ?? 0 {
            case 6: text = "TCP"
            case 17: text = "UDP"
            case 132: text = "SCTP"
            case 0 where spec.isLive: text = "any protocol"
            case 0, 1, 58: text = "ICMP"
            case let number: text = "protocol \(number)"
            }
        }
        if spec.isLive { text += spec.isDroppedOnly ? ", live, dropped only" : ", live" }
        return text
    }

    private static func step(_ observation: Observation) -> Step {
        let info = observation.componentInfo.map { " / " + $0 } ?? ""
        let details: [(String, String?)] = [
            ("", observation.networkPolicy), ("rule ", observation.networkPolicyRule),
            ("endpoint ", observation.pod), ("source ", observation.srcPodIP),
            ("source becomes ", observation.translatedSrcIP),
            ("destination becomes ", observation.translatedDstIP),
            ("tunnel to ", observation.tunnelDstIP), ("Egress ", observation.egress),
            ("Egress address ", observation.egressIP), ("Egress node ", observation.egressNode),
        ]
        return Step(
            title: observation.component.rawValue + printable(info), action: observation.action,
            details: details.compactMap { label, text in text.map { label + printable($0) } })
    }
}
