import Foundation
import Kubernetes
import Traceflow

/// What a Traceflow of a real cluster says of itself, as far as it is looked at.
struct AntreaStatus: Hashable, Sendable {
    enum Phase: Hashable, Sendable {
        /// Nobody has begun it: empty, or the Pending of old servers.
        case waiting
        case running
        case succeeded
        case failed
    }

    var name: String
    var uid: String
    var resourceVersion: String
    var phase: Phase
    var reason: String?
    var startTime: Moment?
    var results: [NodeResult]
    var captured: CapturedPacket?
    /// Whether there are observations of a newer Antrea, which are left out.
    var leavesOut: Bool

    var isOver: Bool { phase == .succeeded || phase == .failed }

    /// Nil where it is no object with a name and a number of its own.
    init?(_ object: JSONValue) {
        let metadata = object["metadata"]
        guard let name = metadata["name"].text, let uid = metadata["uid"].text else { return nil }
        self.name = name
        self.uid = uid
        resourceVersion = metadata["resourceVersion"].text ?? ""
        let status = object["status"]
        phase =
            switch status["phase"].text {
            case "Running": .running
            case "Succeeded": .succeeded
            case "Failed": .failed
            case _: .waiting
            }
        reason = status["reason"].text.flatMap { $0.isEmpty ? nil : $0 }
        startTime = status["startTime"].text.flatMap(Self.moment)
        results = status["results"].elements.map { result in
            NodeResult(
                node: result["node"].text ?? "", timestamp: Int64(result["timestamp"].int ?? 0),
                observations: result["observations"].elements.compactMap { Observation($0) })
        }
        captured = CapturedPacket(status["capturedPacket"])
        let told = status["results"].elements.reduce(0) { $0 + $1["observations"].elements.count }
        leavesOut = told > results.reduce(0) { $0 + $1.observations.count }
    }

    private static func moment(_ text: String) -> Moment? {
        let format = ISO8601DateFormatter()
        guard let date = format.date(from: text) else { return nil }
        return Moment(microseconds: Int64(date.timeIntervalSince1970) * 1_000_000)
    }
}

extension Observation {
    /// Nil where the component or the action is of a newer Antrea.
    init?(_ object: JSONValue) {
        guard let component = object["component"].text.flatMap(Component.init),
            let action = object["action"].text.flatMap(Action.init)
        else { return nil }
        self.init(
            component, action, componentInfo: object["componentInfo"].text,
            pod: object["pod"].text, networkPolicy: object["networkPolicy"].text,
            networkPolicyRule: object["networkPolicyRule"].text, egress: object["egress"].text,
            egressIP: object["egressIP"].text, egressNode: object["egressNode"].text,
            srcPodIP: object["srcPodIP"].text, translatedSrcIP: object["translatedSrcIP"].text,
            translatedDstIP: object["translatedDstIP"].text,
            tunnelDstIP: object["tunnelDstIP"].text)
    }
}

extension CapturedPacket {
    init?(_ object: JSONValue) {
        guard let from = object["srcIP"].text, let to = object["dstIP"].text else { return nil }
        self.init(
            srcIP: from, dstIP: to, length: object["length"].int ?? 0, headers: Packet(object))
    }
}

extension Packet {
    fileprivate init(_ object: JSONValue) {
        self.init()
        let (ip, ipv6, transport) = (
            object["ipHeader"], object["ipv6Header"], object["transportHeader"]
        )
        if !ip.isNull {
            ipHeader = IPHeader(
                protocol: ip["protocol"].int, ttl: ip["ttl"].int, flags: ip["flags"].int)
        }
        if !ipv6.isNull {
            ipv6Header = IPv6Header(
                nextHeader: ipv6["nextHeader"].int, hopLimit: ipv6["hopLimit"].int)
        }
        guard !transport.isNull else { return }
        let (tcp, udp, icmp) = (transport["tcp"], transport["udp"], transport["icmp"])
        transportHeader = TransportHeader(
            tcp: tcp.isNull
                ? nil
                : TCPHeader(
                    srcPort: tcp["srcPort"].int, dstPort: tcp["dstPort"].int,
                    flags: tcp["flags"].int),
            udp: udp.isNull
                ? nil : UDPHeader(srcPort: udp["srcPort"].int, dstPort: udp["dstPort"].int),
            icmp: icmp.isNull
                ? nil : ICMPEchoHeader(id: icmp["id"].int, sequence: icmp["sequence"].int))
    }
}

/// A reason of Antrea's as it is about one node: `Node: a, error: text`.
struct AntreaNodeError: Hashable {
    var node: String
    var error: String

    /// Nil where it is of another form.
    init?(reason: String) {
        let (begin, middle) = ("Node: ", ", error: ")
        guard reason.hasPrefix(begin), let mark = reason.range(of: middle) else { return nil }
        node = String(
            reason[reason.index(reason.startIndex, offsetBy: begin.count)..<mark.lowerBound])
        error = String(reason[mark.upperBound...])
        if node.isEmpty { return nil }
    }
}
