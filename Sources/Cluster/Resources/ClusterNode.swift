import Traceflow

/// A Kubernetes Node with what Antrea's agent on it knows.
struct ClusterNode: Hashable, Sendable {
    var name: String
    var podCIDRs: [CIDR]
    var addresses: [IPAddress]
    var labels: [String: String]

    init(_ resource: Resource) throws(ManifestError) {
        let root = resource.root
        name = resource.name
        labels = try root["metadata"]["labels"].texts()
        _ = try root["spec"].mapping()
        _ = try root["status"].mapping()
        podCIDRs = []
        for range in try root["spec"]["podCIDRs"].list() { podCIDRs.append(try range.range()) }
        if podCIDRs.isEmpty, let single = root["spec"]["podCIDR"].optional() {
            podCIDRs = [try single.range()]
        }
        addresses = []
        for entry in try root["status"]["addresses"].list()
        where try entry["type"].optional()?.string() == "InternalIP" {
            addresses.append(try entry["address"].required().address())
        }
    }

    /// The first address of the node's Pod range: its gateway interface's.
    func gateway(_ family: IPAddress.Family) -> IPAddress? {
        podCIDRs.first { $0.network.family == family }?.firstHost
    }

    /// The tunnel endpoint: of the packet's family if the node has such an address.
    func transportAddress(_ family: IPAddress.Family) -> IPAddress? {
        addresses.first { $0.family == family } ?? addresses.first
    }
}
