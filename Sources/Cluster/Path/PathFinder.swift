import Packets
import Traceflow

/// The embedded data plane: which nodes report what on a trace.
///
/// Pure: where a network chooses (the endpoint of a Service), the choice is handed in. A class, so
/// that the model of a large cluster is at hand for each trace without being handed around.
public final class PathFinder: Sendable {
    public let cluster: Cluster
    let chains = ChainCache()

    public init(cluster: Cluster) { self.cluster = cluster }

    /// The reports on a trace, in the order in which the nodes make them; none when nobody sees
    /// the packet, so that the trace ends by its deadline.
    ///
    /// `traffic` holds the packets that start connections, in the order of time; only live
    /// traces look at it. `choose(n)` gives a number in 0..<n.
    public func reports(
        for spec: TraceflowSpec, version: APIVersion, traffic: [TrafficPacket],
        choose: (Int) -> Int
    ) -> [NodeReport] {
        seen(for: spec, version: version, traffic: Traffic(starts: traffic), choose: choose).reports
    }

    /// The packets that Pods really sent.
    public struct Traffic: Sendable {
        /// Those that start connections, in the order of time.
        public var starts: [TrafficPacket]
        /// All of them, in the order of time; needed only where the trace keeps packets.
        public var all: [TrafficPacket]
        /// When an injected packet is taken to be sent, since 1970-01-01 UTC.
        public var injectedNanoseconds: Int64

        public init(
            starts: [TrafficPacket], all: [TrafficPacket] = [], injectedNanoseconds: Int64 = 0
        ) {
            self.starts = starts
            self.all = all
            self.injectedNanoseconds = injectedNanoseconds
        }
    }

    /// What nodes report, and the packets that the trace's points see where it keeps them.
    public func seen(
        for spec: TraceflowSpec, version: APIVersion, traffic: Traffic, choose: (Int) -> Int
    ) -> (reports: [NodeReport], captures: [PointCapture]) {
        let found =
            if !spec.isLive {
                injected(spec, version, traffic.injectedNanoseconds, choose)
            } else {
                follow(following(spec, version), traffic, choose)
            }
        return (translated(found.reports, version), found.captures)
    }

    typealias Seen = (reports: [NodeReport], captures: [PointCapture])

    func translated(_ reports: [NodeReport], _ version: APIVersion) -> [NodeReport] {
        // Said in today's words already.
        if version == .v1beta1 { return reports }
        return reports.map { report in
            guard case .observed(let observations, let captured) = report.content else {
                return report
            }
            let translated = observations.map { Vocabulary.observation($0, in: version) }
            return NodeReport(node: report.node, content: .observed(translated, captured: captured))
        }
    }

    /// The nodes that may report, for the allocation of tags.
    public func footprint(of spec: TraceflowSpec) -> Footprint {
        let to = spec.destination
        let hasService = (to?.ip ?? "").isEmpty && (to?.pod ?? "").isEmpty
        let source = sourcePod(of: spec)
        if spec.hasSourcePod, source == nil { return .anyNode }
        guard !hasService, let address = try? cluster.destinationAddress(of: spec),
            cluster.service(at: address) == nil
        else { return .anyNode }
        let sender = source.flatMap { cluster.pods[$0].nodeName }
        switch cluster.place(of: cluster.end(at: address)) {
        case .pod(let node), .gateway(let node), .vacant(let node):
            return .nodes(Set([sender, node].compactMap { $0 }).sorted())
        case .outside: return .anyNode
        }
    }

    func sourcePod(of spec: TraceflowSpec) -> Int? {
        guard spec.hasSourcePod else { return nil }
        return cluster.pod("\(spec.source?.namespace ?? "")/\(spec.source?.pod ?? "")")
    }

    private func injected(
        _ spec: TraceflowSpec, _ version: APIVersion, _ nanoseconds: Int64,
        _ choose: (Int) -> Int
    ) -> Seen {
        guard let source = sourcePod(of: spec), let node = cluster.pods[source].nodeName else {
            return ([], [])
        }
        do {
            let prepared = try cluster.injectedPacket(of: spec, from: source)
            guard let packet = TracedPacket(injected: prepared, from: source) else {
                return ([], [])
            }
            let steps = Walk.steps(
                of: packet, from: node, in: self, version: version, choose: choose)
            let reports = steps.map {
                NodeReport(node: $0.node, content: .observed($0.observations, captured: nil))
            }
            guard let request = spec.capture else { return (reports, []) }
            return (reports, captured(prepared, request, steps, at: nanoseconds))
        } catch {
            return ([NodeReport(node: node, content: .failed(error: error.text))], [])
        }
    }

    /// What a live trace looks for, to be shown packets as they come.
    public func following(_ spec: TraceflowSpec, _ version: APIVersion) -> LiveFollowing {
        spec.hasSourcePod ? sent(spec, version) : received(spec, version)
    }

