import Traceflow

extension Cluster {
    /// The address a request is for, nil when it names no destination.
    func destinationAddress(of spec: TraceflowSpec) throws(AgentError) -> IPAddress? {
        let family = spec.family
        let to = spec.destination
        if let text = to?.ip, !text.isEmpty {
            guard let address = IPAddress(text) else {
                throw AgentError(text: "destination IP is not valid: \(text)")
            }
            guard address.family == family else {
                throw AgentError(text: "destination IP family is different from the packet's")
            }
            return address
        }
        let namespace = to?.namespace ?? ""
        if let name = to?.pod, !name.isEmpty {
            guard let index = pod("\(namespace)/\(name)") else {
                throw AgentError(
                    text: "failed to get the destination Pod: pods \"\(name)\" not found")
            }
            let pod = pods[index]
            if let address = pod.address(family) { return address }
            throw AgentError.noAddress(of: "destination", family)
        }
        if let name = to?.service, !name.isEmpty {
            return try clusterIP(namespace, name, family, isLive: spec.isLive)
        }
        return nil
    }

    private func clusterIP(
        _ namespace: String, _ name: String, _ family: IPAddress.Family, isLive: Bool
    ) throws(AgentError) -> IPAddress {
        guard let service = services["\(namespace)/\(name)"] else {
            throw AgentError(
                text: "failed to get the destination Service: services \"\(name)\" not found")
        }
        guard !service.clusterIPs.isEmpty else {
            throw AgentError(text: "destination Service does not have a ClusterIP")
        }
        guard let address = service.clusterIPs.first(where: { $0.family == family }) else {
            throw AgentError(
                text: "destination Service does not have a ClusterIP of the packet's IP family")
        }
        if service.ports.isEmpty, !isLive {
            throw AgentError(text: "destination Service does not have any port")
        }
        return address
    }
}
