extension Resource {
    static let antreaGroup = "crd.antrea.io"
    /// Groups that Antrea's policies were served in since they exist.
    static let antreaGroups: Set = [
        antreaGroup, "security.antrea.tanzu.vmware.com", "core.antrea.tanzu.vmware.com",
    ]

    /// The API group; empty for the core.
    var group: String {
        apiVersion.split(separator: "/").dropLast().first.map(String.init) ?? ""
    }

    /// `namespace/name`; without a namespace the object is looked for in `default`.
    var fullName: String { "\(namespace ?? "default")/\(name)" }

    /// Whether both are the same object, at different times perhaps.
    func isSame(as other: Resource) -> Bool {
        kind == other.kind && group == other.group && fullName == other.fullName
    }
}

extension Policy {
    /// A policy of one of Kubernetes' own kinds; nil for any other object.
    init?(upstream resource: Resource) throws(ManifestError) {
        switch (resource.group, resource.kind) {
        case ("networking.k8s.io", "NetworkPolicy"), ("extensions", "NetworkPolicy"):
            try self.init(networkPolicy: resource)
        case ("policy.networking.k8s.io", "ClusterNetworkPolicy"):
            try self.init(clusterNetworkPolicy: resource)
        case ("policy.networking.k8s.io", "AdminNetworkPolicy"):
            try self.init(adminNetworkPolicy: resource)
        case ("policy.networking.k8s.io", "BaselineAdminNetworkPolicy"):
            try self.init(baselineAdminNetworkPolicy: resource)
        default: return nil
        }
    }
}

extension PolicyName {
    /// Whether it is the object's.
    func isName(of resource: Resource) -> Bool {
        guard name == resource.name else { return false }
        let isOfAntrea = Resource.antreaGroups.contains(resource.group)
        switch family {
        case .kubernetes:
            return resource.kind == "NetworkPolicy" && !isOfAntrea
                && namespace == resource.namespace ?? "default"
        case .antrea:
            return resource.kind == "NetworkPolicy" && isOfAntrea
                && namespace == resource.namespace ?? "default"
        case .antreaCluster: return resource.kind == "ClusterNetworkPolicy" && isOfAntrea
        case .kubernetesCluster: return resource.kind == "ClusterNetworkPolicy" && !isOfAntrea
        case .admin: return resource.kind == "AdminNetworkPolicy"
        case .baselineAdmin: return resource.kind == "BaselineAdminNetworkPolicy"
        }
    }
}
