import API
import Packets
import Traceflow

/// One packet as a line of `capture show`.
struct PacketLine {
    static let columns = [
        "time", "interface", "source", "destination", "protocol", "length", "kept", "info", "seen",
    ]
    static let shown = [
        "time", "interface", "source", "destination", "protocol", "length", "info",
    ]

    var values: [OutputValue]

    init(_ record: PacketFile.Record) {
        let frame = record.frame
        let packet = TrafficPacket(decoding: frame)
        values = [
            .string(PacketTime.text(frame.nanoseconds)), .string(record.interface),
            packet.map { .string($0.source.description) } ?? .null,
            packet.map { .string($0.destination.description) } ?? .null,
            packet.map { .string(Self.name(of: $0)) } ?? .null, .int(frame.originalLength),
            .int(frame.bytes.count), packet.map { .string(Self.info($0)) } ?? .null,
            .string(record.comment),
        ]
    }

    private static func name(of packet: TrafficPacket) -> String {
        switch packet.protocol {
        case 1: "ICMP"
        case 6: "TCP"
        case 17: "UDP"
        case 58: "ICMPv6"
        case 132: "SCTP"
        default: "IP \(packet.protocol)"
        }
    }

    private static func info(_ packet: TrafficPacket) -> String {
        let ttl = packet.source.family == .v4 ? "ttl \(packet.ttl)" : "hop limit \(packet.ttl)"
        switch packet.transport {
        case .tcp(let source, let destination, let flags):
            return "\(source) > \(destination) [\(self.flags(flags))] \(ttl)"
        case .udp(let source, let destination): return "\(source) > \(destination) \(ttl)"
        case .icmp(let type, let code, let id, let sequence):
            return "type \(type) code \(code) id \(id) seq \(sequence) \(ttl)"
        case .other: return ttl
        }
    }

    /// Names of the bits of RFC 9293 and RFC 3168, the lowest first.
    private static func flags(_ bits: UInt8) -> String {
        let names = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"]
        return names.enumerated().filter { bits >> UInt8($0.offset) & 1 == 1 }.map(\.element)
            .joined(separator: ",")
    }
}

/// Moments with nanoseconds, as RFC 3339 has them.
enum PacketTime {
    static func text(_ nanoseconds: Int64) -> String {
        let (seconds, rest) = Int64(1_000_000_000).quotient(of: nanoseconds)
        let whole = RFC3339.text(Moment(microseconds: seconds * 1_000_000))
        let digits = String(rest)
        let padded = String(repeating: "0", count: 9 - digits.count) + digits
        return whole.replacing("Z", with: ".\(padded)Z")
    }
}

extension Int64 {
    /// Rounded down, so that the rest is never negative.
    fileprivate func quotient(of number: Int64) -> (Int64, Int64) {
        var (quotient, rest) = number.quotientAndRemainder(dividingBy: self)
        if rest < 0 { (quotient, rest) = (quotient - 1, rest + self) }
        return (quotient, rest)
    }
}
