import Traceflow

/// Rules that earlier ones leave nothing to decide.
extension Cluster {
    /// Of ordered policies any rule in front counts; of a NetworkPolicy the policy's own.
    func shadowed() -> [Finding] {
        var findings: [Finding] = []
        for direction in Direction.allCases {
            var before: [PolicyStage: [Ordered]] = [:]
            for policy in policies.policies {
                if policy.stage == .networkPolicies { before[.networkPolicies] = [] }
                let groups = Dictionary(grouping: policy.rules(direction)) { $0.rule.number }
                for (number, copies) in groups.sorted(by: { $0.key < $1.key }) {
                    let rules = copies.map { Ordered(rule: $0, policy: policy) }
                    let earlier = before[policy.stage] ?? []
                    let covers = rules.map { rule in earlier.first { $0.covers(rule) } }
                    if let cover = covers.first ?? nil, !covers.contains(where: { $0 == nil }) {
                        let side = direction == .ingress ? "ingress" : "egress"
                        findings.append(
                            Finding(
                                code: .shadowedRule, file: policy.policy.file,
                                line: policy.policy.line, object: "\(policy.policy.name)",
                                message: "\(side) rule \(number) never decides: \(cover.name)"
                                    + " comes first"))
                    }
                    before[policy.stage, default: []] += rules
                }
            }
        }
        return findings
    }
}

/// A rule in its place, with whom it is applied to.
private struct Ordered {
    let rule: CompiledRule
    let subjects: PodSet
    let name: String

    init(rule: CompiledRule, policy: CompiledPolicy) {
        self.rule = rule
        subjects = rule.subjects ?? policy.subjects
        name = "rule \(rule.rule.number) of \(policy.policy.name)"
    }

    /// Whether nothing that the other rule matches gets past this one.
    func covers(_ other: Ordered) -> Bool {
        PortMatch.covers(rule.rule.ports, other.rule.rule.ports)
            && other.subjects.isSubset(of: subjects) && !other.subjects.isEmpty
            && holdsPeers(of: other.rule)
    }

    private func holdsPeers(of other: CompiledRule) -> Bool {
        if rule.isForEverybody { return true }
        guard !other.isForEverybody else { return false }
        let hasBlocks = other.blocks.allSatisfy { block in
            rule.blocks.contains { $0.except.isEmpty && $0.range.contains(block.range) }
        }
        // A rule whose peers are nobody is told of elsewhere.
        let isNobody =
            other.pods.v4.isEmpty && other.pods.v6.isEmpty && other.blocks.isEmpty
            && other.domains.isEmpty && other.services.isEmpty
        return !isNobody && hasBlocks && other.services.isSubset(of: rule.services)
            && Set(other.domains).isSubset(of: rule.domains)
            && other.pods.v4.isSubset(of: rule.pods.v4) && other.pods.v6.isSubset(of: rule.pods.v6)
    }
}

extension PortMatch {
    /// Whether the first list holds all that the second does; nil is every port.
    fileprivate static func covers(_ ports: [PortMatch]?, _ others: [PortMatch]?) -> Bool {
        guard let ports else { return true }
        guard let others else { return false }
        return others.allSatisfy { other in ports.contains { $0.covers(other) } }
    }

    private func covers(_ other: PortMatch) -> Bool {
        if self == other { return true }
        if let sourcePorts {
            guard let theirs = other.sourcePorts, sourcePorts.contains(theirs) else { return false }
        }
        guard `protocol` == other.protocol else { return false }
        switch (number, other.number) {
        case (.any, .any), (.any, .range), (.any, .named): return true
        case (.range(let range), .range(let theirs)): return range.contains(theirs)
        case (.icmp(let type, let code), .icmp(let theirType, let theirCode)):
            return (type == nil || type == theirType) && (code == nil || code == theirCode)
        case (.any, .icmp), (.range, _), (.named, _), (.icmp, _): return number == other.number
        }
    }
}
