import Traceflow

/// A Pod, as far as the network cares.
struct Pod: Hashable, Sendable {
    struct Port: Hashable, Sendable {
        var name: String?
        var number: Int
        var `protocol`: String
    }

    var namespace: String
    var name: String
    var labels: [String: String]
    var nodeName: String?
    var addresses: [IPAddress]
    var usesHostNetwork: Bool
    /// Succeeded or Failed: its address may already be another's.
    var isFinished: Bool
    var ports: [Port]
    var serviceAccount: String
    /// Its condition `Ready` is not False.
    var isReady = true
    /// It has been deleted, and is shutting down.
    var isTerminating = false
    /// Stands for the Pods that a workload would have.
    var isSynthetic = false

    var fullName: String { "\(namespace)/\(name)" }

    /// Whether policies can select it, and its address is its own: not its node's, and not
    /// another's by now. One without an address yet is taken for what it will be.
    var canBeSelected: Bool { !usesHostNetwork && !isFinished }

    func address(_ family: IPAddress.Family) -> IPAddress? {
        addresses.first { $0.family == family }
    }

    init(_ resource: Resource) throws(ManifestError) {
        let root = resource.root
        let status = try root["status"].mapping()
        _ = try root["spec"].mapping()
        namespace = resource.namespace ?? "default"
        name = resource.name
        labels = try root["metadata"]["labels"].texts()
        // Empty is what Kubernetes takes for a Pod that waits for a node.
        let node = try root["spec"]["nodeName"].optional()?.string()
        nodeName = node?.isEmpty == true ? nil : node
        usesHostNetwork = try root["spec"]["hostNetwork"].optional()?.bool() ?? false
        isFinished = ["Succeeded", "Failed"].contains(
            try status["phase"].optional()?.string() ?? "")
        addresses = []
        for entry in try status["podIPs"].list() {
            addresses.append(try entry["ip"].required().address())
        }
        if addresses.isEmpty, let single = status["podIP"].optional() {
            addresses = [try single.address()]
        }
        for condition in try status["conditions"].list()
        where try condition["type"].optional()?.string() == "Ready" {
            isReady = try condition["status"].optional()?.text() != "False"
        }
        isTerminating = root["metadata"]["deletionTimestamp"].optional() != nil
        ports = try Self.ports(root["spec"])
        serviceAccount = try root["spec"]["serviceAccountName"].optional()?.string() ?? "default"
    }

    /// A Pod that a workload without Pods would have.
    init(workload: Resource, template: Field) throws(ManifestError) {
        namespace = workload.namespace ?? "default"
        name = workload.name
        labels = try template["metadata"]["labels"].texts()
        nodeName = nil
        usesHostNetwork = try template["spec"]["hostNetwork"].optional()?.bool() ?? false
        isFinished = false
        isSynthetic = true
        addresses = []
        ports = try Self.ports(template["spec"])
        serviceAccount =
            try template["spec"]["serviceAccountName"].optional()?.string() ?? "default"
    }

    private static func ports(_ spec: Field) throws(ManifestError) -> [Port] {
        var ports: [Port] = []
        let restarting = try spec["initContainers"].list().filter {
            if case .string("Always") = $0["restartPolicy"].value?.content { true } else { false }
        }
        for container in try spec["containers"].list() + restarting {
            for port in try container["ports"].list() {
                ports.append(
                    Port(
                        name: try port["name"].optional()?.string(),
                        number: try port["containerPort"].required().int(),
                        protocol: try port["protocol"].optional()?.string() ?? "TCP"))
            }
        }
        return ports
    }
}

extension Field {
    func address() throws(ManifestError) -> IPAddress {
        let text = try string()
        guard let address = IPAddress(text) else { throw error("\"\(text)\" is not an IP address") }
        return address
    }

    func range() throws(ManifestError) -> CIDR {
        let text = try string()
        guard let range = CIDR(text) else {
            throw error("\"\(text)\" is not an address range such as 10.0.0.0/8")
        }
        return range
    }
}
