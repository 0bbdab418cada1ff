import Traceflow

/// A model of a Kubernetes cluster: its resources as values, its policies compiled.
public struct Cluster: Sendable {
    private var sorter: ResourceSorter
    private(set) var resources: ClusterResources
    private(set) var policies: CompiledPolicies
    private var podIndex: [String: Int] = [:]
    private var podsByAddress: [IPAddress: Int] = [:]
    /// Those of the host network as well.
    private var podNamesByAddress: [IPAddress: Int] = [:]
    private var servicesByAddress: [IPAddress: String] = [:]
    /// What was left out: once a kind of object, and once a thing that policies say.
    public private(set) var warnings: [ManifestWarning] = []

    public struct UnknownKind: Hashable, Sendable {
        public var kind: String
        public var file: String
        public var line: Int
    }

    public init(_ resources: [Resource]) throws(ManifestError) {
        sorter = ResourceSorter()
        for resource in resources { try sorter.take(resource) }
        self.resources = try sorter.settled()
        policies = CompiledPolicies(self.resources.policies.values, self.resources.index())
        lookUp()
    }

    /// Takes in objects that are new or have changed, and forgets others.
    ///
    /// Policies that did not change keep what they were compiled to; of a Pod only its own bits
    /// are asked for anew. The result equals a model made afresh of the objects as they are now.
    public mutating func apply(
        _ changed: [Resource], removing removed: [Resource] = []
    ) throws(ManifestError) {
        var next = sorter
        for resource in removed { try next.remove(resource) }
        for resource in changed { try next.take(resource) }
        let settled = try next.settled()
        sorter = next
        let before = resources
        resources = settled
        if before.namespaceLabels == settled.namespaceLabels, before.nodes == settled.nodes,
            before.groups == settled.groups
        {
            updatePods(from: before.pods)
            policies.replace(with: settled.policies)
        } else {
            policies = CompiledPolicies(settled.policies.values, settled.index())
        }
        lookUp()
    }

    private mutating func updatePods(from before: [Pod]) {
        let now = resources.pods
        guard before != now else { return }
        let index = resources.index()
        let shared = zip(before, now).prefix { $0.fullName == $1.fullName }.count
        switch now.count - before.count {
        case 0 where shared == now.count:
            for place in now.indices where before[place] != now[place] {
                policies.update(pod: place, index)
            }
        case 1 where shared == before.count && Array(now.dropLast()) == before:
            policies.append(index)
        case -1
        where Array(now[shared...]) == Array(before[(shared + 1)...])
            && now[..<shared] == before[..<shared]:
            policies.remove(pod: shared, index)
        default: policies = CompiledPolicies(resources.policies.values, index)
        }
    }

    private mutating func lookUp() {
        warnings = unknownKinds.map {
            ManifestWarning(
                file: $0.file, line: $0.line,
                message: "\($0.kind) objects are not understood and are left out")
        }
        warnings += Omission.allCases.compactMap { omission in
            let policies = policies.policies.lazy.map(\.policy)
            return policies.first { $0.omissions.contains(omission) }.map {
                ManifestWarning(
                    file: $0.file, line: $0.line, message: "\($0.name) \(omission.message)")
            }
        }
        podIndex = [:]
        podsByAddress = [:]
        podNamesByAddress = [:]
        podIndex.reserveCapacity(pods.count)
        podsByAddress.reserveCapacity(pods.count)
        for (number, pod) in pods.enumerated() {
            podIndex[pod.fullName] = number
            for address in pod.addresses where !pod.isFinished {
                if podNamesByAddress[address] == nil { podNamesByAddress[address] = number }
                if pod.canBeSelected, podsByAddress[address] == nil {
                    podsByAddress[address] = number
                }
            }
        }
        servicesByAddress = [:]
        for service in services.values {
            let fronts =
                service.clusterIPs + service.externalIPs
                + (resources.network.proxiesLoadBalancers ? service.balancerIPs : [])
            for address in fronts { servicesByAddress[address] = service.fullName }
        }
    }

    var pods: [Pod] { resources.pods }
    var nodes: [String: ClusterNode] { resources.nodes }
    var services: [String: Service] { resources.services }
    var endpointSlices: [String: [EndpointSlice]] { resources.endpointSlices }

    /// Kinds that are not understood, with the place of the first object of each.
    public var unknownKinds: [UnknownKind] { sorter.unknownKinds }

    /// What admission asks about a Pod; nil when there is none of the name.
    public func podFacts(namespace: String, name: String) -> PodFacts? {
        pod("\(namespace)/\(name)").map { PodFacts(usesHostNetwork: pods[$0].usesHostNetwork) }
    }

    public func podExists(namespace: String, name: String) -> Bool {
        pod("\(namespace)/\(name)") != nil
    }

    /// `namespace/name` of the first Pod that has the address, be it its node's; finished Pods
    /// have none (pkg/controller/traceflow, the Pod IP index).
    public func podName(at address: IPAddress) -> String? {
        podNamesByAddress[address].map { pods[$0].fullName }
    }

    public var nodeNames: [String] { nodes.keys.sorted() }

    func pod(_ fullName: String) -> Int? { podIndex[fullName] }

    func pod(at address: IPAddress) -> Int? { podsByAddress[address] }

    func service(at address: IPAddress) -> Service? {
        servicesByAddress[address].flatMap { services[$0] }
    }

    /// What the policies of the direction say of the connection.
    func judge(
        _ flow: Flow, _ direction: Direction, _ chains: ChainCache? = nil
    ) -> Judgement {
        guard let subject = direction.subject(of: flow).pod else {
            return Judgement(decision: .undecided)
        }
        func make() -> RuleChain { policies.chain(of: subject, direction, flow.headers) }
        let chain = chains?.chain(of: subject, direction, flow.headers, make: make) ?? make()
        return chain.judge(direction.peer(of: flow), service: flow.service)
    }
}
