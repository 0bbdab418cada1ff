/// The part of the cluster network that an observation speaks of (Antrea's enum).
public enum Component: String, Sendable, CaseIterable {
    case spoofGuard = "SpoofGuard"
    case lb = "LB"
    case routing = "Routing"
    case networkPolicy = "NetworkPolicy"
    case forwarding = "Forwarding"
    case egress = "Egress"
}

/// What a component did with the packet (Antrea's enum, both vocabularies).
public enum Action: String, Sendable, CaseIterable {
    case delivered = "Delivered"
    case received = "Received"
    case forwarded = "Forwarded"
    case dropped = "Dropped"
    case rejected = "Rejected"
    case forwardedOutOfNetwork = "ForwardedOutOfNetwork"
    /// The v1alpha1 spelling of `forwardedOutOfNetwork`.
    case forwardedOutOfOverlay = "ForwardedOutOfOverlay"
    case markedForSNAT = "MarkedForSNAT"
    case forwardedToEgressNode = "ForwardedToEgressNode"
}

/// One step of a packet's path on one node, with Antrea's field names.
public struct Observation: Hashable, Sendable {
    public var component: Component
    public var action: Action
    public var componentInfo: String?
    /// `namespace/name` of the endpoint that a Service address was translated to.
    public var pod: String?
    public var networkPolicy: String?
    public var networkPolicyRule: String?
    public var egress: String?
    public var egressIP: String?
    public var egressNode: String?
    public var srcPodIP: String?
    public var translatedSrcIP: String?
    public var translatedDstIP: String?
    public var tunnelDstIP: String?

    // What is not given costs nothing this way, and observations are made by the million.
    @inlinable
    public init(
        _ component: Component, _ action: Action, componentInfo: String? = nil, pod: String? = nil,
        networkPolicy: String? = nil, networkPolicyRule: String? = nil, egress: String? = nil,
        egressIP: String? = nil, egressNode: String? = nil, srcPodIP: String? = nil,
        translatedSrcIP: String? = nil, translatedDstIP: String? = nil, tunnelDstIP: String? = nil
    ) {
        self.component = component
        self.action = action
        self.componentInfo = componentInfo
        self.pod = pod
        self.networkPolicy = networkPolicy
        self.networkPolicyRule = networkPolicyRule
        self.egress = egress
        self.egressIP = egressIP
        self.egressNode = egressNode
        self.srcPodIP = srcPodIP
        self.translatedSrcIP = translatedSrcIP
        self.translatedDstIP = translatedDstIP
        self.tunnelDstIP = tunnelDstIP
    }
}

/// What one node reported about one trace: its observations in the order the packet met them.
public struct NodeResult: Hashable, Sendable {
    public var node: String
    /// Seconds since 1970 at the reporting node.
    public var timestamp: Int64
    public var observations: [Observation]

    public init(node: String, timestamp: Int64, observations: [Observation]) {
        self.node = node
        self.timestamp = timestamp
        self.observations = observations
    }
}
