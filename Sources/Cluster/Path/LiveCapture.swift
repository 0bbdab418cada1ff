import Packets
import Traceflow

/// What one point of a trace's path saw, the first packets that were asked for.
public struct PointCapture: Hashable, Sendable {
    public var node: String
    /// Where: at the source, or at the destination.
    public var point: CaptureRequest.Point
    /// In the order of time; there is at least one.
    public var packets: [SeenPacket]

    public init(node: String, point: CaptureRequest.Point, packets: [SeenPacket]) {
        self.node = node
        self.point = point
        self.packets = packets
    }
}

/// Follows the connections of a live trace through the traffic, and keeps what its two points see.
///
/// A packet belongs to a connection from its start on; replies come from where the connection was
/// translated to, and reach the source as from where it was sent to. Whoever sends a reply sees it,
/// and where the connection was delivered so are its replies: they are not judged by policies.
struct LiveCapture: Sendable {
    /// One connection: its start, and the way it takes.
    struct Connection {
        var start: TrafficPacket
        var steps: [Walk.Step]
    }

    /// Whether replies of a translated connection may come as they reach the source, translated
    /// back: an interface has but one of both.
    var takesRepliesAtSource = false
    private let request: CaptureRequest
    private let hasSourcePod: Bool
    private let cluster: Cluster
    private var connections: [ConnectionTuple: Connection] = [:]
    /// The connections by what their replies look like.
    private var replies: [ConnectionTuple: ConnectionTuple] = [:]
    /// What was kept, a capture for each node at a point: a Service may have led to several.
    private var kept: [Place: PointCapture] = [:]
    private var order: [Place] = []
    private var counts: [CaptureRequest.Point: Int] = [:]
    private var names: [PortOfNode: String] = [:]
    /// What the kept packets take, as they came.
    private(set) var keptBytes = 0

    private struct Place: Hashable {
        var point: CaptureRequest.Point
        var node: String
    }

    private struct PortOfNode: Hashable {
        var node: String
        var address: IPAddress?
    }

    init(_ request: CaptureRequest, hasSourcePod: Bool, in cluster: Cluster) {
        self.request = request
        self.hasSourcePod = hasSourcePod
        self.cluster = cluster
    }

    /// Takes note of a connection; its packets are taken from now on.
    mutating func begin(_ connection: Connection) {
        let tuple = ConnectionTuple(connection.start)
        guard connections[tuple] == nil, let last = connection.steps.last else { return }
        connections[tuple] = connection
        let seen = translated(connection)
        var reply = tuple.reversed
        if let address = last.destination { reply.source = address }
        if let address = seen.source { reply.destination = address }
        if let port = seen.destinationPort { reply.sourcePort = port }
        replies[reply] = tuple
    }

    var connectionCount: Int { connections.count }

    var isFull: Bool {
        [.source, .destination].allSatisfy { point in
            !request.looks(at: point, hasSourcePod: hasSourcePod)
                || counts[point, default: 0] >= request.firstN
        }
    }

    mutating func take(_ packet: TrafficPacket) {
        let tuple = ConnectionTuple(packet)
        if request.takes(.sourceToDestination), let connection = connections[tuple] {
            sent(packet, connection)
        } else if request.takes(.destinationToSource) {
            if let asked = replies[tuple], let connection = connections[asked] {
                answered(packet, connection)
            } else if takesRepliesAtSource, let connection = connections[tuple.reversed] {
                answeredAtSource(packet, connection)
            }
        }
    }

    /// Those at the source first.
    var captures: [PointCapture] {
        let captures = order.compactMap { kept[$0] }
        return captures.filter { $0.point == .source } + captures.filter { $0.point != .source }
    }

    private mutating func sent(_ packet: TrafficPacket, _ connection: Connection) {
        guard let first = connection.steps.first, let last = connection.steps.last else { return }
        if hasSourcePod {
            add(
                packet, packet.frame, first, connection.start.source, at: .source,
                first.observations.last)
        }
        guard isDelivered(connection) else { return }
        add(
            packet, packet.frame(after: translated(connection)), last, last.destination,
            at: .destination, last.observations.last)
    }

    private mutating func answered(_ packet: TrafficPacket, _ connection: Connection) {
        guard let first = connection.steps.first, let last = connection.steps.last,
            isDelivered(connection)
        else { return }
        add(packet, packet.frame, last, last.destination, at: .destination, nil)
        guard hasSourcePod else { return }
        let asked = ConnectionTuple(connection.start)
        let back = PacketRewrite(
            source: asked.destination, destination: asked.source, sourcePort: asked.destinationPort,
            hops: last.hops)
        add(
            packet, packet.frame(after: back), first, connection.start.source, at: .source, nil)
    }

    /// Of a reply as the source sees it: it was routed already.
    private mutating func answeredAtSource(_ packet: TrafficPacket, _ connection: Connection) {
        guard let first = connection.steps.first, let last = connection.steps.last,
            isDelivered(connection)
        else { return }
        let there = translated(connection)
        let sent = PacketRewrite(
            source: there.destination, destination: there.source, sourcePort: there.destinationPort)
        add(packet, packet.frame(after: sent), last, last.destination, at: .destination, nil)
        guard hasSourcePod else { return }
        add(packet, packet.frame, first, connection.start.source, at: .source, nil)
    }

