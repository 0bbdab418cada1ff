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
    /// The Pods as ends of requests.
    private let ends: [End]

    private struct End: Sendable {
        var source: TraceflowSpec.Source
        var destination: TraceflowSpec.Destination
        var families: [IPAddress.Family]
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
                destination: .init(namespace: namespace, pod: name),
                families: finder.cluster.families(of: pod))
        }
    }

    /// The pairs that are asked for, in the cluster.
    public static func pairs(_ asked: SweepPairs, _ finder: PathFinder) throws -> SweptPairs {
        try finder.cluster.sweptPairs(
            from: asked.from, to: asked.to, byClasses: asked.coverage == .classes,
            portCount: asked.ports.count)
    }

    /// A member: what is traced, and how.
    struct Member {
        var number: Int64
        /// Places in the Pods of `pairs`.
        var source: Int
        var destination: Int
        /// The place in the list of ports.
        var port: Int
        var family: IPAddress.Family
    }

    /// Who these members are, which costs less than their requests.
    func numbered(_ range: Range<Int64>) -> [Member] {
        zip(range, pairs.members(range)).map { number, traced in
            let (source, destination) = (traced.pair.source, traced.pair.destination)
            return Member(
                number: number, source: source, destination: destination, port: traced.port,
                family: Cluster.family(
                    ends[source].families, ends[destination].families,
                    prefersV6: request.pairs.prefersV6))
        }
    }

    /// The requests of these members.
    package func members(_ range: Range<Int64>) -> [TraceRequest] {
        numbered(range).map { request(of: $0) }
    }

    /// The request of one member. Where it may be seen is worked out anew each time.
    func request(of member: Member) -> TraceRequest {
        var asked = TraceRequest(
            name: "", apiVersion: .v1beta1, spec: TraceflowSpec(), priority: request.priority,
            retries: request.retries, clusterDigest: request.clusterDigest)
        asked.naming = .member(sweep: id.rawValue, number: member.number)
        asked.spec.capture = request.capture
        if request.timeoutSeconds != TraceflowSpec.defaultTimeoutSeconds {
            asked.spec.timeout = request.timeoutSeconds
        }
        asked.spec.source = ends[member.source].source
        asked.spec.destination = ends[member.destination].destination
        asked.spec.packet = Self.packet(request.pairs.ports[member.port], member.family)
        asked.scope =
            switch finder.footprint(of: asked.spec) {
            case .nodes(let nodes): .of(nodes)
            case .anyNode: .allNodes
            }
        return asked
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
