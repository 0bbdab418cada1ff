import Cluster
import Packets
import Testing
import Traceflow

/// The packets that a live trace keeps, at both ends of its path.
struct LiveCaptureTests {
    /// Builds packets between `a` on n1 and `far` on n2, a millisecond after one another.
    struct Wire {
        private(set) var packets: [TrafficPacket] = []

        static func frame(
            _ from: String, _ sourcePort: UInt16, _ to: String, _ port: UInt16, flags: UInt8,
            ttl: UInt8 = 64
        ) throws -> [UInt8] {
            PacketBuilder(
                sourceMAC: [2, 0, 0, 0, 0, 1], destinationMAC: [2, 0, 0, 0, 0, 2],
                source: try #require(IPAddress(from)), destination: try #require(IPAddress(to)),
                protocol: 6, ttl: ttl, flags: 2,
                transport: .tcp(srcPort: sourcePort, dstPort: port, flags: flags)
            ).frame()
        }

        mutating func send(
            _ from: String, _ sourcePort: UInt16, _ to: String, _ port: UInt16, flags: UInt8
        ) throws {
            let bytes = try Self.frame(from, sourcePort, to, port, flags: flags)
            let frame = PacketFrame(
                nanoseconds: Int64(packets.count) * 1_000_000, link: .ethernet,
                bytes: bytes[...])
            packets.append(try #require(TrafficPacket(decoding: frame)))
        }
    }

    /// One connection to the Service, with its answers; one that was under way already; one to
    /// another port.
    private func traffic() throws -> [TrafficPacket] {
        var wire = Wire()
        try wire.send("10.0.1.10", 4001, "10.96.0.2", 80, flags: 0x10)
        try wire.send("10.0.1.10", 4000, "10.96.0.2", 80, flags: 0x02)
        try wire.send("10.0.2.10", 8080, "10.0.1.10", 4000, flags: 0x12)
        try wire.send("10.0.1.10", 4000, "10.96.0.2", 80, flags: 0x10)
        try wire.send("10.0.1.11", 4000, "10.96.0.2", 80, flags: 0x02)
        try wire.send("10.0.1.10", 4000, "10.96.0.2", 80, flags: 0x11)
        return wire.packets
    }

    private func captures(
        _ request: CaptureRequest, droppedOnly: Bool = false, policy: String = "",
        live: Bool = true
    ) throws -> [PointCapture] {
        let spec = TraceflowSpec(
            source: .init(namespace: "t", pod: "a"),
            destination: .init(namespace: "t", service: "far"),
            packet: Packet(
                ipHeader: IPHeader(protocol: 6),
                transportHeader: TransportHeader(tcp: TCPHeader(dstPort: 80))),
            liveTraffic: live, droppedOnly: droppedOnly, capture: request)
        let all = try traffic()
        return try PathTests.finder(policy).seen(
            for: spec, version: .v1beta1,
            traffic: PathFinder.Traffic(
                starts: ConnectionStarts.of(all), all: all, injectedNanoseconds: 77),
            choose: { _ in 0 }
        ).captures
    }

    @Test func bothEndsSeeTheConnectionAsItIsThere() throws {
        let found = try captures(
            CaptureRequest(firstN: 10, snaplen: 200, point: .both, direction: .both))
        #expect(found.map(\.point) == [.source, .destination])
        #expect(found.map(\.node) == ["n1", "n2"])
        #expect(Set(found[0].packets.map(\.interface)) == ["n1/t/a"])
        #expect(Set(found[1].packets.map(\.interface)) == ["n2/t/far"])
        // Rewritten headers have the checksums of headers that were made so.
        let sent = try [
            Wire.frame("10.0.1.10", 4000, "10.96.0.2", 80, flags: 0x02),
            Wire.frame("10.96.0.2", 80, "10.0.1.10", 4000, flags: 0x12, ttl: 62),
            Wire.frame("10.0.1.10", 4000, "10.96.0.2", 80, flags: 0x10),
            Wire.frame("10.0.1.10", 4000, "10.96.0.2", 80, flags: 0x11),
        ]
        #expect(found[0].packets.map { Array($0.frame.bytes) } == sent)
        let arrived = try [
            Wire.frame("10.0.1.10", 4000, "10.0.2.10", 8080, flags: 0x02, ttl: 62),
            Wire.frame("10.0.2.10", 8080, "10.0.1.10", 4000, flags: 0x12),
            Wire.frame("10.0.1.10", 4000, "10.0.2.10", 8080, flags: 0x10, ttl: 62),
            Wire.frame("10.0.1.10", 4000, "10.0.2.10", 8080, flags: 0x11, ttl: 62),
        ]
        #expect(found[1].packets.map { Array($0.frame.bytes) } == arrived)
        #expect(
            found[0].packets.map(\.frame.nanoseconds) == [
                1_000_000, 2_000_000, 3_000_000, 5_000_000,
            ])
    }

