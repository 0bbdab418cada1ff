import Traceflow

/// One side of a connection: an address, and the Pod that has it if one does.
struct FlowEnd: Hashable, Sendable {
    /// Index into the cluster's Pods; nil outside the cluster.
    var pod: Int?
    /// Nil for a Pod whose address is not known yet.
    var address: IPAddress?
}

/// A connection as policies judge it: after Services were translated.
struct Flow: Hashable, Sendable {
    var source: FlowEnd
    var destination: FlowEnd
    /// IP protocol number.
    var `protocol`: Int
    /// Destination port; nil for protocols without ports.
    var port: Int?

    static let tcp = 6
    static let udp = 17
    static let sctp = 132
    static let icmp = 1
    static let icmpv6 = 58

    /// The numbers of the protocols that policies and Services can name.
    static func number(of name: String) -> Int? {
        switch name.uppercased() {
        case "TCP": tcp
        case "UDP": udp
        case "SCTP": sctp
        default: nil
        }
    }
}

/// The side of a connection that a policy is applied to.
enum Direction: Hashable, Sendable {
    case egress, ingress

    func subject(of flow: Flow) -> FlowEnd { self == .egress ? flow.source : flow.destination }
    func peer(of flow: Flow) -> FlowEnd { self == .egress ? flow.destination : flow.source }
}
