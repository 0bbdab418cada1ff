import Cluster
import JobLog
import Scheduler
import TraceLog
import Traceflow
import Worker

/// A cluster with enough nodes that tags are not what bounds a run, and traces between its Pods.
///
/// Node pairs are disjoint, so that 14 traces run on each of them at once under `perNode`.
struct World {
    let pairs: Int
    let cluster: Cluster
    let resources: [Resource]
    let finder: PathFinder
    /// Digest of the cluster in the log that `observe` recorded it in.
    var digest: [UInt8] = []
    /// The request of each pair of nodes, but for its name.
    private var members: [TraceRequest] = []

    init(pairs: Int = 200) throws {
        self.pairs = pairs
        resources = try ManifestReader.read(text: Self.manifests(pairs), file: "world.yaml")
        cluster = try Cluster(resources)
        finder = PathFinder(cluster: cluster)
        members = (0..<pairs).map(member)
    }

    private static func manifests(_ pairs: Int) -> String {
        var documents: [String] = []
        for index in 0..<(2 * pairs) {
            let (high, low) = (index / 250, index % 250)
            documents.append(
                """
                {apiVersion: v1, kind: Node, metadata: {name: node-\(index)},
                 spec: {podCIDR: 10.\(high).\(low).0/24}, status: {addresses: [
                 {type: InternalIP, address: 192.168.\(high).\(low + 1)}]}}
                """)
            documents.append(
                """
                {apiVersion: v1, kind: Pod, metadata: {name: pod-\(index), namespace: bench},
                 spec: {nodeName: node-\(index)}, status: {podIP: 10.\(high).\(low).10}}
                """)
        }
        return documents.joined(separator: "\n---\n")
    }

    /// Records the cluster, so that workers find it.
    mutating func observe(in log: JobLog) throws {
        digest = try ClusterStore(log: log).observe(resources, cluster)
        members = (0..<pairs).map(member)
    }

    /// The request of the n-th trace, named as those of a sweep are; pairs of nodes take turns.
    func request(_ number: Int) -> TraceRequest { request(number, pair: number % pairs) }

    func request(_ number: Int, pair: Int) -> TraceRequest {
        var request = members[pair]
        request.naming = .member(sweep: 1, number: Int64(number))
        return request
    }

    private func member(_ pair: Int) -> TraceRequest {
        TraceRequest(
            name: "", apiVersion: .v1beta1,
            spec: TraceflowSpec(
                source: .init(namespace: "bench", pod: "pod-\(2 * pair)"),
                destination: .init(namespace: "bench", pod: "pod-\(2 * pair + 1)"),
                packet: Packet(
                    ipHeader: IPHeader(protocol: 6),
                    transportHeader: TransportHeader(tcp: TCPHeader(dstPort: 80)))),
            scope: .nodes(["node-\(2 * pair)", "node-\(2 * pair + 1)"].sorted()),
            clusterDigest: digest)
    }

    /// What the nodes report on the n-th trace.
    func reports(_ number: Int) -> [NodeReport] {
        finder.reports(
            for: request(number).spec, version: .v1beta1, traffic: [], choose: { _ in 0 })
    }
}
