import Traceflow

/// A packet's way through Antrea's pipeline (pkg/agent/openflow/pipeline.go).
///
/// On the sender's node: spoof guard, Service load balancing, egress policies; then, where the
/// destination is, ingress policies and output.
struct Walk: Sendable {
    struct Step: Hashable, Sendable {
        var node: String
        var observations: [Observation]
        /// How often the TTL was lowered before the node reported.
        var hops: Int
        /// Where the packet is bound for after Services were translated.
        var destination: IPAddress?
        var destinationPort: Int?
    }

    let chains: ChainCache
    /// Antrea v1.0 had no Egress.
    let knowsEgress: Bool
    private(set) var steps: [Step] = []

    init(chains: ChainCache, knowsEgress: Bool) {
        self.chains = chains
        self.knowsEgress = knowsEgress
    }

    /// The reports of the nodes, in the order the packet meets them; none when it vanishes before
    /// any point that reports.
    static func steps(
        of packet: TracedPacket, from node: String, in finder: PathFinder,
        version: APIVersion = .v1beta1, choose: (Int) -> Int
    ) -> [Step] {
        var walk = Walk(chains: finder.chains, knowsEgress: version == .v1beta1)
        // The model is handed along from here on, or each part of the way would copy it.
        walk.run(packet, from: node, in: finder.cluster, choose)
        return walk.steps
    }

    private mutating func run(
        _ packet: TracedPacket, from node: String, in cluster: Cluster, _ choose: (Int) -> Int
    ) {
        var step = Step(node: node, observations: [], hops: 0)
        // Spoof guard, both sides' policies, output.
        step.observations.reserveCapacity(4)
        step.observations.append(
            Observation(
                .spoofGuard, .forwarded, srcPodIP: packet.source.address?.description))
        var flow = Flow(
            source: packet.source, destination: cluster.end(at: packet.destination),
            headers: packet.headers)
        var isHairpin = false
        var isTranslated = false
        switch cluster.balance(flow, on: node, choose) {
        case .notAService: break
        case .noEndpoint: return
        case .endpoint(let address, let port, let service):
            isTranslated = true
            flow.destination = cluster.end(at: address)
            flow.headers.port = port
            flow.service = service
            isHairpin = flow.destination.pod != nil && flow.destination.pod == flow.source.pod
            let gateway = isHairpin ? cluster.nodes[node]?.gateway(address.family) : nil
            step.observations.append(
                Observation(
                    .lb, .forwarded, pod: cluster.podName(at: address),
                    translatedSrcIP: gateway?.description, translatedDstIP: address.description))
        }
        step.destination = flow.destination.address
        step.destinationPort = flow.headers.port
        guard pass(flow, .egress, cluster, &step) else {
            steps.append(step)
            return
        }
        step.hops = isTranslated ? 1 : 0
        deliver(flow, &step, in: cluster, skipsIngress: isHairpin)
    }

    /// Adds the policies' observation; false when they drop the packet.
    private func pass(
        _ flow: Flow, _ direction: Direction, _ cluster: Cluster, _ step: inout Step
    ) -> Bool {
        let isEgress = direction == .egress
        func add(_ action: Action, _ info: String, _ rule: RuleReference?) {
            step.observations.append(
                Observation(
                    .networkPolicy, action, componentInfo: info,
                    networkPolicy: rule?.policy.description, networkPolicyRule: rule?.ruleName))
        }
        let decision = cluster.judge(flow, direction, chains).decision
        switch decision {
        case .undecided: break
        case .allowed(let rule): add(.forwarded, isEgress ? "EgressRule" : "IngressRule", rule)
        case .dropped(let rule): add(.dropped, isEgress ? "EgressMetric" : "IngressMetric", rule)
        case .rejected(let rule): add(.rejected, isEgress ? "EgressMetric" : "IngressMetric", rule)
        case .isolated: add(.dropped, isEgress ? "EgressDefaultRule" : "IngressDefaultRule", nil)
        }
        return decision.passes
    }

