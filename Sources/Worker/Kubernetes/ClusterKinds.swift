import Kubernetes

/// The kinds of objects that decide where packets go, as a cluster may serve them.
struct ClusterKind: Hashable, Sendable {
    var group: String
    /// The better first.
    var versions: [String]
    var plural: String
    /// The only object that is looked at.
    var only: (namespace: String, name: String)?

    static func == (a: ClusterKind, b: ClusterKind) -> Bool {
        a.group == b.group && a.plural == b.plural
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(group)
        hasher.combine(plural)
    }

    /// Without these there is no cluster; all others may be missing.
    var isNeeded: Bool { group.isEmpty && only == nil }

    static let all: [ClusterKind] = [
        ClusterKind(group: "", versions: ["v1"], plural: "nodes"),
        ClusterKind(group: "", versions: ["v1"], plural: "namespaces"),
        ClusterKind(group: "", versions: ["v1"], plural: "pods"),
        ClusterKind(group: "", versions: ["v1"], plural: "services"),
        ClusterKind(
            group: "discovery.k8s.io", versions: ["v1", "v1beta1"], plural: "endpointslices"),
        ClusterKind(group: "networking.k8s.io", versions: ["v1"], plural: "networkpolicies"),
        ClusterKind(
            group: "policy.networking.k8s.io", versions: ["v1alpha2", "v1alpha1"],
            plural: "clusternetworkpolicies"),
        ClusterKind(
            group: "policy.networking.k8s.io", versions: ["v1alpha1"],
            plural: "adminnetworkpolicies"),
        ClusterKind(
            group: "policy.networking.k8s.io", versions: ["v1alpha1"],
            plural: "baselineadminnetworkpolicies"),
        antrea("networkpolicies"), antrea("clusternetworkpolicies"), antrea("tiers"),
        antrea("groups"), antrea("clustergroups"), antrea("egresses"),
        // How Antrea sends packets from node to node.
        ClusterKind(
            group: "", versions: ["v1"], plural: "configmaps",
            only: ("kube-system", "antrea-config")),
    ]

    private static func antrea(_ plural: String) -> ClusterKind {
        ClusterKind(
            group: "crd.antrea.io",
            versions: ["v1beta2", "v1beta1", "v1alpha3", "v1alpha2", "v1alpha1"], plural: plural)
    }

    /// The kinds of these that the server has, each in the best version. Blocks.
    static func served(by client: KubernetesClient) throws -> [(ClusterKind, APIResource)] {
        client.waitUntilReady()
        var known: [String: [APIResource]] = [:]
        var served: [(ClusterKind, APIResource)] = []
        for kind in all {
            for version in kind.versions {
                let key = "\(kind.group)/\(version)"
                if known[key] == nil {
                    known[key] = try client.resources(group: kind.group, version: version)
                }
                if let found = known[key]?.first(where: { $0.plural == kind.plural }) {
                    served.append((kind, found))
                    break
                }
            }
            if kind.isNeeded, served.last?.0 != kind {
                throw WorkerError("the API server has no \(kind.plural); is it one of Kubernetes?")
            }
        }
        return served
    }

    /// Which of the objects are looked at.
    var selection: ObjectSelection {
        ObjectSelection(
            namespace: only?.namespace, fields: only.map { "metadata.name=\($0.name)" })
    }

    func includes(_ object: JSONValue) -> Bool {
        guard let only else { return true }
        return object["metadata"]["name"].text == only.name
    }
}
