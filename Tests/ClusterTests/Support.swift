import Cluster
import Testing
import Traceflow

/// A cluster as short text, and pairs asked of it.
enum Small {
    static func cluster(_ documents: [String]) throws -> Cluster {
        try Cluster(resources(documents))
    }

    static func resources(_ documents: [String]) throws -> [Resource] {
        try ManifestReader.read(text: documents.joined(separator: "\n---\n"), file: "f.yaml")
    }

    /// `shop/web shop/db TCP 80`.
    static func ask(_ cluster: Cluster, _ pair: String) throws -> PairAnswer {
        let parts = pair.split(separator: " ").map(String.init)
        return try cluster.answer(
            PairQuestion(
                source: parts[0], destination: parts[1], protocol: parts[2],
                port: try #require(Int(parts[3]))))
    }
}

/// Namespaces, nodes and Pods that the tests of policies share.
enum Town {
    static let documents = [
        "{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {team: a, stage: prod}}}",
        "{apiVersion: v1, kind: Namespace, metadata: {name: ops, labels: {team: b, stage: prod}}}",
        "{apiVersion: v1, kind: Namespace, metadata: {name: lab, labels: {team: a, stage: test}}}",
        """
        {apiVersion: v1, kind: Node, metadata: {name: n1, labels: {role: edge}},
         spec: {podCIDR: 10.0.1.0/24}, status: {addresses: [{type: InternalIP, address: 192.168.0.1}]}}
        """,
        """
        {apiVersion: v1, kind: Node, metadata: {name: n2, labels: {role: core}},
         spec: {podCIDR: 10.0.2.0/24}, status: {addresses: [{type: InternalIP, address: 192.168.0.2}]}}
        """,
        pod("shop", "web", "10.0.1.10", "{app: web}", "http, containerPort: 8080"),
        pod("shop", "db", "10.0.2.10", "{app: db}", "http, containerPort: 80"),
        pod("ops", "probe", "10.0.1.11", "{app: probe}", "http, containerPort: 9090"),
        pod("lab", "toy", "10.0.2.11", "{app: web}", "none, containerPort: 1"),
        """
        {apiVersion: v1, kind: Pod, metadata: {name: agent, namespace: ops, labels: {app: agent}},
         spec: {nodeName: n2, hostNetwork: true}, status: {podIP: 192.168.0.2}}
        """,
    ]

    static func pod(
        _ namespace: String, _ name: String, _ address: String, _ labels: String, _ port: String
    ) -> String {
        let node = address.hasPrefix("10.0.1.") ? "n1" : "n2"
        return """
            {apiVersion: v1, kind: Pod, metadata: {name: \(name), namespace: \(namespace),
             labels: \(labels)}, spec: {nodeName: \(node), serviceAccountName: \(name)-account,
             containers: [{name: c, ports: [{name: \(port)}]}]}, status: {podIP: \(address)}}
            """
    }

    static func policy(_ name: String, _ spec: String, in namespace: String = "shop") -> String {
        """
        {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy,
         metadata: {name: \(name), namespace: \(namespace)}, spec: \(spec)}
        """
    }

    /// Antrea's ClusterNetworkPolicy, or its NetworkPolicy in a namespace.
    static func antrea(_ name: String, _ spec: String, in namespace: String? = nil) -> String {
        let kind = namespace == nil ? "ClusterNetworkPolicy" : "NetworkPolicy"
        let place = namespace.map { ", namespace: \($0)" } ?? ""
        return """
            {apiVersion: crd.antrea.io/v1beta1, kind: \(kind),
             metadata: {name: \(name)\(place)}, spec: \(spec)}
            """
    }

    static func admin(
        _ kind: String, _ name: String, _ spec: String, version: String = "v1alpha2"
    ) -> String {
        """
        {apiVersion: policy.networking.k8s.io/\(version), kind: \(kind), metadata: {name: \(name)},
         spec: \(spec)}
        """
    }
}
