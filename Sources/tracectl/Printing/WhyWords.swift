import Cluster

/// The reasons of a direction in words.
enum WhyWords {
    static func lines(_ side: String, _ act: String, _ why: DirectionWhy) -> String {
        let verb = why.allowed ? "allowed" : why.isRejected ? "rejected" : "denied"
        var text = "  \(side): \(verb) to \(act): \(words(why.because))\n"
        if !why.isCertain {
            text += "    unknown in truth: a rule names domains whose addresses are not known\n"
        }
        for policy in why.considered { text += self.policy(policy) }
        for note in why.notes { text += "    note: \(words(note))\n" }
        return text
    }

    private static func words(_ note: DirectionWhy.Note) -> String {
        switch note {
        case .hostNetworkPeer:
            "the peer uses its node's network; in Antrea no selector selects it, only ranges of"
                + " addresses and Nodes do"
        case .icmpWithoutPorts: "in Antrea a rule with ports matches no ICMP, one without does"
        case .newConnections:
            "this is about new connections; Antrea lets established ones through"
        }
    }

    private static func words(_ because: DirectionWhy.Because) -> String {
        switch because {
        case .noPolicy: "no policy selects the Pod"
        case .rule: "a rule decides"
        case .defaultDeny: "NetworkPolicies isolate the Pod, and none of their rules matches"
        case .noMatch: "no rule matches, and no NetworkPolicy isolates the Pod"
        case .ownPod: "a Pod always reaches itself"
        case .ownNode: "a node always reaches its own Pods (for the kubelet's probes)"
        case .outside: "policies are applied to Pods only"
        case .hostNetwork:
            "the Pod uses its node's network, where Antrea's selectors select no Pods"
        }
    }

    private static func policy(_ policy: DirectionWhy.PolicyWhy) -> String {
        let tier = policy.tier.map { " (tier \($0))" } ?? ""
        let name = printable(policy.policy + tier)
        guard policy.rules.count > 1 else {
            guard let rule = policy.rules.first else { return "    \(name): has no rules\n" }
            return "    \(name): \(self.rule(rule))\n"
        }
        return "    \(name):\n" + policy.rules.map { "      \(rule($0))\n" }.joined()
    }

    private static func rule(_ rule: DirectionWhy.RuleWhy) -> String {
        let name = rule.name.map { " \"" + printable($0) + "\"" } ?? ""
        return "rule \(rule.number)\(name) (\(rule.action)) \(words(rule.reason))"
    }

    private static func words(_ reason: DirectionWhy.Reason?) -> String {
        switch reason {
        case nil: "matches"
        case .noRules: "has no rules"
        case .peer: "does not name the peer"
        case .ports: "names the peer, but not the port"
        case .appliedTo: "is applied to other Pods"
        case .service: "is about traffic through a Service"
        case .domain: "names domains; whether the address is one of theirs is not known"
        case .notReached: "is not reached"
        }
    }
}