    /// Whether the packet came out of the last node's pipeline, at a Pod.
    private func isDelivered(_ connection: Connection) -> Bool {
        guard let last = connection.steps.last, let address = last.destination else { return false }
        return last.observations.last?.action == .delivered && cluster.pod(at: address) != nil
    }

    private func translated(_ connection: Connection) -> PacketRewrite {
        InterfaceCapture.translation(of: connection.steps)
    }

    private mutating func add(
        _ packet: TrafficPacket, _ frame: PacketFrame, _ step: Walk.Step, _ address: IPAddress?,
        at point: CaptureRequest.Point, _ observation: Observation?
    ) {
        guard request.looks(at: point, hasSourcePod: hasSourcePod),
            counts[point, default: 0] < request.firstN
        else { return }
        counts[point, default: 0] += 1
        keptBytes += packet.frame.bytes.count
        let place = Place(point: point, node: step.node)
        if kept[place] == nil {
            kept[place] = PointCapture(node: step.node, point: point, packets: [])
            order.append(place)
        }
        let name = name(step.node, address)
        // In place: a capture may have many packets.
        kept[place]?.packets.append(
            SeenPacket(
                frame: frame.cut(to: request.snaplen ?? packet.headerBytes),
                interface: name,
                comment: observation.map { "\($0.component.rawValue) \($0.action.rawValue)" }
                    ?? "reply"))
    }

    /// One string for all packets of a port, which are then told apart at a glance.
    private mutating func name(_ node: String, _ address: IPAddress?) -> String {
        let key = PortOfNode(node: node, address: address)
        if let known = names[key] { return known }
        let port = address.map { cluster.podName(at: $0) ?? $0.description } ?? ""
        let name = "\(node)/\(port)"
        names[key] = name
        return name
    }
}

extension PathFinder {
    /// The packets that the points of an injected trace see: the one the agent made, as it is where
    /// each node reports it.
    func captured(
        _ prepared: PreparedPacket, _ request: CaptureRequest, _ steps: [Walk.Step],
        at moment: Int64
    ) -> [PointCapture] {
        guard let first = steps.first, let last = steps.last else { return [] }
        // On one node the first step is the last one too.
        var looks = [(step: first, point: CaptureRequest.Point.source)]
        if steps.count > 1 || last.observations.last?.action == .delivered {
            looks += steps.dropFirst(steps.count > 1 ? 1 : 0).map { ($0, .destination) }
        }
        return looks.compactMap { step, point in
            guard request.looks(at: point, hasSourcePod: true),
                let frame = prepared.frame(at: step, moment)
            else { return nil }
            let seen = step.observations.last
            let pod =
                point == .source
                ? prepared.sourceIP.flatMap { cluster.podName(at: $0) }
                : step.destination.flatMap { cluster.podName(at: $0) }
            return PointCapture(
                node: step.node, point: point,
                packets: [
                    SeenPacket(
                        frame: frame.cut(to: request.snaplen ?? frame.bytes.count),
                        interface: "\(step.node)/\(pod ?? "gateway")",
                        comment: seen.map { "\($0.component.rawValue) \($0.action.rawValue)" }
                            ?? "injected")
                ])
        }
    }
}

extension PreparedPacket {
    /// The packet as it is where the step is reported; nil for a match.
    func frame(at step: Walk.Step, _ nanoseconds: Int64) -> PacketFrame? {
        guard let source = sourceIP, let number = self.protocol.flatMap(UInt8.init(exactly:)),
            let destination = step.destination ?? destinationIP,
            source.family == destination.family
        else { return nil }
        func port(_ value: Int?) -> UInt16 { value.flatMap(UInt16.init(exactly:)) ?? 0 }
        let transport: TrafficPacket.Transport =
            switch Int(number) {
            case Headers.tcp:
                .tcp(
                    srcPort: port(sourcePort),
                    dstPort: port(step.destinationPort ?? destinationPort),
                    flags: UInt8(truncatingIfNeeded: tcpFlags ?? Self.tcpSYN))
            case Headers.udp:
                .udp(
                    srcPort: port(sourcePort),
                    dstPort: port(step.destinationPort ?? destinationPort))
            case Headers.icmp, Headers.icmpv6:
                .icmp(
                    type: UInt8(truncatingIfNeeded: echo?.type ?? 8), code: 0, id: port(echo?.id),
                    sequence: port(echo?.sequence))
            default: .other
            }
        let builder = PacketBuilder(
            sourceMAC: sourceMAC?.bytes ?? [0, 0, 0, 0, 0, 0],
            destinationMAC: destinationMAC?.bytes ?? [0, 0, 0, 0, 0, 0], source: source,
            destination: destination, protocol: number,
            ttl: UInt8(clamping: max(0, (ttl ?? Self.defaultTTL) - step.hops)),
            flags: UInt8(truncatingIfNeeded: (flags ?? 0) & 7), transport: transport)
        return PacketFrame(
            nanoseconds: nanoseconds, link: .ethernet, bytes: builder.frame()[...])
    }
}
