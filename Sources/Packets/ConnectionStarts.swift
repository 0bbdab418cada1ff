import Traceflow

/// The packets that a live trace can meet: those that start a connection.
///
/// Connections already under way are not traced. TCP starts with SYN without ACK (RFC 9293);
/// other protocols with the first packet of their tuple, in whichever direction it is.
public enum ConnectionStarts {
    /// The packets in the order of time; those of one moment as they were.
    public static func inOrder(_ packets: [TrafficPacket]) -> [TrafficPacket] {
        packets.enumerated().sorted {
            ($0.element.frame.nanoseconds, $0.offset) < ($1.element.frame.nanoseconds, $1.offset)
        }.map(\.element)
    }

    /// The starts among the packets, in the order of time.
    public static func of(_ packets: [TrafficPacket]) -> [TrafficPacket] {
        var started = StartedConnections()
        return inOrder(packets).filter { started.isStart($0) }
    }
}

/// Tells the starts of connections from other packets, one after the other in the order of time.
public struct StartedConnections: Sendable {
    private var seen: Set<ConnectionTuple> = []

    public init() {}

    /// How many are remembered, so that their next packets are no starts.
    public var count: Int { seen.count }

    public mutating func isStart(_ packet: TrafficPacket) -> Bool {
        switch packet.transport {
        case .tcp(_, _, let flags):
            // SYN (2) without ACK (16).
            return flags & 0x12 == 0x02
        case .icmp(let type, _, _, _):
            if type == 0 || type == 129 { return false }
        case .udp, .other: break
        }
        let tuple = ConnectionTuple(packet)
        return !seen.contains(tuple.reversed) && seen.insert(tuple).inserted
    }
}