    private mutating func deliver(
        _ flow: Flow, _ step: inout Step, in cluster: Cluster, skipsIngress: Bool
    ) {
        guard let address = flow.destination.address else { return }
        switch cluster.place(of: flow.destination) {
        case .pod(step.node):
            if skipsIngress || pass(flow, .ingress, cluster, &step) {
                output(.pod, address, cluster, &step)
            }
            steps.append(step)
        case .gateway(step.node):
            output(.gateway, address, cluster, &step)
            steps.append(step)
        case .pod(let receiver):
            send(&step, to: receiver, address, cluster)
            var far = received(on: receiver, step)
            if pass(flow, .ingress, cluster, &far) { output(.pod, address, cluster, &far) }
            steps.append(step)
            steps.append(far)
        case .gateway(let receiver):
            send(&step, to: receiver, address, cluster)
            var far = received(on: receiver, step)
            output(.gateway, address, cluster, &far)
            steps.append(step)
            steps.append(far)
        case .vacant(step.node): break
        case .vacant(let receiver):
            // It is taken there; nobody answers to the address.
            send(&step, to: receiver, address, cluster)
            steps.append(step)
        case .outside: leave(flow, address, &step, cluster)
        }
    }

    /// Out of the cluster: by the gateway, under an Egress' address where one applies.
    private mutating func leave(
        _ flow: Flow, _ address: IPAddress, _ step: inout Step, _ cluster: Cluster
    ) {
        step.hops = 1
        let egress = flow.source.pod.flatMap {
            knowsEgress ? cluster.egress(of: $0, to: address) : nil
        }
        guard let (egress, snat, node) = egress else {
            output(.gateway, address, cluster, &step)
            steps.append(step)
            return
        }
        guard node != step.node else {
            step.observations.append(
                Observation(
                    .egress, .markedForSNAT, egress: egress.name, egressIP: snat.description,
                    egressNode: node))
            output(.gateway, address, cluster, isMarked: true, &step)
            steps.append(step)
            return
        }
        step.observations.append(
            Observation(
                .egress, .forwardedToEgressNode, egress: egress.name, egressIP: snat.description,
                egressNode: node))
        // The tunnel ends at the Egress' own address, wherever that is.
        step.observations.append(
            Observation(
                .forwarding, .forwarded, componentInfo: "Output", tunnelDstIP: snat.description))
        // That node knows the address by the packet's mark, and neither name nor node.
        var far = received(on: node, step)
        far.observations.append(
            Observation(.egress, .markedForSNAT, egressIP: snat.description))
        output(.gateway, address, cluster, isMarked: true, &far)
        steps += [step, far]
    }

    private func received(on node: String, _ step: Step) -> Step {
        var far = Step(
            node: node, observations: [], hops: 2, destination: step.destination,
            destinationPort: step.destinationPort)
        // Received, ingress policies, output.
        far.observations.reserveCapacity(3)
        far.observations.append(Observation(.forwarding, .received))
        return far
    }

    /// To another node.
    private func send(
        _ step: inout Step, to peer: String, _ address: IPAddress, _ cluster: Cluster
    ) {
        step.hops = 1
        let port = cluster.port(from: step.node, to: peer, address.family)
        output(port, address, cluster, to: peer, &step)
    }

    /// Adds the last observation of a node: by which port the packet leaves, and what that means.
    private func output(
        _ port: OutputPort, _ address: IPAddress, _ cluster: Cluster, to peer: String? = nil,
        isMarked: Bool = false,
        _ step: inout Step
    ) {
        let isOwnGateway = cluster.nodes[step.node]?.gateway(address.family) == address
        let output = Output(
            port: port, network: cluster.resources.network, isToOwnGateway: isOwnGateway,
            // Only asked of what leaves by a gateway.
            isToPods: port == .gateway && cluster.isInPodRange(address), isMarked: isMarked)
        let (action, namesPeer) = output.action
        let end =
            namesPeer ? peer.flatMap { cluster.nodes[$0]?.transportAddress(address.family) } : nil
        step.observations.append(
            Observation(
                .forwarding, action, componentInfo: "Output", tunnelDstIP: end?.description))
    }
}
