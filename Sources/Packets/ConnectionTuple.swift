import Traceflow

/// What tells one connection from others: addresses, protocol, and ports or the id of an echo.
public struct ConnectionTuple: Hashable, Sendable {
    public var source: IPAddress
    public var destination: IPAddress
    public var `protocol`: UInt8
    public var sourcePort: UInt16 = 0
    public var destinationPort: UInt16 = 0

    /// Of the packet, in the direction in which it goes.
    public init(_ packet: TrafficPacket) {
        (source, destination, self.protocol) = (
            packet.source, packet.destination, packet.protocol
        )
        switch packet.transport {
        case .tcp(let from, let to, _), .udp(let from, let to):
            (sourcePort, destinationPort) = (from, to)
        case .icmp(_, _, let id, _): (sourcePort, destinationPort) = (id, id)
        case .other: break
        }
    }

    /// Of what goes the other way.
    public var reversed: ConnectionTuple {
        var other = self
        (other.source, other.destination) = (destination, source)
        (other.sourcePort, other.destinationPort) = (destinationPort, sourcePort)
        return other
    }
}
