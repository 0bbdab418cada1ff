import Traceflow

/// Antrea's own policies: NetworkPolicy and ClusterNetworkPolicy of crd.antrea.io
/// (antrea docs/antrea-network-policy.md).
extension Policy {
    /// The priority of a Tier that is not Antrea's own is 0 until `resolveTier`.
    init(antrea resource: Resource) throws(ManifestError) {
        let spec = try resource.root["spec"].required().mapping()
        let namespace = resource.kind == "NetworkPolicy" ? resource.namespace ?? "default" : nil
        var tierName = try spec["tier"].optional()?.string().lowercased() ?? ""
        if tierName.isEmpty { tierName = "application" }
        let tier = Self.defaultTiers[tierName] ?? 0
        let priority = try spec["priority"].required().number()
        guard (1...10_000).contains(priority) else {
            throw spec["priority"].error("must be between 1 and 10000")
        }
        let context = AntreaPolicyReader(
            namespace: namespace, hasOwnSubjects: spec["appliedTo"].optional() != nil)
        self.init(
            rank: PolicyRank(
                stage: tier == PolicyRank.Tier.baseline ? .baseline : .tiers, tier: tier,
                priority: priority,
                name: PolicyName(
                    family: namespace == nil ? .antreaCluster : .antrea, namespace: namespace,
                    name: resource.name)),
            subjects: try context.subjects(spec["appliedTo"]),
            ingress: try context.rules(spec["ingress"], .ingress),
            egress: try context.rules(spec["egress"], .egress),
            file: resource.file, line: resource.line)
        self.tierName = tierName
        omissions = try Omission.all(in: spec)
        if tier == PolicyRank.Tier.baseline,
            let rule = ((ingress ?? []) + (egress ?? [])).first(where: { $0.action == .pass })
        {
            throw spec.error("rule \(rule.number): Pass is not allowed in the baseline tier")
        }
    }

    /// Takes the priority of the Tier, once all are known.
    mutating func resolveTier(_ tiers: [String: Int]) throws(ManifestError) {
        guard let tierName, Self.defaultTiers[tierName] == nil else { return }
        guard let tier = tiers[tierName] else {
            throw ManifestError(
                file: file, line: line, field: "spec.tier",
                message: "there is no Tier \"\(tierName)\": add it to the manifests")
        }
        rank.tier = tier
    }

    /// Antrea's own tiers (pkg/controller/networkpolicy/tier.go).
    static let defaultTiers = [
        "emergency": 50, "securityops": 100, "networkops": 150, "platform": 200,
        "application": PolicyRank.Tier.application, "baseline": PolicyRank.Tier.baseline,
    ]
}

/// Reads the parts of one Antrea policy.
private struct AntreaPolicyReader {
    /// Nil for a ClusterNetworkPolicy.
    let namespace: String?
    /// Whether the policy says itself whom it is applied to; its rules must not, then.
    let hasOwnSubjects: Bool

    func rules(_ field: Field, _ direction: Direction) throws(ManifestError) -> [Policy.Rule]? {
        guard field.optional() != nil else { return nil }
        var rules: [Policy.Rule] = []
        for entry in try field.list() {
            rules.append(try rule(entry, direction, number: rules.count + 1))
        }
        return rules.isEmpty ? nil : rules
    }

    private func rule(
        _ field: Field, _ direction: Direction, number: Int
    ) throws(ManifestError) -> Policy.Rule {
        _ = try field.mapping()
        let text = try field["action"].required().string()
        guard let action = PolicyAction(rawValue: text) else {
            throw field["action"].error("\"\(text)\" is none of Allow, Drop, Reject, Pass")
        }
        let appliedTo = field["appliedTo"].optional()
        if let appliedTo, hasOwnSubjects {
            throw appliedTo.error("appliedTo is for the policy or for its rules, not for both")
        }
        if appliedTo == nil, !hasOwnSubjects {
            throw field["appliedTo"].error("required, as the policy itself has none")
        }
        let given = try field["name"].optional()?.string() ?? ""
        return Policy.Rule(
            number: number,
            name: given.isEmpty
                ? try RuleName.generated(for: field, direction, action) : given,
            action: action, peers: try peers(of: field, direction), ports: try ports(of: field),
            subjects: try appliedTo.map { field throws(ManifestError) in try subjects(field) })
    }

