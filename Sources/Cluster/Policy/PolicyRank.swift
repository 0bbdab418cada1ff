/// Where a policy stands in the order of evaluation.
///
/// Tiers in front (antrea docs/antrea-network-policy.md, docs/cluster-network-policy.md,
/// docs/admin-network-policy.md), then Kubernetes' NetworkPolicies, then the baseline.
enum PolicyStage: Int, Hashable, Comparable, Sendable {
    /// Ordered rules of which the first that matches decides.
    case tiers
    /// NetworkPolicies: isolation, and the union of what they allow.
    case networkPolicies
    /// Ordered rules for what nobody decided.
    case baseline

    static func < (a: PolicyStage, b: PolicyStage) -> Bool { a.rawValue < b.rawValue }
}

/// A policy's place: by stage, tier, priority, then namespace and name.
///
/// Equal priority in one tier has no order of its own; namespace and name make one.
struct PolicyRank: Hashable, Comparable, Sendable {
    var stage: PolicyStage
    var tier = 0
    var priority = 0.0
    var name: PolicyName

    static func < (a: PolicyRank, b: PolicyRank) -> Bool {
        if a.stage != b.stage { return a.stage < b.stage }
        if a.tier != b.tier { return a.tier < b.tier }
        if a.priority != b.priority { return a.priority < b.priority }
        return (a.name.namespace ?? "", a.name.name, a.name.family.rawValue)
            < (b.name.namespace ?? "", b.name.name, b.name.family.rawValue)
    }

    /// Tier priorities that are given by Antrea (pkg/controller/networkpolicy).
    enum Tier {
        static let application = 250
        /// `ClusterNetworkPolicy` of the Admin tier counts as this one.
        static let clusterNetworkPolicyAdmin = 220
        /// `AdminNetworkPolicy`: behind Antrea's own tiers.
        static let adminNetworkPolicy = 251
        static let baseline = 253
        /// Baseline policies of Kubernetes: behind Antrea's baseline.
        static let kubernetesBaseline = 254
    }
}
