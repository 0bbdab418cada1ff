/// What Antrea's policies can say and the model leaves out: it knows Pods and addresses, and judges
/// packets by their headers (antrea docs/antrea-network-policy.md, antrea-node-network-policy.md,
/// antrea-l7-network-policy.md).
enum Omission: String, Hashable, Sendable, CaseIterable {
    case nodes, nodePorts, externalEntities, layer7

    var message: String {
        switch self {
        case .nodes: "is applied to Nodes: what it says of their own traffic is left out"
        case .nodePorts: "is applied to a Service's node ports: what it says of them is left out"
        case .externalEntities: "selects external entities: they are left out"
        case .layer7: "has l7Protocols: its rules are judged by addresses and ports alone"
        }
    }

    /// What the policy's spec has of these.
    static func all(in spec: Field) throws(ManifestError) -> Set<Omission> {
        var found = try ofEnds(spec["appliedTo"])
        for direction in ["ingress", "egress"] {
            for rule in try spec[direction].list() {
                if rule["l7Protocols"].optional() != nil { found.insert(.layer7) }
                found.formUnion(try ofEnds(rule["appliedTo"]))
                for end in try rule["from"].list() + rule["to"].list()
                where end["externalEntitySelector"].optional() != nil {
                    found.insert(.externalEntities)
                }
            }
        }
        return found
    }

    private static func ofEnds(_ appliedTo: Field) throws(ManifestError) -> Set<Omission> {
        var found: Set<Omission> = []
        for end in try appliedTo.list() {
            if end["nodeSelector"].optional() != nil { found.insert(.nodes) }
            if end["service"].optional() != nil { found.insert(.nodePorts) }
            if end["externalEntitySelector"].optional() != nil { found.insert(.externalEntities) }
        }
        return found
    }
}
