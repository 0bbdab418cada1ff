import Traceflow

/// The port of the bridge that a packet leaves by.
enum OutputPort: Hashable, Sendable {
    case tunnel
    case gateway
    /// Another Pod's.
    case pod
}

/// How an agent tells of a packet's leaving (pkg/agent/controller/traceflow/packetin.go).
struct Output: Hashable, Sendable {
    var port: OutputPort
    var network: PodNetwork
    /// The destination is the node's own gateway.
    var isToOwnGateway = false
    /// The destination lies in a range of Pods.
    var isToPods = false
    /// An Egress of this node marked the packet.
    var isMarked = false

    /// What is reported, and whether the peer node is named as the end of a tunnel.
    var action: (Action, namesPeer: Bool) {
        if network.mode.hasTunnels, port == .tunnel { return (.forwarded, true) }
        if port == .gateway, isToOwnGateway { return (.delivered, false) }
        guard port == .gateway else { return (.delivered, false) }
        switch network.mode {
        case .encap:
            if network.usesWireGuard, isToPods, !isMarked { return (.forwarded, true) }
            return (.forwardedOutOfNetwork, false)
        case .hybrid:
            if isToPods, !isMarked { return (.forwarded, network.usesWireGuard) }
            return (.forwardedOutOfNetwork, false)
        case .noEncap, .networkPolicyOnly:
            return (isToPods ? .forwarded : .forwardedOutOfNetwork, false)
        }
    }
}

extension Cluster {
    /// The port that takes a packet to another node.
    ///
    /// Hybrid mode tunnels only between subnets. What a node's subnet is no manifest says: nodes
    /// whose addresses share 24 bits, or 64 of IPv6, are taken for neighbours.
    func port(from node: String, to peer: String, _ family: IPAddress.Family) -> OutputPort {
        let network = resources.network
        switch network.mode {
        case .encap: return network.usesWireGuard ? .gateway : .tunnel
        case .noEncap, .networkPolicyOnly: return .gateway
        case .hybrid:
            guard let own = nodes[node]?.transportAddress(family),
                let other = nodes[peer]?.transportAddress(family), own.family == other.family
            else { return .tunnel }
            let shift: UInt128 = own.family == .v4 ? 8 : 64
            return own.bits >> shift == other.bits >> shift ? .gateway : .tunnel
        }
    }

    /// Whether an agent takes the address for a Pod's.
    func isInPodRange(_ address: IPAddress) -> Bool {
        let given = resources.network.podRanges
        if resources.network.mode == .networkPolicyOnly, !given.isEmpty {
            return given.contains { $0.contains(address) }
        }
        return nodes.values.contains { $0.podCIDRs.contains { $0.contains(address) } }
    }
}