    private func peers(
        of rule: Field, _ direction: Direction
    ) throws(ManifestError) -> [Policy.Peer]? {
        var peers: [Policy.Peer] = []
        let entries = try rule[direction == .ingress ? "from" : "to"].list()
        let services = try rule["toServices"].list()
        if let service = services.first, !entries.isEmpty {
            throw service.error("toServices stands alone, without to")
        }
        if entries.isEmpty, services.isEmpty { return nil }
        for entry in entries { if let peer = try peer(entry) { peers.append(peer) } }
        for service in services {
            let of = try service["namespace"].optional()?.string() ?? namespace ?? "default"
            peers.append(.service("\(of)/\(try service["name"].required().string())"))
        }
        return peers
    }

    /// Nil for who is no part of a cluster's Pods and addresses: external entities.
    private func peer(_ field: Field) throws(ManifestError) -> Policy.Peer? {
        _ = try field.mapping()
        if let block = field["ipBlock"].optional() { return try Policy.Peer(block: block) }
        if let name = field["fqdn"].optional() { return .domain(try name.string()) }
        if let nodes = field["nodeSelector"].optional() { return .nodes(try LabelSelector(nodes)) }
        if let choice = field["namespaces"].optional() {
            let selector = try field["podSelector"].optional().map { field throws(ManifestError) in
                try LabelSelector(field)
            }
            return .pods(.labels(selector, in: try namespaces(choice)))
        }
        return try selection(field).map { .pods($0) }
    }

    private func namespaces(
        _ field: Field
    ) throws(ManifestError) -> PodSelection.NamespaceChoice {
        if let labels = field["sameLabels"].optional() {
            return .sharing(
                try labels.list().map { field throws(ManifestError) in try field.string() })
        }
        let match = try field["match"].required().string()
        guard match == "Self" else { throw field["match"].error("\"\(match)\" is not Self") }
        return .subjects
    }

    func subjects(_ field: Field) throws(ManifestError) -> [PodSelection] {
        var selections: [PodSelection] = []
        for entry in try field.list() {
            _ = try entry.mapping()
            if let selection = try selection(entry) { selections.append(selection) }
        }
        return selections
    }

    /// Nil for what selects no Pods: Services' node ports, Nodes, external entities.
    private func selection(_ field: Field) throws(ManifestError) -> PodSelection? {
        if let group = try field["group"].optional()?.string(), !group.isEmpty {
            return .group(GroupName(namespace: namespace, name: group))
        }
        if let account = field["serviceAccount"].optional() {
            return .serviceAccount(
                namespace: try account["namespace"].optional()?.string() ?? namespace ?? "default",
                name: try account["name"].required().string())
        }
        if field["externalEntitySelector"].optional() != nil { return nil }
        return try PodSelection(antrea: field, namespace: namespace)
    }

    private func ports(of rule: Field) throws(ManifestError) -> [PortMatch]? {
        var matches: [PortMatch] = []
        for entry in try rule["ports"].list() {
            var match = try PortMatch(networkPolicyPort: entry)
            if let source = entry["sourcePort"].optional() {
                match.sourcePorts = try PortMatch.range(
                    from: source, to: entry["sourceEndPort"].optional(), endName: "sourceEndPort")
            }
            matches.append(match)
        }
        for entry in try rule["protocols"].list() {
            _ = try entry.mapping()
            if let icmp = entry["icmp"].optional() {
                _ = try icmp.mapping()
                matches.append(
                    PortMatch(
                        protocol: nil,
                        number: .icmp(
                            type: try icmp["icmpType"].optional()?.int(),
                            code: try icmp["icmpCode"].optional()?.int())))
            } else if let igmp = entry["igmp"].optional() {
                _ = try igmp.mapping()
                matches.append(PortMatch(protocol: Headers.igmp, number: .any))
            } else {
                throw entry.error("a protocol needs icmp or igmp")
            }
        }
        return matches.isEmpty ? nil : matches
    }
}
