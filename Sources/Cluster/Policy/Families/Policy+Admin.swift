import Traceflow

/// Kubernetes' policies for administrators (kubernetes-sigs/network-policy-api):
/// ClusterNetworkPolicy of v1alpha2, AdminNetworkPolicy and its baseline of v1alpha1.
extension Policy {
    /// `apis/v1alpha2/clusternetworkpolicy_types.go`.
    init(clusterNetworkPolicy resource: Resource) throws(ManifestError) {
        let spec = try resource.root["spec"].required().mapping()
        let tier = try spec["tier"].required().string()
        guard ["Admin", "Baseline"].contains(tier) else {
            throw spec["tier"].error("\"\(tier)\" is neither Admin nor Baseline")
        }
        let priority = try Self.adminPriority(spec["priority"].required())
        let isAdmin = tier == "Admin"
        try self.init(
            admin: resource, spec,
            PolicyRank(
                stage: isAdmin ? .tiers : .baseline,
                tier: isAdmin
                    ? PolicyRank.Tier.clusterNetworkPolicyAdmin
                    : PolicyRank.Tier.kubernetesBaseline,
                priority: Double(priority),
                name: PolicyName(family: .kubernetesCluster, name: resource.name)),
            AdminRuleReader(
                actions: ["Accept": .allow, "Deny": .drop, "Pass": .pass], version: .v1alpha2))
    }

    /// `apis/v1alpha1/adminnetworkpolicy_types.go`.
    init(adminNetworkPolicy resource: Resource) throws(ManifestError) {
        let spec = try resource.root["spec"].required().mapping()
        try self.init(
            admin: resource, spec,
            PolicyRank(
                stage: .tiers, tier: PolicyRank.Tier.adminNetworkPolicy,
                priority: Double(try Self.adminPriority(spec["priority"].required())),
                name: PolicyName(family: .admin, name: resource.name)),
            AdminRuleReader(
                actions: ["Allow": .allow, "Deny": .drop, "Pass": .pass], version: .v1alpha1))
    }

    /// `apis/v1alpha1/baselineadminnetworkpolicy_types.go`: the one named `default`.
    init(baselineAdminNetworkPolicy resource: Resource) throws(ManifestError) {
        let spec = try resource.root["spec"].required().mapping()
        try self.init(
            admin: resource, spec,
            PolicyRank(
                stage: .baseline, tier: PolicyRank.Tier.kubernetesBaseline,
                name: PolicyName(family: .baselineAdmin, name: resource.name)),
            AdminRuleReader(actions: ["Allow": .allow, "Deny": .drop], version: .v1alpha1))
    }

    private init(
        admin resource: Resource, _ spec: Field, _ rank: PolicyRank, _ reader: AdminRuleReader
    ) throws(ManifestError) {
        let subject = try spec["subject"].required().mapping()
        let subjects: [PodSelection]
        if let namespaces = subject["namespaces"].optional() {
            subjects = [.labels(nil, in: .matching(try LabelSelector(namespaces)))]
        } else if let pods = subject["pods"].optional() {
            subjects = [try reader.pods(pods)]
        } else {
            throw subject.error("a subject needs namespaces or pods")
        }
        self.init(
            rank: rank, subjects: subjects,
            ingress: try reader.rules(spec["ingress"], peers: "from"),
            egress: try reader.rules(spec["egress"], peers: "to"),
            file: resource.file, line: resource.line)
    }

    private static func adminPriority(_ field: Field) throws(ManifestError) -> Int {
        let priority = try field.int()
        guard (0...1000).contains(priority) else { throw field.error("must be between 0 and 1000") }
        return priority
    }
}
