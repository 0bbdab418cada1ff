import Traceflow

/// A Service with its ports; endpoints come from EndpointSlices, Endpoints or its selector.
struct Service: Hashable, Sendable {
    enum TargetPort: Hashable, Sendable {
        case number(Int)
        case name(String)
    }

    struct Port: Hashable, Sendable {
        var name: String
        var `protocol`: String
        var number: Int
        var target: TargetPort
        /// The port that it has on every node.
        var node: Int?
    }

    var namespace: String
    var name: String
    /// As written; `None` and the empty string are no addresses.
    var clusterIPTexts: [String]
    var clusterIPs: [IPAddress]
    /// Addresses of load balancers (`status.loadBalancer`).
    var balancerIPs: [IPAddress] = []
    var externalIPs: [IPAddress] = []
    /// `internalTrafficPolicy: Local`: only endpoints on the sender's node are used.
    var keepsToNode: Bool
    /// `publishNotReadyAddresses`.
    var publishesUnready: Bool
    /// A name for a host elsewhere, with nobody behind it here.
    var isExternalName: Bool
    /// Where it was written.
    var file: String
    var line: Int
    var selector: [String: String]
    var ports: [Port]

    var fullName: String { "\(namespace)/\(name)" }

    init(_ resource: Resource) throws(ManifestError) {
        let spec = try resource.root["spec"].mapping()
        namespace = resource.namespace ?? "default"
        name = resource.name
        file = resource.file
        line = resource.line
        isExternalName = try spec["type"].optional()?.string() == "ExternalName"
        clusterIPTexts = []
        for entry in try spec["clusterIPs"].list() { clusterIPTexts.append(try entry.string()) }
        if clusterIPTexts.isEmpty, let single = spec["clusterIP"].optional() {
            clusterIPTexts = [try single.string()]
        }
        clusterIPs = clusterIPTexts.compactMap { IPAddress($0) }
        selector = try spec["selector"].texts()
        keepsToNode = try spec["internalTrafficPolicy"].optional()?.string() == "Local"
        publishesUnready = try spec["publishNotReadyAddresses"].optional()?.bool() ?? false
        for entry in try spec["externalIPs"].list() { externalIPs.append(try entry.address()) }
        let balancer = resource.root["status"]["loadBalancer"]
        for entry in try balancer["ingress"].list() {
            // `ipMode: Proxy` means that packets are to go by way of the load balancer.
            guard try entry["ipMode"].optional()?.string() != "Proxy",
                let address = entry["ip"].optional()
            else { continue }
            balancerIPs.append(try address.address())
        }
        ports = []
        for port in try spec["ports"].list() {
            let number = try port["port"].required().int()
            var target = TargetPort.number(number)
            if let given = port["targetPort"].optional() {
                if case .string(let text) = given.value?.content {
                    target = Int(text).map { .number($0) } ?? .name(text)
                } else {
                    target = .number(try given.int())
                }
            }
            ports.append(
                Port(
                    name: try port["name"].optional()?.string() ?? "",
                    protocol: try port["protocol"].optional()?.string() ?? "TCP", number: number,
                    target: target, node: try port["nodePort"].optional()?.int()))
        }
    }
}

/// Addresses behind a Service (discovery.k8s.io/v1), or the older Endpoints in the same shape.
struct EndpointSlice: Hashable, Sendable {
    struct Port: Hashable, Sendable {
        var name: String
        var `protocol`: String
        /// Nil means every port.
        var number: Int?
    }

    var namespace: String
    var serviceName: String
    var ports: [Port]
    var ready: [Entry]
    /// Not ready but still serving: used only when nobody is ready (KEP-1669).
    var servingWhileTerminating: [Entry]

    struct Entry: Hashable, Sendable {
        var address: IPAddress
        var node: String?
    }

    init(_ resource: Resource) throws(ManifestError) {
        let root = resource.root
        namespace = resource.namespace ?? "default"
        serviceName =
            try root["metadata"]["labels"]["kubernetes.io/service-name"].optional()?.string() ?? ""
        ports = try root["ports"].list().map(Self.port)
        ready = []
        servingWhileTerminating = []
        for endpoint in try root["endpoints"].list() {
            let conditions = endpoint["conditions"]
            let isReady = try conditions["ready"].optional()?.bool() ?? true
            let isServing = try conditions["serving"].optional()?.bool() ?? isReady
            let isTerminating = try conditions["terminating"].optional()?.bool() ?? false
            // All addresses of an endpoint are the same Pod; consumers use the first.
            guard let first = try endpoint["addresses"].list().first else { continue }
            let address = Entry(
                address: try first.address(), node: try endpoint["nodeName"].optional()?.string())
            if isReady {
                ready.append(address)
            } else if isServing, isTerminating {
                servingWhileTerminating.append(address)
            }
        }
    }

    /// The subsets of an Endpoints object (v1).
    static func subsets(of resource: Resource) throws(ManifestError) -> [EndpointSlice] {
        var slices: [EndpointSlice] = []
        for subset in try resource.root["subsets"].list() {
            var ready: [Entry] = []
            for entry in try subset["addresses"].list() {
                ready.append(
                    Entry(
                        address: try entry["ip"].required().address(),
                        node: try entry["nodeName"].optional()?.string()))
            }
            slices.append(
                EndpointSlice(
                    namespace: resource.namespace ?? "default", serviceName: resource.name,
                    ports: try subset["ports"].list().map(port), ready: ready,
                    servingWhileTerminating: []))
        }
        return slices
    }

    private init(
        namespace: String, serviceName: String, ports: [Port], ready: [Entry],
        servingWhileTerminating: [Entry]
    ) {
        self.namespace = namespace
        self.serviceName = serviceName
        self.ports = ports
        self.ready = ready
        self.servingWhileTerminating = servingWhileTerminating
    }

    private static func port(_ field: Field) throws(ManifestError) -> Port {
        Port(
            name: try field["name"].optional()?.string() ?? "",
            protocol: try field["protocol"].optional()?.string() ?? "TCP",
            number: try field["port"].optional()?.int())
    }
}
