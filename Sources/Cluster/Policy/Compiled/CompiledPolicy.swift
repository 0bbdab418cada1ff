import Traceflow

/// The Pods that are a rule's peers, by the family of the packet: address ranges tell them apart.
struct PeerPods: Hashable, Sendable {
    var v4: PodSet
    var v6: PodSet

    subscript(_ family: IPAddress.Family) -> PodSet {
        get { family == .v4 ? v4 : v6 }
        set { if family == .v4 { v4 = newValue } else { v6 = newValue } }
    }
}

/// A rule as sets: whose it is, who its peers are.
struct CompiledRule: Hashable, Sendable {
    struct Block: Hashable, Sendable {
        var range: CIDR
        var except: [CIDR]

        func contains(_ address: IPAddress) -> Bool {
            range.contains(address) && !except.contains { $0.contains(address) }
        }
    }

    /// What it was made of.
    let rule: Policy.Rule
    /// The namespace it was made for, where its peers depend on the subject's.
    let subjectNamespace: String?
    /// Nil where all subjects of the policy are meant.
    var subjects: PodSet?
    var isForEverybody: Bool
    var pods: PeerPods
    /// For addresses that are no Pod's.
    var blocks: [Block]
    var services: Set<String>
    var domains: [String]

    /// Whether the peer is one of the rule's.
    func holds(_ peer: FlowEnd, service: String?) -> Bool {
        if isForEverybody { return true }
        if let pod = peer.pod {
            if pods[peer.address?.family ?? .v4].contains(pod) { return true }
        } else if let address = peer.address, blocks.contains(where: { $0.contains(address) }) {
            return true
        }
        return service.map(services.contains) ?? false
    }

    /// Whether the peer may be one of the rule's: an address outside that a name may stand for.
    func mayHold(_ peer: FlowEnd) -> Bool {
        !domains.isEmpty && peer.pod == nil && peer.address != nil
    }

    func reference(in policy: PolicyName) -> RuleReference {
        RuleReference(
            policy: policy, rule: rule.number, ruleName: rule.name, action: rule.action)
    }
}

/// A policy as sets: whom it is applied to, and its rules.
///
/// A rule whose peers depend on the subject's namespace stands once for each such namespace.
struct CompiledPolicy: Hashable, Sendable {
    let policy: Policy
    var subjects: PodSet
    var ingress: [CompiledRule]
    var egress: [CompiledRule]

    var stage: PolicyStage { policy.rank.stage }

    func rules(_ direction: Direction) -> [CompiledRule] {
        switch direction {
        case .egress: egress
        case .ingress: ingress
        }
    }

    /// Whether the policy has a say on the Pod in the direction.
    func selects(_ pod: Int, _ direction: Direction) -> Bool {
        subjects.contains(pod) && policy.rules(direction) != nil
    }
}
