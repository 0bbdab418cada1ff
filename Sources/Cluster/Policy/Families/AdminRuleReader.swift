import Traceflow

/// Reads the rules of Kubernetes' policies for administrators, in either version's words.
struct AdminRuleReader {
    enum Version: Hashable, Sendable { case v1alpha1, v1alpha2 }

    let actions: [String: PolicyAction]
    let version: Version

    static let rulesMax = 100

    func rules(_ field: Field, peers key: String) throws(ManifestError) -> [Policy.Rule]? {
        let entries = try field.list()
        guard !entries.isEmpty else { return nil }
        // v1alpha2 takes 25 rules, v1alpha1 took 100.
        let limit = version == .v1alpha2 ? 25 : Self.rulesMax
        guard entries.count <= limit else {
            throw field.error("\(entries.count) rules, and at most \(limit) are allowed")
        }
        var rules: [Policy.Rule] = []
        for entry in entries {
            rules.append(try rule(entry, peers: key, number: rules.count + 1))
        }
        return rules
    }

    private func rule(
        _ field: Field, peers key: String, number: Int
    ) throws(ManifestError) -> Policy.Rule {
        _ = try field.mapping()
        let text = try field["action"].required().string()
        guard let action = actions[text] else {
            let known = actions.keys.sorted().joined(separator: ", ")
            throw field["action"].error("\"\(text)\" is none of \(known)")
        }
        let peers = try field[key].list()
        guard !peers.isEmpty else { throw field[key].error("a rule needs at least one peer") }
        let portsKey = version == .v1alpha2 ? "protocols" : "ports"
        var rule = Policy.Rule(
            number: number, name: try field["name"].optional()?.string(), action: action)
        var isUnderstood = true
        var known: [Policy.Peer] = []
        for entry in peers {
            let parts = try self.peers(entry)
            isUnderstood = isUnderstood && parts != nil
            known += parts ?? []
        }
        rule.peers = known
        let entries = try field[portsKey].list()
        var ports: [PortMatch] = []
        for entry in entries {
            let match = version == .v1alpha2 ? try destination(entry) : try port(entry)
            isUnderstood = isUnderstood && match != nil
            if let match { ports.append(match) }
        }
        rule.ports = entries.isEmpty ? nil : ports
        if !isUnderstood { failClosed(&rule) }
        return rule
    }

    /// What a newer version of the API may mean is not guessed: a rule that accepts matches
    /// nothing, any other denies everything.
    private func failClosed(_ rule: inout Policy.Rule) {
        switch rule.action {
        case .allow: rule.ports = []
        case .drop, .reject, .pass:
            rule.action = .drop
            rule.peers = nil
            rule.ports = nil
        }
    }

    /// Nil for a kind of peer that is not known.
    private func peers(_ field: Field) throws(ManifestError) -> [Policy.Peer]? {
        _ = try field.mapping()
        if let namespaces = field["namespaces"].optional() {
            return [.pods(.labels(nil, in: try choice(namespaces)))]
        }
        if let pods = field["pods"].optional() { return [.pods(try self.pods(pods))] }
        if let networks = field["networks"].optional() {
            return try networks.list().map { field throws(ManifestError) in
                .block(try field.range(), except: [])
            }
        }
        if let nodes = field["nodes"].optional() { return [.nodes(try LabelSelector(nodes))] }
        if let names = field["domainNames"].optional() {
            return try names.list().map { field throws(ManifestError) in
                .domain(try field.string())
            }
        }
        return nil
    }

    func pods(_ field: Field) throws(ManifestError) -> PodSelection {
        _ = try field.mapping()
        let selector = try field["podSelector"].optional().map { field throws(ManifestError) in
            try LabelSelector(field)
        }
        if let older = field["namespaces"].optional() {
            return .labels(selector, in: try choice(older))
        }
        return .labels(selector, in: .matching(try LabelSelector(field["namespaceSelector"])))
    }

    /// A selector of namespaces; the first v1alpha1 had it one level deeper, beside same and
    /// different labels.
    private func choice(_ field: Field) throws(ManifestError) -> PodSelection.NamespaceChoice {
        if let keys = field["sameLabels"].optional() {
            return .sharing(
                try keys.list().map { field throws(ManifestError) in try field.string() })
        }
        if let keys = field["notSameLabels"].optional() {
            return .notSharing(
                try keys.list().map { field throws(ManifestError) in try field.string() })
        }
        return .matching(try LabelSelector(field["namespaceSelector"].optional() ?? field))
    }

    /// An entry of v1alpha1's `ports`; nil for a kind that is not known.
    private func port(_ field: Field) throws(ManifestError) -> PortMatch? {
        _ = try field.mapping()
        if let number = field["portNumber"].optional() {
            let port = try number["port"].required().port()
            return PortMatch(protocol: try protocolNumber(number), number: .range(port...port))
        }
        if let range = field["portRange"].optional() {
            return PortMatch(
                protocol: try protocolNumber(range),
                number: .range(
                    try PortMatch.range(
                        from: range["start"].required(), to: range["end"].required(),
                        endName: "end")))
        }
        if let name = field["namedPort"].optional() {
            return PortMatch(protocol: nil, number: .named(try name.string()))
        }
        return nil
    }

    private func protocolNumber(_ field: Field) throws(ManifestError) -> Int {
        let name = try field["protocol"].optional()?.string() ?? "TCP"
        guard let number = Headers.number(of: name) else {
            throw field["protocol"].error("\"\(name)\" is none of TCP, UDP, SCTP")
        }
        return number
    }

    /// An entry of v1alpha2's `protocols`; nil for a kind that is not known.
    private func destination(_ field: Field) throws(ManifestError) -> PortMatch? {
        _ = try field.mapping()
        if let name = field["destinationNamedPort"].optional() {
            return PortMatch(protocol: nil, number: .named(try name.string()))
        }
        for (key, number) in [
            ("tcp", Headers.tcp), ("udp", Headers.udp), ("sctp", Headers.sctp),
        ] {
            guard let entry = field[key].optional() else { continue }
            guard let port = try entry.mapping()["destinationPort"].optional() else {
                return PortMatch(protocol: number, number: .any)
            }
            if let single = port["number"].optional() {
                let value = try single.port()
                return PortMatch(protocol: number, number: .range(value...value))
            }
            if let range = port["range"].optional() {
                return PortMatch(
                    protocol: number,
                    number: .range(
                        try PortMatch.range(
                            from: range["start"].required(), to: range["end"].required(),
                            endName: "end")))
            }
            return nil
        }
        return nil
    }
}
