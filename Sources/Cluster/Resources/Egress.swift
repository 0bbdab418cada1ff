import Traceflow

/// Antrea's Egress: the address under which Pods leave the cluster (antrea docs/egress.md).
struct Egress: Hashable, Sendable {
    var name: String
    var selection: PodSelection
    /// Those in effect come before those asked for.
    var addresses: [IPAddress]
    /// The node that has the address; nil until one does.
    var node: String?

    init(_ resource: Resource) throws(ManifestError) {
        let root = resource.root
        let spec = try root["spec"].required().mapping()
        name = resource.name
        let subject = try spec["appliedTo"].required().mapping()
        selection =
            try PodSelection(antrea: subject, namespace: nil)
            ?? .labels(nil, in: .all)
        if let group = try subject["group"].optional()?.string(), !group.isEmpty {
            selection = .group(GroupName(name: group))
        }
        addresses = []
        let status = try root["status"].mapping()
        var texts: [Field] = []
        if let effective = status["egressIP"].optional() { texts.append(effective) }
        if let asked = spec["egressIP"].optional() { texts.append(asked) }
        texts += try spec["egressIPs"].list()
        for field in texts where try !field.string().isEmpty {
            let address = try field.address()
            if !addresses.contains(address) { addresses.append(address) }
        }
        node = try status["egressNode"].optional()?.string()
        if node?.isEmpty ?? false { node = nil }
    }

    /// The address packets of the family leave under.
    func address(_ family: IPAddress.Family) -> IPAddress? {
        addresses.first { $0.family == family }
    }
}

extension Cluster {
    /// The Egress that a Pod's packets to an address outside take, with its address and node.
    ///
    /// None applies to Pods, nodes and what the agents' configuration excepts. Of several that
    /// select the Pod only one takes effect; here the first by name.
    func egress(
        of pod: Int, to destination: IPAddress
    ) -> (egress: Egress, address: IPAddress, node: String)? {
        guard resources.network.mode.hasTunnels,
            !resources.network.egressExceptions.contains(where: { $0.contains(destination) }),
            !nodes.values.contains(where: { $0.addresses.contains(destination) })
        else { return nil }
        for egress in resources.egresses where policies.index.contains(egress.selection, pod) {
            guard let address = egress.address(destination.family),
                let node = egress.node
                    ?? nodes.values.first(where: { $0.addresses.contains(address) })?.name
            else { continue }
            return (egress, address, node)
        }
        return nil
    }
}
