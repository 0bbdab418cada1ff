import Traceflow

/// The packet that walks: injected by an agent, or seen in live traffic.
struct TracedPacket: Hashable, Sendable {
    var source: FlowEnd
    var destination: IPAddress
    var headers: Headers
    /// The live packet behind it; nil for an injected one.
    var seen: TrafficPacket?
}

/// Why an agent refuses to start a trace (pkg/agent/controller/traceflow).
struct AgentError: Error, Hashable, Sendable {
    var text: String

    static func noAddress(of end: String, _ family: IPAddress.Family) -> AgentError {
        AgentError(text: "\(end) Pod does not have an \(family == .v4 ? "IPv4" : "IPv6") address")
    }
}

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

    /// The packet an agent injects for the request from the Pod.
    func injectedPacket(
        of spec: TraceflowSpec, from source: Int
    ) throws(AgentError) -> TracedPacket {
        guard let address = pods[source].address(spec.family) else {
            throw AgentError.noAddress(of: "source", spec.family)
        }
        guard let destination = try destinationAddress(of: spec) else {
            throw AgentError(text: "destination is not specified")
        }
        var packet = TracedPacket(
            source: FlowEnd(pod: source, address: address), destination: destination,
            headers: Headers(protocol: 0), seen: nil)
        let header = spec.packet?.transportHeader
        let states = header?.tcp != nil || header?.udp != nil || header?.icmp != nil
        if !states, let port = defaultPort(of: spec), let number = Headers.number(of: port.protocol)
        {
            packet.headers = Headers(protocol: number, port: port.number)
        } else {
            packet.headers = Headers(
                protocol: Self.protocolNumber(of: spec) ?? Self.icmp(spec.family),
                port: Self.port(of: spec), sourcePort: Self.sourcePort(of: spec))
        }
        // What an agent injects as ICMP is an echo request.
        if packet.headers.isICMP {
            packet.headers.icmpType = spec.family == .v4 ? 8 : 128
            packet.headers.icmpCode = 0
        }
        return packet
    }

    /// A Service asked for without a transport header is asked on its first port.
    private func defaultPort(of spec: TraceflowSpec) -> Service.Port? {
        let to = spec.destination
        guard (to?.ip ?? "").isEmpty, (to?.pod ?? "").isEmpty, let name = to?.service else {
            return nil
        }
        return services["\(to?.namespace ?? "")/\(name)"]?.ports.first
    }

    static func icmp(_ family: IPAddress.Family) -> Int {
        family == .v4 ? Headers.icmp : Headers.icmpv6
    }

    /// The protocol a request states: its transport header's kind, else the IP header's value.
    static func protocolNumber(of spec: TraceflowSpec) -> Int? {
        let packet = spec.packet
        if packet?.transportHeader?.tcp != nil { return Headers.tcp }
        if packet?.transportHeader?.udp != nil { return Headers.udp }
        if packet?.transportHeader?.icmp != nil { return icmp(spec.family) }
        guard let header = packet?.ipv6Header else {
            return packet?.ipHeader?.protocol.flatMap { $0 == 0 ? nil : $0 }
        }
        // IPv4's ICMP under an IPv6 header means ICMPv6.
        return header.nextHeader.flatMap {
            $0 == 0 ? nil : $0 == Headers.icmp ? Headers.icmpv6 : $0
        }
    }

    static func port(of spec: TraceflowSpec) -> Int? {
        let header = spec.packet?.transportHeader
        return header?.tcp.map { $0.dstPort ?? 0 } ?? header?.udp.map { $0.dstPort ?? 0 }
    }

    /// Nil when the request leaves it to chance.
    private static func sourcePort(of spec: TraceflowSpec) -> Int? {
        let header = spec.packet?.transportHeader
        let port = header?.tcp.map { $0.srcPort ?? 0 } ?? header?.udp.map { $0.srcPort ?? 0 }
        return port == 0 ? nil : port
    }
}
