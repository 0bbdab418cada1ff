import Cluster
import Packets
import Testing
import Traceflow

@Suite("live traces that are shown packets as they come")
struct LiveFollowingTests {
    private static func spec(
        _ destination: TraceflowSpec.Destination?, source: TraceflowSpec.Source? = a,
        packet: Packet? = nil, capture: CaptureRequest? = nil
    ) -> TraceflowSpec {
        TraceflowSpec(
            source: source, destination: destination, packet: packet, liveTraffic: true,
            capture: capture)
    }

    private static let a = TraceflowSpec.Source(namespace: "t", pod: "a")
    private static let far = TraceflowSpec.Destination(namespace: "t", pod: "far")
    private static let service = TraceflowSpec.Destination(namespace: "t", service: "far")
    private static let tcp = Packet(transportHeader: TransportHeader(tcp: TCPHeader(dstPort: 80)))
    private static let udp = Packet(
        transportHeader: TransportHeader(udp: UDPHeader(srcPort: 7, dstPort: 53)))
    private static let both = CaptureRequest(firstN: 9, direction: .both)

    /// A connection of three packets with an answer, another one, and one that nobody asks about.
    private func traffic() throws -> [TrafficPacket] {
        var wire = LiveCaptureTests.Wire()
        try wire.send("10.0.1.10", 4001, "10.96.0.2", 80, flags: 0x10)
        try wire.send("10.0.1.11", 4000, "10.96.0.2", 80, flags: 0x02)
        try wire.send("10.0.1.10", 4000, "10.96.0.2", 80, flags: 0x02)
        try wire.send("10.0.2.10", 8080, "10.0.1.10", 4000, flags: 0x12)
        try wire.send("10.0.1.10", 4000, "10.96.0.2", 80, flags: 0x10)
        try wire.send("10.0.1.10", 4009, "10.96.0.2", 80, flags: 0x02)
        return wire.packets
    }

    @Test(
        "what is found is what a file with the packets would give",
        arguments: [
            nil, CaptureRequest(firstN: 2), CaptureRequest(firstN: 99, point: .both),
            CaptureRequest(firstN: 99, point: .both, direction: .both),
        ], [service, nil] as [TraceflowSpec.Destination?])
    func asAFileGives(capture: CaptureRequest?, destination: TraceflowSpec.Destination?) throws {
        let spec = Self.spec(destination, packet: Self.tcp, capture: capture)
        let (finder, packets) = (try PathTests.finder(), try traffic())
        var following = finder.following(spec, .v1beta1)
        var started = StartedConnections()
        #expect(following.keepsPackets == (capture != nil))
        for packet in packets {
            following.take(packet, isStart: started.isStart(packet), choose: { _ in 0 })
        }
        let whole = finder.seen(
            for: spec, version: .v1beta1,
            traffic: PathFinder.Traffic(starts: ConnectionStarts.of(packets), all: packets),
            choose: { _ in 0 })
        #expect(following.found.reports == whole.reports)
        #expect(following.found.captures == whole.captures)
        #expect(following.isFound)
        #expect((following.keptBytes > 0) == (capture != nil))
    }

    @Test("it is done with the first connection, or with as many packets as it keeps")
    func doneInTime() throws {
        let finder = try PathTests.finder()
        for (capture, last) in [(nil, 2), (CaptureRequest(firstN: 1), 2), (Self.both, nil)]
            as [(CaptureRequest?, Int?)]
        {
            var following = finder.following(
                Self.spec(Self.service, packet: Self.tcp, capture: capture), .v1beta1)
            var started = StartedConnections()
            let packets = try traffic()
            let done = packets.firstIndex { packet in
                following.take(packet, isStart: started.isStart(packet), choose: { _ in 0 })
                return following.isDone
            }
            #expect(done == last)
            #expect(following.isFound)
        }
    }

