/// What one direction's policies say of a pair, and why.
public struct DirectionWhy: Hashable, Sendable {
    /// What the answer rests on: a closed list.
    public enum Because: String, Sendable, CaseIterable {
        /// No policy selects the Pod, so everything passes.
        case noPolicy = "no-policy"
        /// A rule decided.
        case rule
        /// NetworkPolicies isolate the Pod, and no rule of them matches.
        case defaultDeny = "default-deny"
        /// Policies select the Pod, but none isolates it, and no rule decided.
        case noMatch = "no-match"
        /// A Pod cannot be cut off from itself (kubernetes#95879).
        case ownPod = "own-pod"
        /// The Pod's own node always reaches it, for the sake of the kubelet's probes.
        case ownNode = "own-node"
        /// The address is outside, where no policy selects anything.
        case outside
        /// The Pod uses its node's network, where policies select no Pods.
        case hostNetwork = "host-network"
    }

    /// Why a rule, or a whole policy, did not decide: a closed list.
    public enum Reason: String, Sendable, CaseIterable {
        /// The policy has no rules for the direction.
        case noRules = "no-rules"
        /// No rule names the peer.
        case peer
        /// A rule names the peer, but not the port or protocol.
        case ports
        /// The rule is applied to other Pods (Antrea's appliedTo of a rule).
        case appliedTo = "applied-to"
        /// The rule is about traffic through a Service, and this is not.
        case service
        /// The rule names domains, and what addresses they have is not known; taken as no match.
        case domain
        /// Something before it decided.
        case notReached = "not-reached"
    }

    /// Ground that standards leave open, and what Antrea does there: a closed list.
    public enum Note: String, Sendable, CaseIterable {
        /// The peer uses its node's network: no selector selects it; address ranges and Nodes do,
        /// by its node's address.
        case hostNetworkPeer = "host-network-peer"
        /// A rule with ports matches no ICMP; one without does.
        case icmpWithoutPorts = "icmp-without-ports"
        /// Established connections are let through without asking policies again.
        case newConnections = "new-connections"
    }

    /// One rule of a policy that selects the Pod.
    public struct RuleWhy: Hashable, Sendable {
        /// From 1, as written.
        public var number: Int
        public var name: String?
        public var action: String
        /// Nil when it matches.
        public var reason: Reason?
    }

    /// One policy that selects the Pod.
    public struct PolicyWhy: Hashable, Sendable {
        /// `namespace/name` for a NetworkPolicy of Kubernetes, `family:name` for others.
        public var policy: String
        /// As traces print it: `family:namespace/name`.
        public var fullName: String
        /// The Tier of Antrea it is in.
        public var tier: String?
        /// The rule that matched, or the first whose peer did; from 1.
        public var rule: Int?
        public var ruleName: String?
        /// What the rule that matched does.
        public var action: String?
        /// Nil when a rule matched.
        public var reason: Reason?
        /// All of its rules for the direction, in order.
        public var rules: [RuleWhy]
    }

    public var allowed: Bool
    public var because: Because
    /// When a rule decided, the policies that decide so; else those that select the Pod.
    public var policies: [PolicyWhy]
    /// Every policy that selects the Pod, in the order of evaluation.
    public var considered: [PolicyWhy] = []
    /// False when a rule with a domain name would turn the answer around.
    public var isCertain = true
    /// The packet is refused with an answer, not only dropped.
    public var isRejected = false

    public var notes: [Note] = []

    /// No policy selects the Pod, so everything passes.
    public var isDefault: Bool {
        switch because {
        case .noPolicy, .ownPod, .ownNode, .outside, .hostNetwork: true
        case .rule, .defaultDeny, .noMatch: false
        }
    }
}