    private func sent(_ spec: TraceflowSpec, _ version: APIVersion) -> LiveFollowing {
        guard let source = sourcePod(of: spec), let node = cluster.pods[source].nodeName,
            !cluster.pods[source].usesHostNetwork
        else { return LiveFollowing(reports: nil) }
        do throws(AgentError) {
            let match = try cluster.sentMatch(of: spec)
            let address = cluster.pods[source].address(spec.family)
            return LiveFollowing(spec, in: self, version) { [self] seen, choose in
                guard seen.source == address, match.matches(seen) else { return nil }
                let steps = Walk.steps(
                    of: TracedPacket(seen, from: source), from: node, in: self,
                    version: version, choose: choose)
                if spec.isDroppedOnly {
                    guard let drop = steps.first(where: \.isDrop) else { return nil }
                    return ([report(drop, seen, version)], steps)
                }
                let reports = steps.enumerated().map { index, step in
                    index == 0 ? report(step, seen, version) : report(step, nil, version)
                }
                return steps.isEmpty ? nil : (reports, steps)
            }
        } catch {
            return LiveFollowing(
                reports: [NodeReport(node: node, content: .failed(error: error.text))])
        }
    }

    private func follow(
        _ following: LiveFollowing, _ traffic: Traffic, _ choose: (Int) -> Int
    ) -> Seen {
        var following = following
        var starts = traffic.starts[...]
        // Where no packets are kept only starts are looked at.
        for packet in following.keepsPackets ? traffic.all : traffic.starts {
            if following.isDone { break }
            let isStart = starts.first.map { $0.frame == packet.frame } ?? false
            if isStart { starts.removeFirst() }
            following.take(packet, isStart: isStart, choose: choose)
        }
        return following.found
    }

    /// Without a source Pod only the node of the destination Pod looks, from the point where the
    /// packet's destination is settled: nothing before it is seen.
    private func received(_ spec: TraceflowSpec, _ version: APIVersion) -> LiveFollowing {
        let name = "\(spec.destination?.namespace ?? "")/\(spec.destination?.pod ?? "")"
        guard let receiver = cluster.pod(name), let node = cluster.pods[receiver].nodeName else {
            return LiveFollowing(reports: nil)
        }
        do throws(AgentError) {
            var match = try cluster.receivedMatch(of: spec, at: receiver)
            guard let address = cluster.pods[receiver].address(spec.family) else {
                return LiveFollowing(reports: nil)
            }
            // The look is behind the load balancer: the port is the endpoint's.
            let port = match.destinationPort
            match.destinationPort = nil
            return LiveFollowing(spec, in: self, version) { [self, match] seen, choose in
                guard match.matches(seen), let step = arrival(of: seen, at: address, node, choose),
                    port == nil || step.destinationPort == port,
                    !spec.isDroppedOnly || step.isDrop
                else { return nil }
                return ([report(step, seen, version)], [step])
            }
        } catch {
            return LiveFollowing(
                reports: [NodeReport(node: node, content: .failed(error: error.text))])
        }
    }

    private func arrival(
        of seen: TrafficPacket, at address: IPAddress, _ node: String, _ choose: (Int) -> Int
    ) -> Walk.Step? {
        let steps = steps(of: seen, seenBy: node, choose)
        guard var step = steps.last, step.node == node,
            step.destination == address
        else { return nil }
        // An egress drop is upstream of the point that looks.
        if step.isDrop, !step.isIngressDrop { return nil }
        let seenHere = step.observations.filter {
            $0.componentInfo == "Output" || $0.componentInfo?.hasPrefix("Ingress") ?? false
        }
        step.observations = [Observation(.forwarding, .received)] + seenHere
        return step
    }

    /// The way of a packet that begins a connection; from outside it enters at the node.
    func steps(
        of seen: TrafficPacket, seenBy node: String, _ choose: (Int) -> Int
    ) -> [Walk.Step] {
        let source = cluster.pod(at: seen.source)
        var packet = TracedPacket(seen, from: source)
        packet.source.address = seen.source
        let entry = source.flatMap { cluster.pods[$0].nodeName } ?? node
        return Walk.steps(of: packet, from: entry, in: self, choose: choose)
    }

    private func report(
        _ step: Walk.Step, _ seen: TrafficPacket?, _ version: APIVersion
    ) -> NodeReport {
        NodeReport(
            node: step.node,
            content: .observed(
                step.observations,
                captured: seen.map { $0.captured(at: step, in: version) }))
    }
}

extension Walk.Step {
    /// Whether policies ended it here, with an answer to the sender or without.
    var isDrop: Bool {
        observations.last?.action == .dropped || observations.last?.action == .rejected
    }

    var isIngressDrop: Bool {
        isDrop && observations.last?.componentInfo?.hasPrefix("Ingress") ?? false
    }
}
