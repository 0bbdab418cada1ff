import Packets
import Traceflow

/// What an agent makes of a request (preparePacket in pkg/agent/controller/traceflow): the packet
/// it injects, or for a live trace the match on what Pods send. A match holds only what the request
/// states; a part that is nil matches anything.
struct PreparedPacket: Hashable, Sendable {
    /// An echo request, as far as a Traceflow describes it.
    struct Echo: Hashable, Sendable {
        /// 8 in ICMP (RFC 792), 128 in ICMPv6 (RFC 4443); the code is 0.
        var type: Int
        var id: Int
        var sequence: Int
    }

    var family: IPAddress.Family
    /// Of a match only when it is made where the packet arrives: a sender is known by its port.
    var sourceIP: IPAddress?
    var sourceMAC: MACAddress?
    var destinationIP: IPAddress?
    /// Nil when the agent does not know it: an injected packet then goes to the gateway.
    var destinationMAC: MACAddress?
    var `protocol`: Int?
    /// The hop limit, in IPv6.
    var ttl: Int?
    /// The three flag bits of IPv4.
    var flags: Int?
    /// Nil in an injected packet when it is left to chance.
    var sourcePort: Int?
    var destinationPort: Int?
    var tcpFlags: Int?
    /// Nil in a match, which takes any ICMP message.
    var echo: Echo?

    static let defaultTTL = 64
    static let tcpSYN = 2

    /// Whether the match takes the packet: an IP packet that some Pod sent.
    func matches(_ packet: TrafficPacket) -> Bool {
        guard packet.source.family == family else { return false }
        if let sourceIP, packet.source != sourceIP { return false }
        if let destinationIP, packet.destination != destinationIP { return false }
        if let `protocol`, Int(packet.protocol) != `protocol` { return false }
        if let sourcePort, packet.ports?.source != sourcePort { return false }
        if let destinationPort, packet.ports?.destination != destinationPort { return false }
        return true
    }
}

extension Cluster {
    /// The packet that the agent of the Pod's node injects for the request.
    func injectedPacket(
        of spec: TraceflowSpec, from pod: Int
    ) throws(AgentError) -> PreparedPacket {
        let family = spec.family
        guard let source = pods[pod].address(family) else {
            throw AgentError.noAddress(of: "source", family)
        }
        guard let destination = try destinationAddress(of: spec) else {
            throw AgentError(text: "destination is not specified")
        }
        var packet = PreparedPacket(
            family: family, sourceIP: source, sourceMAC: mac(of: pod), destinationIP: destination,
            destinationMAC: localMAC(at: destination, on: pods[pod].nodeName))
        let header = spec.packet?.transportHeader
        let states = header?.tcp != nil || header?.udp != nil || header?.icmp != nil
        if !states, let port = defaultPort(of: spec), let number = Headers.number(of: port.protocol)
        {
            packet.protocol = number
            packet.destinationPort = port.number
        } else {
            packet.protocol = Self.protocolNumber(of: spec) ?? Self.icmp(family)
            packet.sourcePort = Self.stated(header?.tcp?.srcPort ?? header?.udp?.srcPort)
            packet.destinationPort = Self.port(of: spec)
        }
        switch packet.protocol {
        case Headers.tcp: packet.tcpFlags = header?.tcp?.flags ?? PreparedPacket.tcpSYN
        case Headers.icmp, Headers.icmpv6:
            packet.echo = PreparedPacket.Echo(
                type: family == .v4 ? 8 : 128, id: header?.icmp?.id ?? 0,
                sequence: header?.icmp?.sequence ?? 0)
        default: break
        }
        if family == .v4 { packet.flags = spec.packet?.ipHeader?.flags ?? 0 }
        let ttl =
            family == .v4 ? spec.packet?.ipHeader?.ttl : spec.packet?.ipv6Header?.hopLimit
        // The fields are wider than the packet's byte, and are cut to it.
        packet.ttl = Self.stated(ttl.map { $0 & 0xff }) ?? PreparedPacket.defaultTTL
        return packet
    }

    /// What a live trace matches of what its source Pod sends.
    func sentMatch(of spec: TraceflowSpec) throws(AgentError) -> PreparedPacket {
        var match = Self.match(of: spec)
        match.destinationIP = try destinationAddress(of: spec)
        return match
    }

    /// What a live trace without a source Pod matches of what arrives at its destination Pod.
    func receivedMatch(of spec: TraceflowSpec, at pod: Int) throws(AgentError) -> PreparedPacket {
        var match = Self.match(of: spec)
        match.destinationMAC = mac(of: pod)
        guard let text = spec.source?.ip, !text.isEmpty else { return match }
        guard let address = IPAddress(text) else {
            throw AgentError(text: "source IP is not valid: \(text)")
        }
        guard address.family == spec.family else {
            throw AgentError(text: "source IP family is different from the packet's")
        }
        match.sourceIP = address
        return match
    }

    private static func match(of spec: TraceflowSpec) -> PreparedPacket {
        let header = spec.packet?.transportHeader
        var match = PreparedPacket(family: spec.family, protocol: protocolNumber(of: spec))
        match.sourcePort = stated(header?.tcp?.srcPort ?? header?.udp?.srcPort)
        match.destinationPort = stated(header?.tcp?.dstPort ?? header?.udp?.dstPort)
        return match
    }

    /// The Pod's hardware address; nil until it has an address at all.
    private func mac(of pod: Int) -> MACAddress? {
        pods[pod].addresses.first.map { MACAddress(ofInterfaceAt: $0) }
    }

    private func localMAC(at address: IPAddress, on node: String?) -> MACAddress? {
        guard let receiver = pod(at: address), pods[receiver].nodeName == node else { return nil }
        return mac(of: receiver)
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
    private static func protocolNumber(of spec: TraceflowSpec) -> Int? {
        let packet = spec.packet
        if packet?.transportHeader?.tcp != nil { return Headers.tcp }
        if packet?.transportHeader?.udp != nil { return Headers.udp }
        if packet?.transportHeader?.icmp != nil { return icmp(spec.family) }
        guard let header = packet?.ipv6Header else { return stated(packet?.ipHeader?.protocol) }
        // IPv4's ICMP under an IPv6 header means ICMPv6.
        return stated(header.nextHeader).map { $0 == Headers.icmp ? Headers.icmpv6 : $0 }
    }

    private static func port(of spec: TraceflowSpec) -> Int? {
        let header = spec.packet?.transportHeader
        return header?.tcp.map { $0.dstPort ?? 0 } ?? header?.udp.map { $0.dstPort ?? 0 }
    }

    /// Nil when the field is unset, which its zero means too.
    private static func stated(_ field: Int?) -> Int? { field == 0 ? nil : field }
}
