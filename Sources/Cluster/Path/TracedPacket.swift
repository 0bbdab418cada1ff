import Packets
import Traceflow

/// The packet that walks: injected by an agent, or seen in live traffic.
struct TracedPacket: Hashable, Sendable {
    var source: FlowEnd
    var destination: IPAddress
    /// What policies look at.
    var headers: Headers

    /// What an agent injects; nil for a match, which may lack a destination.
    init?(injected packet: PreparedPacket, from pod: Int) {
        guard let destination = packet.destinationIP, let number = packet.protocol else {
            return nil
        }
        source = FlowEnd(pod: pod, address: packet.sourceIP)
        self.destination = destination
        headers = Headers(
            protocol: number, port: packet.destinationPort, sourcePort: packet.sourcePort,
            icmpType: packet.echo?.type, icmpCode: packet.echo.map { _ in 0 })
    }

    init(_ seen: TrafficPacket, from pod: Int?) {
        source = FlowEnd(pod: pod, address: seen.source)
        destination = seen.destination
        headers = seen.headersForPolicies
    }
}
