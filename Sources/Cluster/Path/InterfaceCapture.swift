import Packets
import Traceflow

/// Keeps what a Pod's interface sees of the traffic, as far as a PacketCapture's filter takes it.
///
/// What the Pod sends is seen as it is. What comes to it is seen where the model delivers it,
/// translated and routed: a packet of a connection that is not known yet is judged as though it
/// began one, and answers to what the Pod began come back the way it went.
struct InterfaceCapture {
    /// What becomes of a connection's packets before the interface sees them; nil when it does not.
    private enum Way {
        case comesAs(PacketRewrite)
        case elsewhere
    }

    private let filter: PacketFilter
    private let firstN: Int
    private let address: IPAddress
    private let interface: String
    private let cluster: Cluster
    private let walk: (TrafficPacket) -> [Walk.Step]
    private var ways: [ConnectionTuple: Way] = [:]
    private(set) var packets: [SeenPacket] = []

    /// `walk` gives the way of a packet that begins a connection.
    init(
        _ filter: PacketFilter, firstN: Int, at address: IPAddress, interface: String,
        in cluster: Cluster, walk: @escaping (TrafficPacket) -> [Walk.Step]
    ) {
        self.filter = filter
        self.firstN = firstN
        self.address = address
        self.interface = interface
        self.cluster = cluster
        self.walk = walk
    }

    var isFull: Bool { packets.count >= firstN }

    mutating func take(_ packet: TrafficPacket) {
        guard !isFull else { return }
        let tuple = ConnectionTuple(packet)
        if packet.source == address {
            // Before it is sent on: nothing has been translated.
            see(packet, "sent")
            // Its own answers to others go where they came from.
            if ways[tuple] == nil { beginOwn(packet, tuple) }
            return
        }
        if ways[tuple] == nil { ways[tuple] = way(of: packet, tuple) }
        guard case .comesAs(let rewrite) = ways[tuple] else { return }
        guard let seen = TrafficPacket(decoding: packet.frame(after: rewrite)) else { return }
        see(seen, "received")
    }

    private func way(of packet: TrafficPacket, _ tuple: ConnectionTuple) -> Way {
        let steps = walk(packet)
        guard let last = steps.last, last.observations.last?.action == .delivered,
            last.destination == address
        else { return .elsewhere }
        return .comesAs(Self.translation(of: steps))
    }

    /// The Pod begins a connection: its answers will come from where it was led to.
    private mutating func beginOwn(_ packet: TrafficPacket, _ tuple: ConnectionTuple) {
        ways[tuple] = .elsewhere
        let steps = walk(packet)
        guard let last = steps.last else { return }
        switch last.observations.last?.action {
        case .delivered:
            let translation = Self.translation(of: steps)
            var reply = tuple.reversed
            if let address = last.destination { reply.source = address }
            if let address = translation.source { reply.destination = address }
            if let port = translation.destinationPort { reply.sourcePort = port }
            ways[reply] = .comesAs(
                PacketRewrite(
                    source: tuple.destination, destination: tuple.source,
                    sourcePort: tuple.destinationPort, hops: last.hops))
        case .forwardedOutOfNetwork, .forwardedOutOfOverlay:
            ways[tuple.reversed] = .comesAs(PacketRewrite())
        case .dropped, .rejected, .received, .forwarded, .markedForSNAT, .forwardedToEgressNode,
            nil:
            ways[tuple.reversed] = .elsewhere
        }
    }

    static func translation(of steps: [Walk.Step]) -> PacketRewrite {
        let source = steps.flatMap(\.observations).compactMap(\.translatedSrcIP).last
        let last = steps.last
        return PacketRewrite(
            source: source.flatMap { IPAddress($0) }, destination: last?.destination,
            destinationPort: last?.destinationPort.flatMap { UInt16(exactly: $0) },
            hops: last?.hops ?? 0)
    }

    private mutating func see(_ packet: TrafficPacket, _ comment: String) {
        guard filter.takes(packet.seen) else { return }
        packets.append(
            SeenPacket(
                frame: packet.frame.cut(to: CaptureRequest.snaplenRange.upperBound),
                interface: interface, comment: comment))
    }
}

extension TrafficPacket {
    /// What a PacketCapture's filter looks at.
    var seen: PacketFilter.Seen {
        var seen = PacketFilter.Seen(source: source, destination: destination, protocol: `protocol`)
        if let ports { (seen.sourcePort, seen.destinationPort) = ports }
        switch transport {
        case .tcp(_, _, let flags): seen.tcpFlags = Int(flags)
        case .icmp(let type, let code, _, _):
            (seen.messageType, seen.messageCode) = (Int(type), Int(code))
        case .udp, .other: break
        }
        return seen
    }
}

extension PathFinder {
    /// The node whose Pod's interface a PacketCapture looks at; nil where nobody does.
    public func node(of capture: PacketCaptureSpec) -> String? {
        guard let pod = capture.capturedPod, let index = cluster.pod(pod.fullName),
            !cluster.pods[index].usesHostNetwork
        else { return nil }
        return cluster.pods[index].nodeName
    }

    /// What the node of the captured Pod keeps of the traffic: a report once all packets that were
    /// asked for are there, packets alone before. Nothing where nobody looks.
    ///
    /// `traffic` is in the order of time; `choose(n)` gives a number in 0..<n.
    public func captured(
        by spec: PacketCaptureSpec, traffic: [TrafficPacket], choose: (Int) -> Int
    ) -> (reports: [NodeReport], captures: [PointCapture]) {
        guard let node = node(of: spec), let name = spec.capturedPod?.fullName,
            let pod = cluster.pod(name)
        else { return ([], []) }
        do throws(PacketFilter.Fault) {
            let filter = try PacketFilter(spec) { reference, family in
                cluster.pod(reference.fullName).flatMap { cluster.pods[$0].address(family) }
            }
            guard let address = cluster.pods[pod].address(filter.family) else { return ([], []) }
            return withoutActuallyEscaping(choose) { choose in
                var capture = InterfaceCapture(
                    filter, firstN: spec.firstN ?? 0, at: address, interface: "\(node)/\(name)",
                    in: cluster
                ) { steps(of: $0, seenBy: node, choose) }
                for packet in traffic where !capture.isFull { capture.take(packet) }
                guard !capture.packets.isEmpty else { return ([], []) }
                let seen = PointCapture(node: node, point: spec.point, packets: capture.packets)
                let content: NodeReport.Content =
                    capture.isFull ? .observed([], captured: nil) : .captured
                return ([NodeReport(node: node, content: content)], [seen])
            }
        } catch {
            return ([NodeReport(node: node, content: .failed(error: error.description))], [])
        }
    }
}
