import Traceflow

/// Takes objects of any kind and sorts those that the model knows.
struct ResourceSorter {
    var pods: [Pod] = []
    var nodes: [String: ClusterNode] = [:]
    var services: [String: Service] = [:]
    var slices: [EndpointSlice] = []
    var policies: [NetworkPolicy] = []
    var namespaceLabels: [String: [String: String]] = [:]
    var unknownKinds: [Cluster.UnknownKind] = []
    var warnings: [ManifestWarning] = []
    private var podOwners: Set<String> = []
    private var workloads: [(resource: Resource, template: Field)] = []
    private var endpoints: [Resource] = []
    private var podNames: [String: Int] = [:]

    mutating func take(_ resource: Resource) throws(ManifestError) {
        let group =
            resource.apiVersion.split(separator: "/").dropLast().first.map(String.init) ?? ""
        switch (group, resource.kind) {
        case ("", "Node"): nodes[resource.name] = try ClusterNode(resource)
        case ("", "Namespace"):
            namespaceLabels[resource.name] = try resource.root["metadata"]["labels"].texts()
        case ("", "Pod"): try takePod(resource)
        case ("", "Service"):
            let service = try Service(resource)
            services[service.fullName] = service
        case ("discovery.k8s.io", "EndpointSlice"): slices.append(try EndpointSlice(resource))
        case ("", "Endpoints"): endpoints.append(resource)
        case ("networking.k8s.io", "NetworkPolicy"), ("extensions", "NetworkPolicy"):
            try takePolicy(resource)
        case ("apps", "Deployment"), ("apps", "ReplicaSet"), ("apps", "StatefulSet"),
            ("apps", "DaemonSet"), ("extensions", "Deployment"), ("extensions", "ReplicaSet"),
            ("extensions", "DaemonSet"), ("batch", "Job"), ("", "ReplicationController"):
            workloads.append((resource, resource.root["spec"]["template"]))
        case ("batch", "CronJob"):
            workloads.append((resource, resource.root["spec"]["jobTemplate"]["spec"]["template"]))
        case ("crd.antrea.io", TraceflowManifest.kind): break
        default: noteUnknown(resource)
        }
    }

    private mutating func takePod(_ resource: Resource) throws(ManifestError) {
        let pod = try Pod(resource)
        for owner in try resource.root["metadata"]["ownerReferences"].list() {
            podOwners.insert("\(pod.namespace)/\(try owner["name"].required().string())")
        }
        if let known = podNames[pod.fullName] {
            pods[known] = pod
        } else {
            podNames[pod.fullName] = pods.count
            pods.append(pod)
        }
    }

    private mutating func takePolicy(_ resource: Resource) throws(ManifestError) {
        let policy = try NetworkPolicy(resource)
        policies.removeAll { $0.namespace == policy.namespace && $0.name == policy.name }
        policies.append(policy)
    }

    private mutating func noteUnknown(_ resource: Resource) {
        let kind = "\(resource.kind) (\(resource.apiVersion))"
        guard !unknownKinds.contains(where: { $0.kind == kind }) else { return }
        unknownKinds.append(.init(kind: kind, file: resource.file, line: resource.line))
    }

    /// What can only be said once everything was seen.
    mutating func finish() throws(ManifestError) {
        for resource in endpoints {
            let name = "\(resource.namespace ?? "default")/\(resource.name)"
            guard !slices.contains(where: { "\($0.namespace)/\($0.serviceName)" == name }) else {
                continue
            }
            slices += try EndpointSlice.subsets(of: resource)
        }
        for (resource, template) in workloads {
            let replicas = try resource.root["spec"]["replicas"].optional()?.int() ?? 1
            guard replicas > 0 else { continue }
            let pod = try Pod(workload: resource, template: template)
            // Pods of a Deployment are owned by a ReplicaSet: its name, a dash and a hash.
            let owned = podOwners.contains { owner in
                owner == pod.fullName
                    || owner.hasPrefix(pod.fullName + "-")
                        && !owner.dropFirst(pod.fullName.count + 1).contains("-")
            }
            guard !owned, podNames[pod.fullName] == nil else { continue }
            podNames[pod.fullName] = pods.count
            pods.append(pod)
        }
    }
}
