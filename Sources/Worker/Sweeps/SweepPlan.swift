import Cluster
import Scheduler
import Synchronization
import Traceflow

/// The members of one sweep, made of its request and the cluster it was asked of: the same ones in
/// the same order wherever it is made.
public struct SweepPlan: Sendable {
    public let id: SweepID
    public let request: SweepRequest
    public let pairs: SweptPairs
    private let finder: PathFinder
    /// The Pods as ends of requests.
    private let ends: [End]
    private let scopes = ScopeCache()

    private struct End: Sendable {
        var source: TraceflowSpec.Source
        var destination: TraceflowSpec.Destination
    }

    public init(id: SweepID, request: SweepRequest, finder: PathFinder) throws {
        self.id = id
        self.request = request
        self.finder = finder
        pairs = try Self.pairs(request.pairs, finder)
        guard pairs.memberCount == request.total else {
            throw WorkerError(
                "the sweep was asked for with \(request.total) traces, and its cluster gives"
                    + " \(pairs.memberCount): another version made it")
        }
        ends = pairs.pods.map { pod in
            let namespace = String(pod.prefix { $0 != "/" })
            let name = String(pod.dropFirst(namespace.count + 1))
            return End(
                source: .init(namespace: namespace, pod: name),
                destination: .init(namespace: namespace, pod: name))
        }
    }

    /// The pairs that are asked for, in the cluster.
    public static func pairs(_ asked: SweepPairs, _ finder: PathFinder) throws -> SweptPairs {
        try finder.cluster.sweptPairs(
            from: asked.from, to: asked.to, byClasses: asked.coverage == .classes,
            portCount: asked.ports.count)
    }

    /// The requests of these members.
    package func members(_ range: Range<Int64>) -> [TraceRequest] {
        var member = TraceRequest(
            name: "", apiVersion: .v1beta1, spec: TraceflowSpec(), priority: request.priority,
            retries: request.retries, clusterDigest: request.clusterDigest)
        member.spec.capture = request.capture
        if request.timeoutSeconds != TraceflowSpec.defaultTimeoutSeconds {
            member.spec.timeout = request.timeoutSeconds
        }
        return zip(range, pairs.members(range)).map { number, traced in
            let (source, destination) = (traced.pair.source, traced.pair.destination)
            let family = finder.cluster.family(
                from: pairs.pods[source], to: pairs.pods[destination],
                prefersV6: request.pairs.prefersV6)
            member.naming = .member(sweep: id.rawValue, number: number)
            member.spec.source = ends[source].source
            member.spec.destination = ends[destination].destination
            member.spec.packet = Self.packet(request.pairs.ports[traced.port], family)
            let spec = member.spec
            // Where a trace may be seen depends on its first node, its last Pod and the family.
            member.scope = scopes.scope(
                from: pairs.node(of: source), to: destination, family
            ) {
                switch finder.footprint(of: spec) {
                case .nodes(let nodes): .of(nodes)
                case .anyNode: .allNodes
                }
            }
            return member
        }
    }

    private static func packet(
        _ port: SweepPairs.Port, _ family: IPAddress.Family
    ) -> Packet? {
        var packet = Packet()
        if family == .v6 { packet.ipv6Header = IPv6Header() }
        switch port.protocol {
        case "TCP":
            packet.transportHeader = TransportHeader(tcp: TCPHeader(dstPort: port.number))
        case "UDP":
            packet.transportHeader = TransportHeader(udp: UDPHeader(dstPort: port.number))
        default: if family == .v4 { return nil }
        }
        return packet
    }
}

/// The scopes of a plan's members, most of which are alike.
private final class ScopeCache: Sendable {
    private struct Key: Hashable {
        var node: Int
        var destination: Int
        var family: IPAddress.Family
    }

    private let scopes = Mutex<[Key: TagScope]>([:])

    /// Beyond this many it starts anew.
    private static let countMax = 200_000

    func scope(
        from node: Int, to destination: Int, _ family: IPAddress.Family, make: () -> TagScope
    ) -> TagScope {
        let key = Key(node: node, destination: destination, family: family)
        if let known = scopes.withLock({ $0[key] }) { return known }
        let scope = make()
        scopes.withLock { scopes in
            if scopes.count >= Self.countMax { scopes = [:] }
            scopes[key] = scope
        }
        return scope
    }
}

/// Tells a decider which traces a sweep is made of.
package protocol SweepExpanding {
    /// Reads what takes long, while no transaction waits for it; throws when the sweep's cluster is
    /// not known any more.
    func prepare(_ id: SweepID, _ request: SweepRequest) throws

    /// The requests of these members, the same ones whoever asks.
    func members(
        _ range: Range<Int64>, of id: SweepID, _ request: SweepRequest
    ) throws -> [TraceRequest]

    /// Forgets the sweeps that are over.
    func keep(_ alive: some Collection<SweepID>)
}

/// The plans of the sweeps that a decider expands.
package final class SweepPlans: SweepExpanding {
    private let clusters: ClusterStore
    private var plans: [SweepID: SweepPlan] = [:]

    package init(clusters: ClusterStore) { self.clusters = clusters }

    package func prepare(_ id: SweepID, _ request: SweepRequest) throws {
        _ = try plan(id, request)
    }

    package func members(
        _ range: Range<Int64>, of id: SweepID, _ request: SweepRequest
    ) throws -> [TraceRequest] {
        try plan(id, request).members(range)
    }

    private func plan(_ id: SweepID, _ request: SweepRequest) throws -> SweepPlan {
        if let known = plans[id] { return known }
        let plan = try SweepPlan(
            id: id, request: request, finder: clusters.pathFinder(of: request.clusterDigest))
        plans[id] = plan
        return plan
    }

    package func keep(_ alive: some Collection<SweepID>) {
        guard !plans.isEmpty else { return }
        let alive = Set(alive)
        plans = plans.filter { alive.contains($0.key) }
    }
}
