import Traceflow

/// Which Pods may reach which, on some ports: every pair at once.
///
/// Kept as two sets a Pod and port — whom it may send to, and from whom it may receive — so that a
/// pair is two bit tests.
public struct Reachability: Sendable {
    /// A protocol and port to ask about.
    public struct Port: Hashable, Sendable {
        /// TCP, UDP, SCTP, or ICMP for an echo request, whose number is 0.
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
    /// What decides, in words, without repetition; `reason` gives places in it.
    public private(set) var reasons: [String] = []
    private let sourcePlaces: [Int]
    private let destinationPlaces: [Int]
    /// By port, then by source.
    private var egress: [[Side]] = []
    /// By port, then by destination.
    private var ingress: [[Side]] = []

    /// What one Pod's policies say of all Pods.
    private struct Side: Sendable {
        var admitted: PodSet
        /// Nil when no rule rejects.
        var rejected: PodSet?
        /// By reason; empty unless reasons were asked for.
        var shares: [(reason: Int, pods: PodSet)] = []
    }

    init(
        _ cluster: Cluster, sources: [String], destinations: [String], ports: [Port],
        prefersV6: Bool, hasReasons: Bool
    ) throws(PairError) {
        self.sources = sources
        self.destinations = destinations
        self.ports = ports
        sourcePlaces = try sources.map { name throws(PairError) in try cluster.place(of: name) }
        destinationPlaces = try destinations.map { name throws(PairError) in
            try cluster.place(of: name)
        }
        var known: [Decision: Int] = [:]
        for port in ports {
            let headers = try Self.headers(port, prefersV6: prefersV6)
            func side(_ pod: Int, _ direction: Direction) -> Side {
                let chain = cluster.policies.chain(
                    of: pod, direction, headers, prefersV6: prefersV6)
                var side = Side(admitted: PodSet(count: cluster.pods.count))
                for share in chain.shares(subject: pod) {
                    if share.decision.passes { side.admitted.formUnion(share.pods) }
                    if case .rejected = share.decision {
                        side.rejected = side.rejected ?? PodSet(count: cluster.pods.count)
                        side.rejected?.formUnion(share.pods)
                    }
                    guard hasReasons, !share.pods.isEmpty else { continue }
                    let reason = known[share.decision] ?? known.count
                    known[share.decision] = reason
                    side.shares.append((reason, share.pods))
                }
                return side
            }
            egress.append(sourcePlaces.map { side($0, .egress) })
            ingress.append(destinationPlaces.map { side($0, .ingress) })
        }
        reasons = known.sorted { $0.value < $1.value }.map(\.key.words)
    }

    private static func headers(
        _ port: Port, prefersV6: Bool
    ) throws(PairError) -> Headers {
        if port.protocol == "ICMP" {
            return Headers(
                protocol: prefersV6 ? Headers.icmpv6 : Headers.icmp,
                icmpType: prefersV6 ? 128 : 8, icmpCode: 0)
        }
        guard let number = Headers.number(of: port.protocol) else {
            throw PairError(description: "protocol \(port.protocol): use TCP, UDP, SCTP or ICMP")
        }
        return Headers(protocol: number, port: port.number)
    }

    /// Whether the pair may speak, by their numbers in the lists; a Pod always reaches itself.
    public func allows(_ source: Int, _ destination: Int, port: Int) -> Bool {
        let (from, to) = (sourcePlaces[source], destinationPlaces[destination])
        return from == to
            || egress[port][source].admitted.contains(to)
                && ingress[port][destination].admitted.contains(from)
    }

    /// What becomes of a packet of the pair.
    public func verdict(_ source: Int, _ destination: Int, port: Int) -> Verdict {
        if allows(source, destination, port: port) { return .delivered }
        let (from, to) = (sourcePlaces[source], destinationPlaces[destination])
        let out = egress[port][source]
        let isRejected =
            out.admitted.contains(to)
            ? ingress[port][destination].rejected?.contains(from) : out.rejected?.contains(to)
        return isRejected ?? false ? .rejected : .dropped
    }

    /// The places in `reasons` of what decides at the source and at the destination; nil unless
    /// reasons were asked for.
    public func reason(
        _ source: Int, _ destination: Int, port: Int
    ) -> (egress: Int, ingress: Int)? {
        let (from, to) = (sourcePlaces[source], destinationPlaces[destination])
        guard let out = egress[port][source].shares.first(where: { $0.pods.contains(to) }),
            let into = ingress[port][destination].shares.first(where: { $0.pods.contains(from) })
        else { return nil }
        return (out.reason, into.reason)
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
        on ports: [Reachability.Port], prefersV6: Bool = false, hasReasons: Bool = false
    ) throws(PairError) -> Reachability {
        let all = sources == nil || destinations == nil ? matrixPods : []
        return try Reachability(
            self, sources: sources ?? all, destinations: destinations ?? all, ports: ports,
            prefersV6: prefersV6, hasReasons: hasReasons)
    }

    func place(of name: String) throws(PairError) -> Int {
        guard let place = pod(name) else {
            throw PairError(description: "\(name): no such Pod in the cluster (use namespace/name)")
        }
        return place
    }
}
