import Traceflow

/// Which Pods may reach which, on some ports: every pair at once.
///
/// Kept as two sets a Pod and port — whom it may send to, and from whom it may receive — so that a
/// pair is two bit tests.
public struct Reachability: Sendable {
    /// A protocol and port to ask about.
    public struct Port: Hashable, Sendable {
        /// TCP, UDP or SCTP.
        public var `protocol`: String
        public var number: Int

        public init(protocol: String, number: Int) {
            self.protocol = `protocol`
            self.number = number
        }
    }

    /// `namespace/pod`, in order.
    public let sources: [String]
    public let destinations: [String]
    public let ports: [Port]
    private let sourcePlaces: [Int]
    private let destinationPlaces: [Int]
    /// By port, then by source.
    private let egress: [[PodSet]]
    /// By port, then by destination.
    private let ingress: [[PodSet]]

    init(
        _ cluster: Cluster, sources: [String], destinations: [String], ports: [Port],
        prefersV6: Bool
    ) throws(PairError) {
        self.sources = sources
        self.destinations = destinations
        self.ports = ports
        sourcePlaces = try sources.map { name throws(PairError) in try cluster.place(of: name) }
        destinationPlaces = try destinations.map { name throws(PairError) in
            try cluster.place(of: name)
        }
        var egress: [[PodSet]] = []
        var ingress: [[PodSet]] = []
        for port in ports {
            guard let number = Headers.number(of: port.protocol) else {
                throw PairError(description: "protocol \(port.protocol): use TCP, UDP or SCTP")
            }
            let headers = Headers(protocol: number, port: port.number)
            func admitted(_ pod: Int, _ direction: Direction) -> PodSet {
                cluster.policies.chain(of: pod, direction, headers, prefersV6: prefersV6)
                    .admitted(subject: pod)
            }
            egress.append(sourcePlaces.map { admitted($0, .egress) })
            ingress.append(destinationPlaces.map { admitted($0, .ingress) })
        }
        self.egress = egress
        self.ingress = ingress
    }

    /// Whether the pair may speak, by their numbers in the lists; a Pod always reaches itself.
    public func allows(_ source: Int, _ destination: Int, port: Int) -> Bool {
        let (from, to) = (sourcePlaces[source], destinationPlaces[destination])
        return from == to
            || egress[port][source].contains(to) && ingress[port][destination].contains(from)
    }

    /// Whether both ends are the same Pod, which no matrix asks about.
    public func isSamePod(_ source: Int, _ destination: Int) -> Bool {
        sourcePlaces[source] == destinationPlaces[destination]
    }

    /// How many ordered pairs of distinct Pods may speak on the port.
    public func allowedCount(port: Int) -> Int {
        var count = 0
        for source in sources.indices {
            for destination in destinations.indices
            where !isSamePod(source, destination) && allows(source, destination, port: port) {
                count += 1
            }
        }
        return count
    }
}

extension Cluster {
    /// The reachability of Pods, all of the matrix's where none are named.
    public func reachability(
        from sources: [String]? = nil, to destinations: [String]? = nil,
        on ports: [Reachability.Port], prefersV6: Bool = false
    ) throws(PairError) -> Reachability {
        let all = sources == nil || destinations == nil ? matrixPods : []
        return try Reachability(
            self, sources: sources ?? all, destinations: destinations ?? all, ports: ports,
            prefersV6: prefersV6)
    }

    func place(of name: String) throws(PairError) -> Int {
        guard let place = pod(name) else {
            throw PairError(description: "\(name): no such Pod in the cluster (use namespace/name)")
        }
        return place
    }
}
