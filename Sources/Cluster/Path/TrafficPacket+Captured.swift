import Packets
import Traceflow

extension TrafficPacket {
    var ports: (source: Int, destination: Int)? {
        switch transport {
        case .tcp(let source, let destination, _), .udp(let source, let destination):
            (Int(source), Int(destination))
        case .icmp, .other: nil
        }
    }

    /// What policies look at.
    var headersForPolicies: Headers {
        var headers = Headers(
            protocol: Int(self.protocol), port: ports?.destination, sourcePort: ports?.source)
        if case .icmp(let type, let code, _, _) = self.transport {
            headers.icmpType = Int(type)
            headers.icmpCode = Int(code)
        }
        return headers
    }

    /// The packet as it was where the node reported it: routed, and bound for the endpoint.
    func captured(at step: Walk.Step, in version: APIVersion) -> CapturedPacket {
        let left = max(0, Int(ttl) - step.hops)
        var transport = transport
        if let port = step.destinationPort.flatMap({ UInt16(exactly: $0) }) {
            switch transport {
            case .tcp(let source, _, let flags):
                transport = .tcp(srcPort: source, dstPort: port, flags: flags)
            case .udp(let source, _): transport = .udp(srcPort: source, dstPort: port)
            case .icmp, .other: break
            }
        }
        var headers = Packet()
        switch source.family {
        case .v4:
            headers.ipHeader = IPHeader(
                protocol: Int(self.protocol), ttl: left, flags: flags == 0 ? nil : Int(flags))
        case .v6:
            headers.ipv6Header = IPv6Header(nextHeader: Int(self.protocol), hopLimit: left)
        }
        headers.transportHeader = Vocabulary.transport(transport, in: version)
        return CapturedPacket(
            srcIP: source.description, dstIP: (step.destination ?? destination).description,
            length: length,
            headers: headers)
    }
}
