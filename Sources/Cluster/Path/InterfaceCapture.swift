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

    private let walk: (TrafficPacket) -> [Walk.Step]
    private var ways: [ConnectionTuple: Way] = [:]
    private(set) var seen: PodCapture

    /// `walk` gives the way of a packet that begins a connection.
    init(_ capture: PodCapture, walk: @escaping (TrafficPacket) -> [Walk.Step]) {
        seen = capture
        self.walk = walk
    }

    mutating func take(_ packet: TrafficPacket) {
        guard !seen.isFull else { return }
        let tuple = ConnectionTuple(packet)
        if packet.source == seen.address {
            // Before it is sent on: nothing has been translated.
            seen.take(packet, "sent")
            // Its own answers to others go where they came from.
            if ways[tuple] == nil { beginOwn(packet, tuple) }
            return
        }
        if ways[tuple] == nil { ways[tuple] = way(of: packet, tuple) }
        guard case .comesAs(let rewrite) = ways[tuple] else { return }
        guard let came = TrafficPacket(decoding: packet.frame(after: rewrite)) else { return }
        seen.take(came, "received")
    }

    private func way(of packet: TrafficPacket, _ tuple: ConnectionTuple) -> Way {
        let steps = walk(packet)
        guard let last = steps.last, last.observations.last?.action == .delivered,
            last.destination == seen.address
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
}

/// The first packets of one Pod's interface that a filter takes.
struct PodCapture: Sendable {
    let address: IPAddress
    private let filter: CaptureFilter
    private let firstN: Int
    private let node: String
    private let point: CaptureRequest.Point
    private let interface: String
    private(set) var packets: [SeenPacket] = []
    private(set) var keptBytes = 0

    init(
        _ filter: CaptureFilter, _ spec: PacketCaptureSpec, at address: IPAddress, node: String,
        interface: String
    ) {
        self.filter = filter
        firstN = spec.firstN ?? 0
        point = spec.point
        self.address = address
        self.node = node
        self.interface = interface
    }

    var isFull: Bool { packets.count >= firstN }

    /// Keeps the packet, as the interface sees it, if the filter takes it.
    mutating func take(_ packet: TrafficPacket, _ comment: String) {
        guard !isFull, filter.takes(packet.seen) else { return }
        let frame = packet.frame.cut(to: CaptureRequest.snaplenRange.upperBound)
        keptBytes += frame.bytes.count
        packets.append(SeenPacket(frame: frame, interface: interface, comment: comment))
    }

    /// A report once all packets that were asked for are there, packets alone before; nothing
    /// without any.
    var found: (reports: [NodeReport], captures: [PointCapture]) {
        guard !packets.isEmpty else { return ([], []) }
        let content: NodeReport.Content = isFull ? .observed([], captured: nil) : .captured
        return (
            [NodeReport(node: node, content: content)],
            [PointCapture(node: node, point: point, packets: packets)]
        )
    }
}

extension TrafficPacket {
    /// What a PacketCapture's filter looks at.
    var seen: CaptureFilter.Seen {
        var seen = CaptureFilter.Seen(
            source: source, destination: destination, protocol: `protocol`)
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

    /// What the node of the captured Pod keeps of the traffic. Nothing where nobody looks.
    ///
    /// `traffic` is in the order of time; `choose(n)` gives a number in 0..<n.
    public func captured(
        by spec: PacketCaptureSpec, traffic: [TrafficPacket], choose: (Int) -> Int
    ) -> (reports: [NodeReport], captures: [PointCapture]) {
        guard let node = node(of: spec) else { return ([], []) }
        do throws(CaptureFilter.Fault) {
            guard let pod = try podCapture(spec, node) else { return ([], []) }
            return withoutActuallyEscaping(choose) { choose in
                var capture = InterfaceCapture(pod) { self.steps(of: $0, seenBy: node, choose) }
                for packet in traffic where !capture.seen.isFull { capture.take(packet) }
                return capture.seen.found
            }
        } catch {
            return ([NodeReport(node: node, content: .failed(error: error.description))], [])
        }
    }

    /// A PacketCapture that is shown the packets of the Pod's own interface, as they pass there.
    public func following(_ spec: PacketCaptureSpec) -> LiveFollowing {
        guard let node = node(of: spec) else { return LiveFollowing(reports: nil) }
        do throws(CaptureFilter.Fault) {
            return try podCapture(spec, node).map { LiveFollowing($0) }
                ?? LiveFollowing(reports: nil)
        } catch {
            return LiveFollowing(
                reports: [NodeReport(node: node, content: .failed(error: error.description))])
        }
    }

    func filter(of spec: PacketCaptureSpec) throws(CaptureFilter.Fault) -> CaptureFilter {
        try CaptureFilter(spec) { reference, family in
            cluster.pod(reference.fullName).flatMap { cluster.pods[$0].address(family) }
        }
    }

    /// Nil where the Pod has no address of the family.
    private func podCapture(
        _ spec: PacketCaptureSpec, _ node: String
    ) throws(CaptureFilter.Fault) -> PodCapture? {
        let filter = try filter(of: spec)
        guard let name = spec.capturedPod?.fullName, let pod = cluster.pod(name),
            let address = cluster.pods[pod].address(filter.family)
        else { return nil }
        return PodCapture(filter, spec, at: address, node: node, interface: "\(node)/\(name)")
    }
}
