import Traceflow

/// A model of a Kubernetes cluster: its resources as values, its policies compiled.
public struct Cluster: Sendable {
    let pods: [Pod]
    let nodes: [String: ClusterNode]
    let services: [String: Service]
    let endpointSlices: [String: [EndpointSlice]]
    let networkPolicies: NetworkPolicyStage
    /// Policy families in their order of evaluation.
    var stages: [any PolicyStage] { [networkPolicies] }
    private let podIndex: [String: Int]
    private let podsByAddress: [IPAddress: Int]
    private let servicesByAddress: [IPAddress: String]
    /// What was left out, once a kind.
    public let warnings: [ManifestWarning]
    /// Kinds that are not understood, with the place of the first object of each.
    public let unknownKinds: [UnknownKind]

    public struct UnknownKind: Hashable, Sendable {
        public var kind: String
        public var file: String
        public var line: Int
    }

    public init(_ resources: [Resource]) throws(ManifestError) {
        var reader = ResourceSorter()
        for resource in resources { try reader.take(resource) }
        try reader.finish()
        pods = reader.pods
        nodes = reader.nodes
        services = reader.services
        endpointSlices = Dictionary(grouping: reader.slices) { "\($0.namespace)/\($0.serviceName)" }
        unknownKinds = reader.unknownKinds
        warnings =
            reader.unknownKinds.map {
                ManifestWarning(
                    file: $0.file, line: $0.line,
                    message: "\($0.kind) objects are not understood and are left out")
            } + reader.warnings
        let labels = reader.namespaceLabels
        networkPolicies = NetworkPolicyStage(
            reader.policies, pods: pods,
            namespaceLabels: { name in
                var all = labels[name] ?? [:]
                all["kubernetes.io/metadata.name"] = name
                return all
            })
        var index: [String: Int] = [:]
        var addresses: [IPAddress: Int] = [:]
        for (number, pod) in pods.enumerated() {
            index[pod.fullName] = number
            guard pod.isSelectable else { continue }
            for address in pod.addresses where addresses[address] == nil {
                addresses[address] = number
            }
        }
        podIndex = index
        podsByAddress = addresses
        var clusterIPs: [IPAddress: String] = [:]
        for service in services.values {
            for address in service.clusterIPs { clusterIPs[address] = service.fullName }
        }
        servicesByAddress = clusterIPs
    }

    /// What admission asks about a Pod; nil when there is none of the name.
    public func podFacts(namespace: String, name: String) -> PodFacts? {
        pod("\(namespace)/\(name)").map { PodFacts(usesHostNetwork: pods[$0].usesHostNetwork) }
    }

    public func podExists(namespace: String, name: String) -> Bool {
        pod("\(namespace)/\(name)") != nil
    }

    /// `namespace/name` of the Pod that has the address; finished Pods have none.
    public func podName(at address: IPAddress) -> String? {
        podsByAddress[address].map { pods[$0].fullName }
    }

    public var nodeNames: [String] { nodes.keys.sorted() }

    func pod(_ fullName: String) -> Int? { podIndex[fullName] }

    func pod(at address: IPAddress) -> Int? { podsByAddress[address] }

    func service(at address: IPAddress) -> Service? {
        servicesByAddress[address].flatMap { services[$0] }
    }

    /// A node may always reach its own Pods, for the sake of the kubelet's probes.
    func isFromOwnNode(_ flow: Flow, _ direction: Direction) -> Bool {
        guard direction == .ingress, let address = flow.source.address,
            let node = flow.destination.pod.flatMap({ pods[$0].nodeName })
        else { return false }
        return nodes[node]?.addresses.contains(address) ?? false
    }

    /// Whether the direction of the connection passes all stages, and what decided.
    func judge(_ flow: Flow, _ direction: Direction) -> StageVerdict {
        if isFromOwnNode(flow, direction) { return .undecided }
        for stage in stages {
            let verdict = stage.judge(flow, direction)
            if verdict != .undecided { return verdict }
        }
        return .undecided
    }
}
