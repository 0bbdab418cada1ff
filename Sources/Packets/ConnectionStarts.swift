import Traceflow

/// The packets that a live trace can meet: those that start a connection.
///
/// Connections already under way are not traced. TCP starts with SYN without ACK (RFC 9293);
/// other protocols with the first packet of their tuple, in whichever direction it is.
public enum ConnectionStarts {
    private struct Tuple: Hashable {
        var source: IPAddress
        var destination: IPAddress
        var number: UInt8
        var first: UInt16
        var second: UInt16

        var reversed: Tuple {
            Tuple(
                source: destination, destination: source, number: number, first: second,
                second: first)
        }
    }

    /// The packets in the order of time; those of one moment as they were.
    public static func inOrder(_ packets: [TrafficPacket]) -> [TrafficPacket] {
        packets.enumerated().sorted {
            ($0.element.frame.nanoseconds, $0.offset) < ($1.element.frame.nanoseconds, $1.offset)
        }.map(\.element)
    }

    /// The starts among the packets, in the order of time.
    public static func of(_ packets: [TrafficPacket]) -> [TrafficPacket] {
        var seen: Set<Tuple> = []
        return inOrder(packets).filter { packet in
            var tuple = Tuple(
                source: packet.source, destination: packet.destination, number: packet.protocol,
                first: 0, second: 0)
            switch packet.transport {
            case .tcp(_, _, let flags):
                // SYN (2) without ACK (16).
                return flags & 0x12 == 0x02
            case .udp(let source, let destination):
                (tuple.first, tuple.second) = (source, destination)
            case .icmp(let type, _, let id, _):
                (tuple.first, tuple.second) = (id, id)
                if type == 0 || type == 129 { return false }
            case .other: break
            }
            return !seen.contains(tuple.reversed) && seen.insert(tuple).inserted
        }
    }
}
