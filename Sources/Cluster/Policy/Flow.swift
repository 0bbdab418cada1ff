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
    var headers: Headers
    /// `namespace/name` of the Service the packet was sent to, if it was.
    var service: String?

    init(source: FlowEnd, destination: FlowEnd, headers: Headers) {
        self.source = source
        self.destination = destination
        self.headers = headers
    }
}

/// The side of a connection that a policy is applied to.
enum Direction: Hashable, Sendable, CaseIterable {
    case egress, ingress

    func subject(of flow: Flow) -> FlowEnd { self == .egress ? flow.source : flow.destination }
    func peer(of flow: Flow) -> FlowEnd { self == .egress ? flow.destination : flow.source }
}
