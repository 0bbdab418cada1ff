/// The cluster that is asked about, and the kinds of questions.
enum Manifests {
    /// Three nodes, so that tags of disjoint sets of nodes are in use at once.
    static let cluster: String = {
        var items = [
            "{apiVersion: v1, kind: Namespace, metadata: {name: t}}",
            """
            {apiVersion: v1, kind: Service, metadata: {name: web, namespace: t},
             spec: {clusterIP: 10.96.0.10, selector: {app: web}, ports: [{port: 80}]}}
            """,
            """
            {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy,
             metadata: {name: closed, namespace: t},
             spec: {podSelector: {matchLabels: {app: closed}}, policyTypes: [Ingress]}}
            """,
        ]
        for node in 1...3 {
            items.append(
                """
                {apiVersion: v1, kind: Node, metadata: {name: n\(node)},
                 spec: {podCIDR: 10.0.\(node).0/24},
                 status: {addresses: [{type: InternalIP, address: 192.168.0.\(node)}]}}
                """)
            for (index, app) in ["client", "web", "closed"].enumerated() {
                items.append(
                    """
                    {apiVersion: v1, kind: Pod,
                     metadata: {name: \(app)\(node), namespace: t, labels: {app: \(app)}},
                     spec: {nodeName: n\(node), containers: [{name: c, image: i}]},
                     status: {phase: Running, podIP: 10.0.\(node).1\(index)}}
                    """)
            }
        }
        return items.joined(separator: "\n---\n") + "\n"
    }()
}

/// A question, and which ends are right for it.
enum Question: CaseIterable {
    case delivered, dropped, service, outside, failing, unseen

    /// Verdicts of a success; none when it can only fail or run out of time.
    var verdicts: Set<String> {
        switch self {
        case .delivered, .service: ["VERDICT_DELIVERED"]
        case .dropped: ["VERDICT_DROPPED"]
        case .outside: ["VERDICT_FORWARDED_OUT_OF_NETWORK"]
        case .failing, .unseen: []
        }
    }

    /// A Traceflow manifest with some chance in it.
    func manifest(name: String, retries: Int, _ chance: inout Chance) -> String {
        let (from, to) = (chance.number(1...3), chance.number(1...3))
        let destination =
            switch self {
            case .delivered, .unseen: "namespace: t, pod: web\(to)"
            case .dropped: "namespace: t, pod: closed\(to)"
            case .service: "namespace: t, service: web"
            case .outside: "ip: 203.0.113.\(to)"
            case .failing: "namespace: t, service: nowhere"
            }
        // Nobody sends anything: a live trace waits for its deadline.
        let live = self == .unseen ? "\n  liveTraffic: true" : ""
        let timeout = self == .unseen ? 1 : chance.number(1...4)
        let version = chance.happens(50) ? "v1beta1" : "v1alpha1"
        let capture =
            chance.happens(50)
            ? "\n  capture: {firstN: \(chance.number(1...3)), snaplen: 200, point: Both}" : ""
        return """
            ---
            apiVersion: crd.antrea.io/\(version)
            kind: Traceflow
            metadata:
              name: \(name)
              annotations:
                tracectl.dev/priority: "\(chance.number(0...9))"
                tracectl.dev/retries: "\(retries)"
            spec:
              source: {namespace: t, pod: client\(from)}
              destination: {\(destination)}
              packet: {transportHeader: {tcp: {dstPort: 80}}}
              timeout: \(timeout)\(live)\(capture)

            """
    }
}
