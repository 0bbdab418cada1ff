import Cluster

/// Manifests of a cluster of any size: Pods in namespaces, policies that admit apps to each other.
struct Town {
    let pods: Int
    let policies: Int
    /// As many as namespaces, unless said otherwise.
    var nodes: Int?
    private let apps = 20

    private var namespaces: Int { max(1, min(200, pods / 100)) }

    var manifests: String {
        var documents: [String] = []
        for number in 0..<namespaces {
            documents.append(
                """
                {apiVersion: v1, kind: Namespace, metadata: {name: ns-\(number),
                 labels: {team: team-\(number % 3)}}}
                """)
        }
        for number in 0..<(nodes ?? namespaces) {
            documents.append(
                """
                {apiVersion: v1, kind: Node, metadata: {name: node-\(number)},
                 spec: {podCIDR: 10.\(number).0.0/16}}
                """)
        }
        documents += (0..<pods).map(pod)
        documents += (0..<policies).map(policy)
        return documents.joined(separator: "\n---\n")
    }

    func pod(_ number: Int) -> String {
        let (space, rank) = (number % namespaces, number / namespaces)
        let (place, node) = number.quotientAndRemainder(dividingBy: nodes ?? namespaces)
        return """
            {apiVersion: v1, kind: Pod, metadata: {name: pod-\(rank), namespace: ns-\(space),
             labels: {app: app-\(rank % apps)}}, spec: {nodeName: node-\(node)},
             status: {podIP: 10.\(node).\(place / 200).\(place % 200 + 2)}}
            """
    }

    /// Admits one app to another, by label, by team and by port.
    func policy(_ number: Int) -> String {
        let (space, app) = (number % namespaces, number / namespaces)
        return """
            {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy,
             metadata: {name: admit-\(app), namespace: ns-\(space)},
             spec: {podSelector: {matchLabels: {app: app-\(app % apps)}}, policyTypes: [Ingress],
             ingress: [{from: [{podSelector: {matchLabels: {app: app-\((app + 1) % apps)}}},
             {namespaceSelector: {matchLabels: {team: team-\(number % 3)}},
             podSelector: {matchLabels: {app: app-\((app + 2) % apps)}}}],
             ports: [{protocol: TCP, port: \(number % 2 == 0 ? 80 : 443)}]}]}}
            """
    }
}