    @Test("replies of a Service are taken where they were sent, or where they come back, once")
    func repliesAtSource() throws {
        let spec = Self.spec(
            Self.service, packet: Self.tcp,
            capture: CaptureRequest(firstN: 9, snaplen: 200, point: .both, direction: .both))
        for (reply, isTaken) in [
            (("10.0.2.10", 8080), true), (("10.96.0.2", 80), true), (("10.96.0.2", 81), false),
        ] as [((String, UInt16), Bool)] {
            var wire = LiveCaptureTests.Wire()
            try wire.send("10.0.1.10", 4000, "10.96.0.2", 80, flags: 0x02)
            try wire.send(reply.0, reply.1, "10.0.1.10", 4000, flags: 0x12)
            var following = try PathTests.finder().following(spec, .v1beta1)
            following.takeRepliesAtSource()
            for packet in wire.packets {
                following.take(packet, isStart: packet == wire.packets[0], choose: { _ in 0 })
            }
            let captures = following.found.captures
            #expect(captures.map(\.packets.count) == (isTaken ? [2, 2] : [1, 1]))
            guard isTaken else { continue }
            // Whichever came: from the Service at the source, from the endpoint where it is.
            let replies = captures.compactMap { $0.packets.last.map(\.frame) }
                .compactMap { TrafficPacket(decoding: $0) }.map { ConnectionTuple($0) }
            #expect(replies.map(\.source.description) == ["10.96.0.2", "10.0.2.10"])
            #expect(replies.map(\.sourcePort) == [80, 8080])
        }
    }

    @Test("a trace that can see nothing waits, and one whose agent fails has said so")
    func blindAndFailed() throws {
        let finder = try PathTests.finder()
        var blind = finder.following(
            Self.spec(Self.far, source: .init(namespace: "t", pod: "nobody")), .v1beta1)
        for packet in try traffic() { blind.take(packet, isStart: true, choose: { _ in 0 }) }
        #expect(!blind.isFound)
        #expect(!blind.isDone)
        let failed = finder.following(Self.spec(.init(namespace: "t", pod: "nobody")), .v1beta1)
        #expect(failed.isDone)
        guard case .failed = failed.found.reports.first?.content else {
            Issue.record("got \(failed.found.reports)")
            return
        }
    }

    struct Row: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var spec: TraceflowSpec
        var matches: [PacketMatch]
    }

    private static func match(
        _ source: String?, _ destination: String?, _ number: UInt8?, _ ports: (UInt16?, UInt16?)
    ) -> PacketMatch {
        PacketMatch(
            family: .v4, source: source.flatMap { IPAddress($0) },
            destination: destination.flatMap { IPAddress($0) }, protocol: number,
            sourcePort: ports.0, destinationPort: ports.1)
    }

    static let rows = [
        Row(
            testDescription: "TCP to a Service, whose starts tell themselves",
            spec: spec(service, packet: tcp),
            matches: [match("10.0.1.10", "10.96.0.2", 6, (nil, 80))]),
        Row(
            testDescription: "replies of a Service come from wherever it led",
            spec: spec(service, packet: tcp, capture: both),
            matches: [
                match("10.0.1.10", "10.96.0.2", 6, (nil, 80)), match(nil, nil, 6, (nil, nil)),
            ]),
        Row(
            testDescription: "replies of a Pod come from it",
            spec: spec(far, packet: tcp, capture: both),
            matches: [
                match("10.0.1.10", "10.0.2.10", 6, (nil, 80)),
                match("10.0.2.10", "10.0.1.10", 6, (80, nil)),
            ]),
        Row(
            testDescription: "an answer of UDP tells that the connection was there",
            spec: spec(far, packet: udp),
            matches: [
                match("10.0.1.10", "10.0.2.10", 17, (7, 53)),
                match("10.0.2.10", "10.0.1.10", 17, (53, 7)),
            ]),
        Row(
            testDescription: "a Service of UDP may be answered by another, but on the port",
            spec: spec(service, packet: udp, capture: both),
            matches: [
                match("10.0.1.10", "10.96.0.2", 17, (7, 53)),
                match("10.96.0.2", "10.0.1.10", 17, (53, 7)), match(nil, nil, 17, (nil, 7)),
            ]),
        Row(
            testDescription: "whatever the Pod sends",
            spec: spec(nil),
            matches: [
                match("10.0.1.10", nil, nil, (nil, nil)), match(nil, "10.0.1.10", nil, (nil, nil)),
            ]),
        Row(
            testDescription: "what arrives may have been sent to another address and port",
            spec: spec(far, source: .init(ip: "192.0.2.1"), packet: tcp),
            matches: [match("192.0.2.1", nil, 6, (nil, nil))]),
        Row(
            testDescription: "nobody's packets", spec: spec(.init(namespace: "t", pod: "nobody")),
            matches: []),
    ]

    @Test("it asks for no less than it may want to see", arguments: rows)
    func asksFor(_ row: Row) throws {
        #expect(try PathTests.finder().matches(of: row.spec) == row.matches)
    }
}
