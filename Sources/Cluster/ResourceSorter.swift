import Traceflow

/// Takes objects of any kind and sorts those that the model knows.
///
/// An object of the same kind and name replaces the one before.
struct ResourceSorter: Sendable {
    private(set) var pods: [Pod] = []
    private var podNames: [String: Int] = [:]
    private var podOwners: [String: [String]] = [:]
    private(set) var nodes: [String: ClusterNode] = [:]
    private(set) var services: [String: Service] = [:]
    private var slices: [String: EndpointSlice] = [:]
    private var sliceOrder: [String] = []
    private var endpoints: [String: Resource] = [:]
    private var policies: [PolicyName: Policy] = [:]
    private var groups: [GroupName: AntreaGroup] = [:]
    private var tiers: [String: Int] = [:]
    private var namespaceLabels: [String: [String: String]] = [:]
    private var egresses: [String: Egress] = [:]
    private var network = PodNetwork()
    private var workloads: [(resource: Resource, template: Field)] = []
    private var networkChoice: NetworkChoice?
    private(set) var unknownKinds: [Cluster.UnknownKind] = []

    mutating func take(_ resource: Resource) throws(ManifestError) {
        switch (resource.group, resource.kind) {
        case ("", "Node"): nodes[resource.name] = try ClusterNode(resource)
        case ("", "Namespace"):
            namespaceLabels[resource.name] = try resource.root["metadata"]["labels"].texts()
        case ("", "Pod"): try takePod(resource)
        case ("", "Service"):
            let service = try Service(resource)
            services[service.fullName] = service
        case ("discovery.k8s.io", "EndpointSlice"):
            if slices[resource.fullName] == nil { sliceOrder.append(resource.fullName) }
            slices[resource.fullName] = try EndpointSlice(resource)
        case ("", "Endpoints"): endpoints[resource.fullName] = resource
        case ("", "ConfigMap"):
            if PodNetwork.isConfiguration(resource) {
                network = try PodNetwork(antreaConfig: resource)
            }
        case ("apps", "Deployment"), ("apps", "ReplicaSet"), ("apps", "StatefulSet"),
            ("apps", "DaemonSet"), ("extensions", "Deployment"), ("extensions", "ReplicaSet"),
            ("extensions", "DaemonSet"), ("batch", "Job"), ("", "ReplicationController"):
            takeWorkload(resource, resource.root["spec"]["template"])
        case ("batch", "CronJob"):
            takeWorkload(resource, resource.root["spec"]["jobTemplate"]["spec"]["template"])
        case (NetworkChoice.group, NetworkChoice.kind):
            networkChoice = try NetworkChoice(resource)
        case (let group, TraceflowManifest.kind) where group == Resource.antreaGroup: break
        case ("tracectl.dev", SweepManifest.kind), ("tracectl.dev", ScheduleManifest.kind): break
        case (let group, _) where Resource.antreaGroups.contains(group):
            try takeAntrea(resource)
        default:
            if let policy = try Policy(upstream: resource) {
                policies[policy.name] = policy
            } else {
                noteUnknown(resource)
            }
        }
    }

    private mutating func takeAntrea(_ resource: Resource) throws(ManifestError) {
        switch resource.kind {
        case "NetworkPolicy", "ClusterNetworkPolicy":
            let policy = try Policy(antrea: resource)
            policies[policy.name] = policy
        case "Group", "ClusterGroup":
            let group = try AntreaGroup(resource, isNamespaced: resource.kind == "Group")
            groups[group.name] = group
        case "Tier":
            let name = resource.name.lowercased()
            guard Policy.defaultTiers[name] == nil else { return }
            let field = try resource.root["spec"]["priority"].required()
            let priority = try field.int()
            // Numbers of Antrea's own tiers, and those behind the application's, are taken.
            guard (0..<PolicyRank.Tier.application).contains(priority) else {
                throw field.error("must be below \(PolicyRank.Tier.application)")
            }
            tiers[name] = priority
        case "Egress": egresses[resource.name] = try Egress(resource)
        default: noteUnknown(resource)
        }
    }

    private mutating func takeWorkload(_ resource: Resource, _ template: Field) {
        if let known = workloads.firstIndex(where: { $0.resource.isSame(as: resource) }) {
            workloads[known] = (resource, template)
        } else {
            workloads.append((resource, template))
        }
    }

