/// Everything that the model knows of a cluster, as values.
struct ClusterResources: Sendable {
    var pods: [Pod]
    var nodes: [String: ClusterNode]
    /// By `namespace/name`, as all that follow.
    var services: [String: Service]
    var endpointSlices: [String: [EndpointSlice]]
    var policies: [PolicyName: Policy]
    var groups: [GroupName: AntreaGroup]
    var namespaceLabels: [String: [String: String]]
    /// By name.
    var egresses: [Egress]
    var network: PodNetwork

    /// Pods as policies ask for them.
    func index() -> PodIndex {
        PodIndex(pods, namespaceLabels: namespaceLabels, nodes: nodes, groups: groups)
    }
}
