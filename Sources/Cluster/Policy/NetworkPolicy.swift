import Traceflow

/// A Kubernetes NetworkPolicy (networking.k8s.io/v1) as written.
struct NetworkPolicy: Hashable, Sendable {
    enum Peer: Hashable, Sendable {
        /// A missing namespace selector means the policy's own namespace.
        case pods(LabelSelector?, inNamespaces: LabelSelector?)
        case block(CIDR, except: [CIDR])
    }

    enum PortMatch: Hashable, Sendable {
        case any
        case range(ClosedRange<Int>)
        case named(String)
    }

    struct Port: Hashable, Sendable {
        var `protocol`: Int
        var match: PortMatch
    }

    struct Rule: Hashable, Sendable {
        /// Empty means everybody.
        var peers: [Peer]
        /// Empty means every port of every protocol.
        var ports: [Port]
    }

    var namespace: String
    var name: String
    var selector: LabelSelector
    /// Nil when the policy does not isolate in the direction.
    var ingress: [Rule]?
    var egress: [Rule]?

    init(_ resource: Resource) throws(ManifestError) {
        let spec = try resource.root["spec"].required().mapping()
        namespace = resource.namespace ?? "default"
        name = resource.name
        selector = try LabelSelector(spec["podSelector"])
        let ingressRules = try spec["ingress"].list().map { field throws(ManifestError) in
            try Self.rule(field, peers: "from")
        }
        let egressRules = try spec["egress"].list().map { field throws(ManifestError) in
            try Self.rule(field, peers: "to")
        }
        var types: Set<String> = []
        for type in try spec["policyTypes"].list() {
            let text = try type.string()
            guard ["Ingress", "Egress"].contains(text) else {
                throw type.error("\"\(text)\" is neither Ingress nor Egress")
            }
            types.insert(text)
        }
        if types.isEmpty { types = egressRules.isEmpty ? ["Ingress"] : ["Ingress", "Egress"] }
        ingress = types.contains("Ingress") ? ingressRules : nil
        egress = types.contains("Egress") ? egressRules : nil
    }

    func rules(_ direction: Direction) -> [Rule]? {
        switch direction {
        case .egress: egress
        case .ingress: ingress
        }
    }

    private static func rule(_ field: Field, peers key: String) throws(ManifestError) -> Rule {
        _ = try field.mapping()
        return Rule(
            peers: try field[key].list().map(peer), ports: try field["ports"].list().map(port))
    }

    private static func peer(_ field: Field) throws(ManifestError) -> Peer {
        _ = try field.mapping()
        let pods = field["podSelector"].optional()
        let namespaces = field["namespaceSelector"].optional()
        if let block = field["ipBlock"].optional() {
            guard pods == nil, namespaces == nil else {
                throw block.error("ipBlock stands alone, without podSelector or namespaceSelector")
            }
            return .block(
                try block["cidr"].required().range(),
                except: try block["except"].list().map { field throws(ManifestError) in
                    try field.range()
                })
        }
        guard pods != nil || namespaces != nil else {
            throw field.error("a peer needs podSelector, namespaceSelector or ipBlock")
        }
        return .pods(
            try pods.map { field throws(ManifestError) in try LabelSelector(field) },
            inNamespaces: try namespaces.map { field throws(ManifestError) in
                try LabelSelector(field)
            })
    }

    private static func port(_ field: Field) throws(ManifestError) -> Port {
        _ = try field.mapping()
        let name = try field["protocol"].optional()?.string() ?? "TCP"
        guard let number = Flow.number(of: name) else {
            throw field["protocol"].error("\"\(name)\" is none of TCP, UDP, SCTP")
        }
        let end = field["endPort"].optional()
        guard let port = field["port"].optional() else {
            if let end { throw end.error("endPort needs a port") }
            return Port(protocol: number, match: .any)
        }
        if case .string(let text) = port.value?.content {
            if let end { throw end.error("endPort needs a numeric port") }
            return Port(protocol: number, match: .named(text))
        }
        let first = try bounded(port)
        let last = try end.map { field throws(ManifestError) in try bounded(field) } ?? first
        guard last >= first else { throw field["endPort"].error("must not be less than port") }
        return Port(protocol: number, match: .range(first...last))
    }

    private static func bounded(_ field: Field) throws(ManifestError) -> Int {
        let number = try field.int()
        guard (1...65535).contains(number) else { throw field.error("must be between 1 and 65535") }
        return number
    }
}