    private mutating func takePod(_ resource: Resource) throws(ManifestError) {
        let pod = try Pod(resource)
        var owners: [String] = []
        for owner in try resource.root["metadata"]["ownerReferences"].list() {
            owners.append("\(pod.namespace)/\(try owner["name"].required().string())")
        }
        podOwners[pod.fullName] = owners.isEmpty ? nil : owners
        if let known = podNames[pod.fullName] {
            pods[known] = pod
        } else {
            podNames[pod.fullName] = pods.count
            pods.append(pod)
        }
    }

    /// Forgets the object of the same kind and name, if there is one.
    mutating func remove(_ resource: Resource) throws(ManifestError) {
        let name = resource.fullName
        switch (resource.group, resource.kind) {
        case ("", "Node"): nodes[resource.name] = nil
        case ("", "Namespace"): namespaceLabels[resource.name] = nil
        case ("", "Pod"):
            guard let place = podNames[name] else { return }
            pods.remove(at: place)
            podOwners[name] = nil
            podNames = Dictionary(
                uniqueKeysWithValues: pods.enumerated().map { ($1.fullName, $0) })
        case ("", "Service"): services[name] = nil
        case ("discovery.k8s.io", "EndpointSlice"):
            slices[name] = nil
            sliceOrder.removeAll { $0 == name }
        case ("", "Endpoints"): endpoints[name] = nil
        case ("", "ConfigMap"):
            if PodNetwork.isConfiguration(resource) { network = PodNetwork() }
        case (NetworkChoice.group, NetworkChoice.kind): networkChoice = nil
        case (let group, "Egress") where Resource.antreaGroups.contains(group):
            egresses[resource.name] = nil
        case (let group, "Tier") where Resource.antreaGroups.contains(group):
            tiers[resource.name.lowercased()] = nil
        case (let group, "Group") where Resource.antreaGroups.contains(group):
            groups[GroupName(namespace: resource.namespace ?? "default", name: resource.name)] = nil
        case (let group, "ClusterGroup") where Resource.antreaGroups.contains(group):
            groups[GroupName(name: resource.name)] = nil
        default:
            policies = policies.filter { !$0.key.isName(of: resource) }
            workloads.removeAll { $0.resource.isSame(as: resource) }
        }
    }

    private mutating func noteUnknown(_ resource: Resource) {
        let kind = "\(resource.kind) (\(resource.apiVersion))"
        guard !unknownKinds.contains(where: { $0.kind == kind }) else { return }
        unknownKinds.append(.init(kind: kind, file: resource.file, line: resource.line))
    }

    /// What can only be said once everything was seen.
    func settled() throws(ManifestError) -> ClusterResources {
        var all = sliceOrder.compactMap { slices[$0] }
        let served = Set(all.map { "\($0.namespace)/\($0.serviceName)" })
        for (name, resource) in endpoints.sorted(by: { $0.key < $1.key })
        where !served.contains(name) {
            all += try EndpointSlice.subsets(of: resource)
        }
        var policies = policies
        for name in policies.keys { try policies[name]?.resolveTier(tiers) }
        var network = network
        networkChoice?.apply(to: &network)
        var groups = groups
        for name in groups.keys { groups[name]?.resolve(services) }
        return ClusterResources(
            pods: try pods + syntheticPods(), nodes: nodes, services: services,
            endpointSlices: Dictionary(grouping: all) { "\($0.namespace)/\($0.serviceName)" },
            policies: policies, groups: groups, namespaceLabels: namespaceLabels,
            egresses: egresses.values.sorted { $0.name < $1.name }, network: network)
    }

    /// Pods that workloads without Pods would have.
    private func syntheticPods() throws(ManifestError) -> [Pod] {
        var synthetic: [Pod] = []
        var names: Set<String> = []
        let owners = Set(podOwners.values.joined())
        for (resource, template) in workloads {
            let replicas = try resource.root["spec"]["replicas"].optional()?.int() ?? 1
            guard replicas > 0 else { continue }
            let pod = try Pod(workload: resource, template: template)
            // Pods of a Deployment are owned by a ReplicaSet: its name, a dash and a hash.
            let isOwned = owners.contains { owner in
                owner == pod.fullName
                    || owner.hasPrefix(pod.fullName + "-")
                        && !owner.dropFirst(pod.fullName.count + 1).contains("-")
            }
            guard !isOwned, podNames[pod.fullName] == nil, names.insert(pod.fullName).inserted
            else { continue }
            synthetic.append(pod)
        }
        return synthetic
    }
}
