import Traceflow

/// A packet's way through Antrea's pipeline (pkg/agent/openflow/pipeline.go), in encap mode.
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

    let cluster: Cluster
    private(set) var steps: [Step] = []

    init(cluster: Cluster) { self.cluster = cluster }

    /// The reports of the nodes, in the order the packet meets them; none when it vanishes before
    /// any point that reports.
    static func steps(
        of packet: TracedPacket, from node: String, in cluster: Cluster, choose: (Int) -> Int
    ) -> [Step] {
        var walk = Walk(cluster: cluster)
        walk.run(packet, from: node, choose)
        return walk.steps
    }

    private mutating func run(
        _ packet: TracedPacket, from node: String, _ choose: (Int) -> Int
    ) {
        var step = Step(node: node, observations: [], hops: 0)
        step.observations.append(
            Observation(
                .spoofGuard, .forwarded, srcPodIP: packet.source.address?.description))
        var flow = Flow(
            source: packet.source, destination: cluster.end(at: packet.destination),
            headers: packet.headers)
        var isHairpin = false
        var isTranslated = false
        switch cluster.balance(flow, choose) {
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
        guard pass(flow, .egress, &step) else {
            steps.append(step)
            return
        }
        step.hops = isTranslated ? 1 : 0
        deliver(flow, step, skipsIngress: isHairpin)
    }

    /// Adds the policies' observation; false when they drop the packet.
    private func pass(_ flow: Flow, _ direction: Direction, _ step: inout Step) -> Bool {
        let side = direction == .egress ? "Egress" : "Ingress"
        func add(_ action: Action, _ info: String, _ rule: RuleReference?) {
            step.observations.append(
                Observation(
                    .networkPolicy, action, componentInfo: side + info,
                    networkPolicy: rule?.policy.description, networkPolicyRule: rule?.ruleName))
        }
        let decision = cluster.judge(flow, direction).decision
        switch decision {
        case .undecided: break
        case .allowed(let rule): add(.forwarded, "Rule", rule)
        case .dropped(let rule): add(.dropped, "Metric", rule)
        case .rejected(let rule): add(.rejected, "Metric", rule)
        case .isolated: add(.dropped, "DefaultRule", nil)
        }
        return decision.passes
    }

    private mutating func deliver(_ flow: Flow, _ step: Step, skipsIngress: Bool) {
        guard let address = flow.destination.address else { return }
        var step = step
        switch cluster.place(of: flow.destination) {
        case .node(step.node):
            if skipsIngress || pass(flow, .ingress, &step) { output(.delivered, &step) }
            steps.append(step)
        case .node(let receiver):
            step.hops = 1
            tunnel(&step, to: receiver, address.family)
            var far = Step(
                node: receiver, observations: [Observation(.forwarding, .received)], hops: 2,
                destination: step.destination, destinationPort: step.destinationPort)
            if pass(flow, .ingress, &far) { output(.delivered, &far) }
            steps += [step, far]
        case .vacant(step.node): break
        case .vacant(let receiver):
            // The tunnel takes it there; nobody answers to the address.
            step.hops = 1
            tunnel(&step, to: receiver, address.family)
            steps.append(step)
        case .outside:
            step.hops = 1
            output(.forwardedOutOfNetwork, &step)
            steps.append(step)
        }
    }

    private func output(_ action: Action, _ step: inout Step) {
        step.observations.append(Observation(.forwarding, action, componentInfo: "Output"))
    }

    private func tunnel(_ step: inout Step, to node: String, _ family: IPAddress.Family) {
        let peer = cluster.nodes[node]?.transportAddress(family)
        step.observations.append(
            Observation(
                .forwarding, .forwarded, componentInfo: "Output",
                tunnelDstIP: peer?.description))
    }
}

/// Where an address is, seen from the Pod network.
enum Place: Hashable, Sendable {
    /// A Pod's or the gateway's, on the node.
    case node(String)
    /// In the node's Pod range, but nobody's.
    case vacant(String)
    case outside
}

/// What becomes of a packet at the load balancer.
enum Balancing: Hashable, Sendable {
    case notAService
    case noEndpoint
    case endpoint(IPAddress, port: Int?, service: String)
}

extension Cluster {
    func end(at address: IPAddress) -> FlowEnd {
        FlowEnd(pod: pod(at: address), address: address)
    }

    func place(of end: FlowEnd) -> Place {
        if let pod = end.pod, let node = pods[pod].nodeName { return .node(node) }
        guard let address = end.address else { return .outside }
        for node in nodes.values where node.gateway(address.family) == address {
            return .node(node.name)
        }
        for node in nodes.values where node.podCIDRs.contains(where: { $0.contains(address) }) {
            return .vacant(node.name)
        }
        return .outside
    }

    /// Translates a packet to a Service's address and port into one of its endpoints.
    func balance(_ flow: Flow, _ choose: (Int) -> Int) -> Balancing {
        guard let address = flow.destination.address, let service = service(at: address),
            let port = service.ports.first(where: {
                Headers.number(of: $0.protocol) == flow.headers.protocol
                    && $0.number == flow.headers.port
            })
        else { return .notAService }
        let endpoints = endpoints(of: service, port, address.family)
        guard !endpoints.isEmpty else { return .noEndpoint }
        let chosen = endpoints[min(max(choose(endpoints.count), 0), endpoints.count - 1)]
        return .endpoint(chosen.address, port: chosen.port, service: service.fullName)
    }

    typealias Endpoint = (address: IPAddress, port: Int?)

    /// The endpoints of a Service's port, in the order of the manifests.
    func endpoints(
        of service: Service, _ port: Service.Port, _ family: IPAddress.Family
    ) -> [Endpoint] {
        guard let slices = endpointSlices[service.fullName] else {
            return selectedEndpoints(of: service, port, family)
        }
        func endpoints(_ addresses: (EndpointSlice) -> [IPAddress]) -> [Endpoint] {
            slices.flatMap { slice -> [Endpoint] in
                guard
                    let match = slice.ports.first(where: {
                        $0.name == port.name && $0.protocol == port.protocol
                    })
                else { return [] }
                return addresses(slice).filter { $0.family == family }
                    .map { ($0, match.number ?? port.number) }
            }
        }
        let ready = endpoints { $0.ready }
        return ready.isEmpty ? endpoints { $0.servingWhileTerminating } : ready
    }

    /// Without EndpointSlices: what the endpoints controller would find by the selector.
    private func selectedEndpoints(
        of service: Service, _ port: Service.Port, _ family: IPAddress.Family
    ) -> [Endpoint] {
        guard !service.selector.isEmpty else { return [] }
        let selector = LabelSelector(matching: service.selector)
        return pods.compactMap { pod in
            guard pod.namespace == service.namespace, !pod.isFinished,
                selector.matches(pod.labels), let address = pod.address(family)
            else { return nil }
            switch port.target {
            case .number(let number): return (address, number)
            case .name(let name):
                return pod.ports.first { $0.name == name && $0.protocol == port.protocol }
                    .map { (address, $0.number) }
            }
        }
    }
}
