import Traceflow

/// Kubernetes' NetworkPolicy (kubernetes/api networking/v1/types.go; defaults.go for what is left
/// out).
extension Policy {
    init(networkPolicy resource: Resource) throws(ManifestError) {
        let spec = try resource.root["spec"].required().mapping()
        let namespace = resource.namespace ?? "default"
        let selector = try LabelSelector(spec["podSelector"])
        let ingressRules = try Self.rules(spec["ingress"], peers: "from", namespace)
        let egressRules = try Self.rules(spec["egress"], peers: "to", namespace)
        var types: Set<String> = []
        for type in try spec["policyTypes"].list() {
            let text = try type.string()
            guard ["Ingress", "Egress"].contains(text) else {
                throw type.error("\"\(text)\" is neither Ingress nor Egress")
            }
            types.insert(text)
        }
        if types.isEmpty { types = egressRules.isEmpty ? ["Ingress"] : ["Ingress", "Egress"] }
        self.init(
            rank: PolicyRank(
                stage: .networkPolicies,
                name: PolicyName(family: .kubernetes, namespace: namespace, name: resource.name)),
            subjects: [.labels(selector, in: .named(namespace))],
            ingress: types.contains("Ingress") ? ingressRules : nil,
            egress: types.contains("Egress") ? egressRules : nil,
            file: resource.file, line: resource.line)
    }

    private static func rules(
        _ field: Field, peers key: String, _ namespace: String
    ) throws(ManifestError) -> [Rule] {
        var rules: [Rule] = []
        for field in try field.list() {
            _ = try field.mapping()
            let peers = try field[key].list().map { field throws(ManifestError) in
                try peer(field, namespace)
            }
            let ports = try field["ports"].list().map { field throws(ManifestError) in
                try PortMatch(networkPolicyPort: field)
            }
            // A missing list and an empty one mean the same: everybody, every port.
            rules.append(
                Rule(
                    number: rules.count + 1, action: .allow, peers: peers.isEmpty ? nil : peers,
                    ports: ports.isEmpty ? nil : ports))
        }
        return rules
    }

    private static func peer(_ field: Field, _ namespace: String) throws(ManifestError) -> Peer {
        _ = try field.mapping()
        let pods = field["podSelector"].optional()
        let namespaces = field["namespaceSelector"].optional()
        if let block = field["ipBlock"].optional() {
            guard pods == nil, namespaces == nil else {
                throw block.error("ipBlock stands alone, without podSelector or namespaceSelector")
            }
            return try Peer(block: block)
        }
        guard pods != nil || namespaces != nil else {
            throw field.error("a peer needs podSelector, namespaceSelector or ipBlock")
        }
        return .pods(
            .labels(
                try pods.map { field throws(ManifestError) in try LabelSelector(field) },
                in: try namespaces.map { field throws(ManifestError) in
                    .matching(try LabelSelector(field))
                } ?? .named(namespace)))
    }
}

extension Policy.Peer {
    /// An ipBlock: a range, and ranges inside it that are left out.
    init(block: Field) throws(ManifestError) {
        self = .block(
            try block["cidr"].required().range(),
            except: try block["except"].list().map { field throws(ManifestError) in
                try field.range()
            })
    }
}

extension PortMatch {
    /// A port of a NetworkPolicy; Antrea's have the same shape.
    init(networkPolicyPort field: Field) throws(ManifestError) {
        _ = try field.mapping()
        let name = try field["protocol"].optional()?.string() ?? "TCP"
        guard let number = Headers.number(of: name) else {
            throw field["protocol"].error("\"\(name)\" is none of TCP, UDP, SCTP")
        }
        let end = field["endPort"].optional()
        guard let port = field["port"].optional() else {
            if let end { throw end.error("endPort needs a port") }
            self.init(protocol: number, number: .any)
            return
        }
        if case .string(let text) = port.value?.content, Int(text) == nil {
            if let end { throw end.error("endPort needs a numeric port") }
            self.init(protocol: number, number: .named(text))
            return
        }
        let range = try Self.range(from: port, to: end, endName: "endPort")
        self.init(protocol: number, number: .range(range))
    }

    static func range(
        from first: Field, to last: Field?, endName: String
    ) throws(ManifestError) -> ClosedRange<Int> {
        let lower = try first.port()
        let upper = try last.map { field throws(ManifestError) in try field.port() } ?? lower
        guard upper >= lower else {
            throw (last ?? first).error("must not be less than the port it ends")
        }
        return lower...upper
    }
}

extension Field {
    /// A port number, which may be written as a string of digits.
    func port() throws(ManifestError) -> Int {
        let number: Int
        if case .string(let text) = value?.content, let parsed = Int(text) {
            number = parsed
        } else {
            number = try int()
        }
        guard (1...65535).contains(number) else { throw error("must be between 1 and 65535") }
        return number
    }
}
