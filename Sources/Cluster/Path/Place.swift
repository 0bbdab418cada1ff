import Traceflow

/// Where an address is, seen from the Pod network.
enum Place: Hashable, Sendable {
    /// A Pod's, on the node.
    case pod(node: String)
    /// The node's own gateway's.
    case gateway(node: String)
    /// In the node's Pod range, but nobody's.
    case vacant(node: String)
    case outside
}

extension Cluster {
    func end(at address: IPAddress) -> FlowEnd {
        FlowEnd(pod: pod(at: address), address: address)
    }

    func place(of end: FlowEnd) -> Place {
        if let pod = end.pod, let node = pods[pod].nodeName { return .pod(node: node) }
        guard let address = end.address else { return .outside }
        for node in nodes.values where node.gateway(address.family) == address {
            return .gateway(node: node.name)
        }
        for node in nodes.values where node.podCIDRs.contains(where: { $0.contains(address) }) {
            return .vacant(node: node.name)
        }
        return .outside
    }
}
