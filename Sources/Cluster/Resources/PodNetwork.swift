import Traceflow

/// How Antrea carries packets between nodes (antrea docs/noencap-hybrid-modes.md,
/// docs/traffic-encryption.md).
public enum TrafficMode: String, Hashable, Sendable, CaseIterable {
    case encap
    case noEncap
    case hybrid
    case networkPolicyOnly

    /// As written in any letter case; nil for another word.
    public init?(word: String) {
        guard
            let mode = Self.allCases.first(where: { $0.rawValue.lowercased() == word.lowercased() })
        else { return nil }
        self = mode
    }

    /// Whether any packet takes a tunnel.
    var hasTunnels: Bool { self == .encap || self == .hybrid }
}

/// What an agent's configuration says of the way of packets.
struct PodNetwork: Hashable, Sendable {
    var mode = TrafficMode.encap
    var usesWireGuard = false
    /// Whether AntreaProxy answers to node ports in kube-proxy's stead.
    var proxiesAll = false
    /// Whether it answers to addresses of load balancers.
    var proxiesLoadBalancers = true
    /// Destinations whose packets no Egress marks.
    var egressExceptions: [CIDR] = []
    /// Where Pods are in networkPolicyOnly mode, when another plugin gives the addresses.
    var podRanges: [CIDR] = []

    init() {}

    /// Reads `antrea-agent.conf` of the ConfigMap `antrea-config`.
    init(antreaConfig resource: Resource) throws(ManifestError) {
        let field = resource.root["data"]["antrea-agent.conf"]
        guard let text = try field.optional()?.string() else { return }
        let file = "\(resource.file): antrea-agent.conf"
        guard let value = try ManifestReader.values(text: text, file: file).first else { return }
        let root = Field(value, path: "", file: file)
        if let given = root["trafficEncapMode"].optional() {
            guard let known = TrafficMode(word: try given.string()) else {
                let words = TrafficMode.allCases.map(\.rawValue).joined(separator: ", ")
                throw given.error("\"\(try given.string())\" is none of \(words)")
            }
            mode = known
        }
        usesWireGuard =
            try root["trafficEncryptionMode"].optional()?.string().lowercased() == "wireguard"
        let proxy = root["antreaProxy"]
        proxiesAll = try proxy["proxyAll"].optional()?.bool() ?? false
        proxiesLoadBalancers = try proxy["proxyLoadBalancerIPs"].optional()?.bool() ?? true
        for range in try root["egress"]["exceptCIDRs"].list() {
            egressExceptions.append(try range.range())
        }
        for range in try root["podCIDRs"].list() { podRanges.append(try range.range()) }
    }

    /// Whether a ConfigMap is the agents'; installers put a hash behind the name.
    static func isConfiguration(_ resource: Resource) -> Bool {
        resource.name == "antrea-config" || resource.name.hasPrefix("antrea-config-")
    }
}
