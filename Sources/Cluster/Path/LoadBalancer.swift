import Traceflow

/// What becomes of a packet at the load balancer.
enum Balancing: Hashable, Sendable {
    case notAService
    case noEndpoint
    case endpoint(IPAddress, port: Int?, service: String)
}

extension Cluster {
    /// Translates a packet to a Service's address and port into one of its endpoints
    /// (pkg/agent/proxy).
    func balance(_ flow: Flow, on node: String, _ choose: (Int) -> Int) -> Balancing {
        guard let (service, port) = front(of: flow, on: node),
            let address = flow.destination.address
        else { return .notAService }
        var endpoints = endpoints(of: service, port, address.family)
        // Only a ClusterIP keeps to the own node: from Pods, external addresses lead anywhere.
        if service.keepsToNode, service.clusterIPs.contains(address) {
            endpoints = endpoints.filter { $0.node == node }
        }
        guard !endpoints.isEmpty else { return .noEndpoint }
        let chosen = endpoints[min(max(choose(endpoints.count), 0), endpoints.count - 1)]
        return .endpoint(chosen.address, port: chosen.port, service: service.fullName)
    }

    /// The Service and port that a packet is for: by an address of the Service, or by a node port
    /// of this node where AntreaProxy answers to those.
    private func front(of flow: Flow, on node: String) -> (Service, Service.Port)? {
        guard let address = flow.destination.address else { return nil }
        func isAsked(_ port: Service.Port, _ number: Int?) -> Bool {
            Headers.number(of: port.protocol) == flow.headers.protocol
                && number == flow.headers.port
        }
        if let service = service(at: address) {
            return service.ports.first { isAsked($0, $0.number) }.map { (service, $0) }
        }
        guard resources.network.proxiesAll, nodes[node]?.addresses.contains(address) ?? false
        else { return nil }
        for service in services.values {
            if let port = service.ports.first(where: { $0.node != nil && isAsked($0, $0.node) }) {
                return (service, port)
            }
        }
        return nil
    }

    struct Endpoint: Hashable {
        var address: IPAddress
        var port: Int?
        var node: String?
    }

    /// The endpoints of a Service's port, in the order of the manifests.
    func endpoints(
        of service: Service, _ port: Service.Port, _ family: IPAddress.Family
    ) -> [Endpoint] {
        guard let slices = endpointSlices[service.fullName] else {
            return selectedEndpoints(of: service, port, family)
        }
        func endpoints(_ entries: (EndpointSlice) -> [EndpointSlice.Entry]) -> [Endpoint] {
            slices.flatMap { slice -> [Endpoint] in
                guard
                    let match = slice.ports.first(where: {
                        $0.name == port.name && $0.protocol == port.protocol
                    })
                else { return [] }
                return entries(slice).filter { $0.address.family == family }.map {
                    Endpoint(
                        address: $0.address, port: match.number ?? port.number,
                        node: $0.node ?? pod(at: $0.address).flatMap { pods[$0].nodeName })
                }
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
        let candidates = pods.filter {
            $0.namespace == service.namespace && !$0.isFinished && selector.matches($0.labels)
        }
        func endpoints(_ wanted: (Pod) -> Bool) -> [Endpoint] {
            candidates.filter(wanted).compactMap { pod in
                guard let address = pod.address(family), let number = port.number(on: pod) else {
                    return nil
                }
                return Endpoint(address: address, port: number, node: pod.nodeName)
            }
        }
        let ready = endpoints { service.publishesUnready || $0.isReady && !$0.isTerminating }
        return ready.isEmpty ? endpoints { $0.isReady && $0.isTerminating } : ready
    }
}

extension Service.Port {
    /// The port on the Pod; nil when the Pod has none of the name.
    fileprivate func number(on pod: Pod) -> Int? {
        switch target {
        case .number(let number): number
        case .name(let name):
            pod.ports.first { $0.name == name && $0.protocol == `protocol` }?.number
        }
    }
}
