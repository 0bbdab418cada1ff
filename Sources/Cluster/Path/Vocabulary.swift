import Packets
import Traceflow

/// The two ways in which Antrea has spoken of the same path.
///
/// The pipeline is told in today's words; a v1alpha1 request is answered as v1.0 did.
enum Vocabulary {
    static func observation(_ observation: Observation, in version: APIVersion) -> Observation {
        switch version {
        case .v1beta1: return observation
        case .v1alpha1: break
        }
        var old = observation
        old.srcPodIP = nil
        old.networkPolicyRule = nil
        old.translatedSrcIP = nil
        switch observation.action {
        case .received: old.componentInfo = "Classification"
        case .forwardedOutOfNetwork: old.action = .forwardedOutOfOverlay
        case .rejected: old.action = .dropped
        case .delivered, .forwarded, .dropped, .forwardedOutOfOverlay, .markedForSNAT,
            .forwardedToEgressNode:
            break
        }
        return old
    }

    static func transport(
        _ transport: TrafficPacket.Transport, in version: APIVersion
    ) -> TransportHeader? {
        switch transport {
        case .tcp(let source, let destination, let flags):
            return TransportHeader(
                tcp: TCPHeader(
                    srcPort: Int(source), dstPort: Int(destination), flags: Int(flags)))
        case .udp(let source, let destination):
            return TransportHeader(
                udp: UDPHeader(srcPort: Int(source), dstPort: Int(destination)))
        case .icmp(_, _, let id, let sequence):
            switch version {
            case .v1alpha1: return TransportHeader()
            case .v1beta1:
                return TransportHeader(
                    icmp: ICMPEchoHeader(id: Int(id), sequence: Int(sequence)))
            }
        case .other:
            switch version {
            case .v1alpha1: return TransportHeader()
            case .v1beta1: return nil
            }
        }
    }
}