    @Test func byDefaultHeadersOfWhatTheSourceSendsAreKeptWhereItSendsThem() throws {
        let found = try captures(CaptureRequest(firstN: 2))
        #expect(found.map(\.point) == [.source])
        #expect(found[0].packets.count == 2)
        // Ethernet, IPv4 and TCP without options.
        #expect(found[0].packets.allSatisfy { $0.frame.bytes.count == 54 })
        #expect(
            found[0].packets.map(\.comment) == Array(repeating: "Forwarding Forwarded", count: 2))
    }

    @Test func repliesAloneAreKeptWhereTheyAreAskedFor() throws {
        let found = try captures(
            CaptureRequest(firstN: 9, point: .destination, direction: .destinationToSource))
        #expect(found.map(\.packets.count) == [1])
        #expect(found[0].packets[0].comment == "reply")
    }

    static let lock = """
        {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: lock, namespace: t},
         spec: {podSelector: {matchLabels: {app: far}}, policyTypes: [Ingress]}}
        """

    @Test func whatIsDroppedIsSeenWhereItIsSentAlone() throws {
        for droppedOnly in [false, true] {
            let found = try captures(
                CaptureRequest(firstN: 9, point: .both, direction: .both),
                droppedOnly: droppedOnly, policy: Self.lock)
            #expect(found.map(\.point) == [.source])
            #expect(found[0].packets.count == 3)
        }
        #expect(
            try captures(CaptureRequest(firstN: 9, point: .both), droppedOnly: true).isEmpty)
    }

    /// Each connection is seen where it goes, whichever endpoint that is.
    @Test func connectionsToSeveralEndpointsAreKeptNodeByNode() throws {
        let another = """
            {apiVersion: v1, kind: Pod, metadata: {name: far2, namespace: t, labels: {app: far}},
             spec: {nodeName: n1, containers: [{name: c, ports: [{name: web, containerPort: 8080}]}]},
             status: {podIP: 10.0.1.77}}
            """
        var wire = Wire()
        for port in UInt16(5000)..<5004 {
            try wire.send("10.0.1.10", port, "10.96.0.2", 80, flags: 0x02)
        }
        let spec = TraceflowSpec(
            source: .init(namespace: "t", pod: "a"),
            destination: .init(namespace: "t", service: "far"), liveTraffic: true,
            capture: CaptureRequest(firstN: 3, point: .destination))
        var turn = 0
        let found = try PathTests.finder(another).seen(
            for: spec, version: .v1beta1,
            traffic: PathFinder.Traffic(starts: wire.packets, all: wire.packets),
            choose: { count in
                turn += 1
                return turn % count
            }
        ).captures
        #expect(Set(found.map(\.node)) == ["n1", "n2"])
        // So many at a point, at whichever nodes.
        #expect(found.reduce(0) { $0 + $1.packets.count } == 3)
        for capture in found {
            let pod = capture.node == "n1" ? "far2" : "far"
            #expect(Set(capture.packets.map(\.interface)) == ["\(capture.node)/t/\(pod)"])
        }
    }

    @Test func onOneNodeAnInjectedPacketIsSeenAtBothEnds() throws {
        let spec = TraceflowSpec(
            source: .init(namespace: "t", pod: "a"),
            destination: .init(namespace: "t", pod: "near"),
            capture: CaptureRequest(firstN: 1, point: .both))
        let found = try PathTests.finder().seen(
            for: spec, version: .v1beta1, traffic: PathFinder.Traffic(starts: []),
            choose: { _ in 0 }
        ).captures
        #expect(found.flatMap(\.packets).map(\.interface) == ["n1/t/a", "n1/t/near"])
    }

    @Test func anInjectedPacketIsKeptAsEachNodeReportsIt() throws {
        let found = try captures(CaptureRequest(firstN: 1, point: .both), live: false)
        #expect(found.map(\.node) == ["n1", "n2"])
        let packets = found.compactMap { $0.packets.first }.compactMap {
            TrafficPacket(decoding: $0.frame)
        }
        #expect(packets.map(\.ttl) == [63, 62])
        #expect(packets.map(\.destination.description) == ["10.0.2.10", "10.0.2.10"])
        #expect(packets.allSatisfy { $0.frame.nanoseconds == 77 })
        #expect(found.flatMap(\.packets).map(\.interface) == ["n1/t/a", "n2/t/far"])
    }
}
