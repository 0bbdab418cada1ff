import Cluster
import Scheduler
import Traceflow

/// The members of one sweep, made of its request and the cluster it was asked of: the same ones in
/// the same order wherever it is made.
public struct SweepPlan: Sendable {
    public let id: SweepID
    public let request: SweepRequest
    public let pairs: SweptPairs
    private let finder: PathFinder

    public init(id: SweepID, request: SweepRequest, finder: PathFinder) throws {
        self.id = id
        self.request = request
        self.finder = finder
        pairs = try Self.pairs(request.pairs, finder)
    }

    /// The pairs that are asked for, in the cluster.
    public static func pairs(_ asked: SweepPairs, _ finder: PathFinder) throws -> SweptPairs {
        try finder.cluster.sweptPairs(
            from: asked.from, to: asked.to, byClasses: asked.coverage == .classes,
            portCount: asked.ports.count)
    }

    /// The requests of these members.
    func members(_ range: Range<Int64>) -> [TraceRequest] {
        zip(range, pairs.members(range)).map { number, member in
            let spec = spec(
                from: pairs.pods[member.pair.source], to: pairs.pods[member.pair.destination],
                on: request.pairs.ports[member.port])
            let scope: TagScope =
                switch finder.footprint(of: spec) {
                case .nodes(let nodes): .of(nodes)
                case .anyNode: .allNodes
                }
            var request = TraceRequest(
                name: "", apiVersion: .v1beta1, spec: spec, priority: request.priority,
                retries: request.retries, scope: scope, clusterDigest: request.clusterDigest)
            request.naming = .member(sweep: id.rawValue, number: number)
            return request
        }
    }

    private func spec(
        from source: String, to destination: String, on port: SweepPairs.Port
    ) -> TraceflowSpec {
        let family = finder.cluster.family(
            from: source, to: destination, prefersV6: request.pairs.prefersV6)
        var packet = Packet()
        if family == .v6 { packet.ipv6Header = IPv6Header() }
        switch port.protocol {
        case "TCP":
            packet.transportHeader = TransportHeader(tcp: TCPHeader(dstPort: port.number))
        case "UDP":
            packet.transportHeader = TransportHeader(udp: UDPHeader(dstPort: port.number))
        default: break
        }
        let timeout = request.timeoutSeconds
        return TraceflowSpec(
            source: .init(namespace: Self.namespace(source), pod: Self.name(source)),
            destination: .init(namespace: Self.namespace(destination), pod: Self.name(destination)),
            packet: packet == Packet() ? nil : packet,
            timeout: timeout == TraceflowSpec.defaultTimeoutSeconds ? nil : timeout)
    }

    private static func namespace(_ pod: String) -> String { String(pod.prefix { $0 != "/" }) }

    private static func name(_ pod: String) -> String {
        String(pod[(pod.firstIndex(of: "/").map(pod.index(after:)) ?? pod.startIndex)...])
    }
}

/// The plans of the sweeps that a decider expands.
package final class SweepPlans {
    private let clusters: ClusterStore
    private var plans: [SweepID: SweepPlan] = [:]

    package init(clusters: ClusterStore) { self.clusters = clusters }

    func plan(_ id: SweepID, _ request: SweepRequest) throws -> SweepPlan {
        if let known = plans[id] { return known }
        let plan = try SweepPlan(
            id: id, request: request, finder: clusters.pathFinder(of: request.clusterDigest))
        plans[id] = plan
        return plan
    }

    /// Forgets the plans of sweeps that are over.
    func keep(_ alive: some Collection<SweepID>) {
        guard !plans.isEmpty else { return }
        let alive = Set(alive)
        plans = plans.filter { alive.contains($0.key) }
    }
}
