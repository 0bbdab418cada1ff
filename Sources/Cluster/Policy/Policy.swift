import Traceflow

/// A policy of any family as written, in one shape for all.
struct Policy: Hashable, Sendable {
    struct Rule: Hashable, Sendable {
        /// From 1, as written.
        var number: Int
        var name: String?
        var action: PolicyAction
        /// Nil means everybody; none means nobody.
        var peers: [Peer]?
        /// Nil means every port of every protocol; none means no packet.
        var ports: [PortMatch]?
        /// Nil where the policy's own subjects hold.
        var subjects: [PodSelection]?
    }

    enum Peer: Hashable, Sendable {
        case pods(PodSelection)
        /// Matches Pods' addresses as well, as upstream's tests ask for.
        case block(CIDR, except: [CIDR])
        /// The addresses of Nodes.
        case nodes(LabelSelector)
        /// Names that only DNS at run time can tell the addresses of.
        case domain(String)
        /// Traffic through a Service, as `namespace/name`.
        case service(String)
    }

    var rank: PolicyRank
    /// Pods that any of these selects.
    var subjects: [PodSelection]
    /// Nil when the policy does not speak of the direction.
    var ingress: [Rule]?
    var egress: [Rule]?
    /// The Tier of Antrea that it is in.
    var tierName: String?
    /// Where it was written.
    var file: String
    var line: Int
    /// What it says that the model does not judge.
    var omissions: Set<Omission> = []

    var name: PolicyName { rank.name }

    func rules(_ direction: Direction) -> [Rule]? {
        switch direction {
        case .egress: egress
        case .ingress: ingress
        }
    }
}

/// A group of Antrea, by its namespace; a ClusterGroup has none.
struct GroupName: Hashable, Sendable {
    var namespace: String?
    var name: String
}
