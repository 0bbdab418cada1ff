/// What kind of object a policy was written as.
enum PolicyFamily: String, Hashable, Sendable, CaseIterable {
    case kubernetes = "K8sNetworkPolicy"
    case antrea = "AntreaNetworkPolicy"
    case antreaCluster = "AntreaClusterNetworkPolicy"
    case kubernetesCluster = "K8sClusterNetworkPolicy"
    case admin = "AdminNetworkPolicy"
    case baselineAdmin = "BaselineAdminNetworkPolicy"
}

/// A policy's family, namespace and name.
struct PolicyName: Hashable, Sendable, CustomStringConvertible {
    var family: PolicyFamily
    /// Nil for cluster-scoped kinds.
    var namespace: String?
    var name: String

    /// As Antrea prints it (pkg/apis/controlplane, NetworkPolicyReference): the cluster-scoped
    /// kinds of Antrea itself and of `ClusterNetworkPolicy` go without a slash, the rest with one.
    var description: String {
        switch family {
        case .antreaCluster, .kubernetesCluster: "\(family.rawValue):\(name)"
        case .kubernetes, .antrea, .admin, .baselineAdmin:
            "\(family.rawValue):\(namespace ?? "")/\(name)"
        }
    }

    /// `namespace/name` for a NetworkPolicy of Kubernetes, which needs no family; else in full.
    var short: String {
        family == .kubernetes ? "\(namespace ?? "")/\(name)" : description
    }
}

/// The rule that decided.
struct RuleReference: Hashable, Sendable {
    var policy: PolicyName
    /// From 1, as written.
    var rule: Int
    /// The rule's name, for policy families that name rules.
    var ruleName: String?
    var action: PolicyAction
}

/// What a rule does with what it matches.
enum PolicyAction: String, Hashable, Sendable {
    case allow = "Allow"
    case drop = "Drop"
    case reject = "Reject"
    /// The rest of the tiers is skipped; NetworkPolicies and the baseline are still asked.
    case pass = "Pass"
}
