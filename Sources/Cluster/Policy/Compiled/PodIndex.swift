import Traceflow

/// The Pods of a cluster by what policies ask for: labels, namespaces, ports, addresses.
///
/// Selecting is set algebra over lists that are made once, so that it does not matter how many
/// policies ask.
struct PodIndex: Sendable {
    struct NamedPort: Hashable, Sendable {
        var pod: Int32
        var number: Int
        var `protocol`: Int?
    }

    struct Place: Hashable, Sendable {
        var bits: UInt128
        var pod: Int32
    }

    let pods: [Pod]
    let nodes: [String: ClusterNode]
    let groups: [GroupName: AntreaGroup]
    /// Pods that selectors can select: Antrea leaves out host-network Pods and finished ones
    /// (pkg/controller/networkpolicy/crd_utils.go).
    let selectable: PodSet
    private let namespaceLabels: [String: [String: String]]
    private let byNamespace: [String: [Int32]]
    private let byLabel: [String: [String: [Int32]]]
    private let namedPorts: [String: [NamedPort]]
    private let places: [IPAddress.Family: [Place]]
    private let withAddress: [IPAddress.Family: PodSet]

    init(
        _ pods: [Pod], namespaceLabels: [String: [String: String]], nodes: [String: ClusterNode],
        groups: [GroupName: AntreaGroup]
    ) {
        var selectable = PodSet(count: pods.count)
        var byNamespace: [String: [Int32]] = [:]
        var byLabel: [String: [String: [Int32]]] = [:]
        var ports: [String: [NamedPort]] = [:]
        var places: [IPAddress.Family: [Place]] = [.v4: [], .v6: []]
        var withAddress: [IPAddress.Family: PodSet] = [:]
        for family in [IPAddress.Family.v4, .v6] { withAddress[family] = PodSet(count: pods.count) }
        for (number, pod) in pods.enumerated() {
            let index = Int32(truncatingIfNeeded: number)
            if pod.canBeSelected {
                selectable.insert(number)
                byNamespace[pod.namespace, default: []].append(index)
                for (key, value) in pod.labels {
                    byLabel[key, default: [:]][value, default: []].append(index)
                }
            }
            for port in pod.ports where pod.canBeSelected {
                guard let name = port.name else { continue }
                ports[name, default: []].append(
                    NamedPort(
                        pod: index, number: port.number,
                        protocol: Headers.number(of: port.protocol)))
            }
            for family in [IPAddress.Family.v4, .v6] {
                guard let address = pod.address(family) else { continue }
                withAddress[family]?.insert(number)
                if !pod.isFinished {
                    places[family]?.append(Place(bits: address.bits, pod: index))
                }
            }
        }
        for family in [IPAddress.Family.v4, .v6] { places[family]?.sort { $0.bits < $1.bits } }
        self.pods = pods
        self.nodes = nodes
        self.groups = groups
        self.selectable = selectable
        self.namespaceLabels = namespaceLabels
        self.byNamespace = byNamespace
        self.byLabel = byLabel
        self.namedPorts = ports
        self.places = places
        self.withAddress = withAddress
    }

    var count: Int { pods.count }

    /// Namespaces that have Pods.
    var namespaces: [String] { byNamespace.keys.sorted() }

    /// A namespace's labels; its name is always one (kubernetes.io/metadata.name).
    func labels(ofNamespace name: String) -> [String: String] {
        var labels = namespaceLabels[name] ?? [:]
        labels["kubernetes.io/metadata.name"] = name
        return labels
    }

    func pods(with family: IPAddress.Family) -> PodSet {
        withAddress[family] ?? PodSet(count: count)
    }

    func pods(inNamespace name: String) -> PodSet {
        PodSet(count: count, byNamespace[name] ?? [])
    }

    func pods(withLabel key: String, _ value: String) -> [Int32] { byLabel[key]?[value] ?? [] }

    func pods(withLabel key: String) -> PodSet {
        var set = PodSet(count: count)
        for list in (byLabel[key] ?? [:]).values {
            for pod in list { set.insert(Int(pod)) }
        }
        return set
    }

    /// Pods that have a container port of the name and number, for the protocol.
    func pods(withPort name: String, _ number: Int, _ protocol: Int) -> PodSet {
        PodSet(
            count: count,
            (namedPorts[name] ?? []).lazy.filter {
                $0.number == number && $0.protocol == `protocol`
            }.map(\.pod))
    }

    /// Whether the Pod has a container port of the name and number, for the protocol. Those of the
    /// host network are addresses outside to policies, and have no names.
    func hasPort(_ pod: Int, named name: String, _ number: Int, _ protocol: Int) -> Bool {
        pods[pod].canBeSelected
            && pods[pod].ports.contains {
                $0.name == name && $0.number == number
                    && Headers.number(of: $0.protocol) == `protocol`
            }
    }

    /// Whether any Pod has a port of the name.
    func isKnownPort(_ name: String) -> Bool { namedPorts[name] != nil }

    /// Pods whose address lies in the range; an address may be shared on the host network.
    func forEachPod(in range: CIDR, _ body: (Int) -> Void) {
        guard let places = places[range.network.family] else { return }
        var low = 0
        var high = places.count
        while low < high {
            let middle = (low + high) / 2
            if places[middle].bits < range.network.bits { low = middle + 1 } else { high = middle }
        }
        while low < places.count,
            range.contains(IPAddress(family: range.network.family, bits: places[low].bits))
        {
            body(Int(places[low].pod))
            low += 1
        }
    }
}
