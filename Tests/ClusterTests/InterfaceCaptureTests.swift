import Cluster
import Packets
import Testing
import Traceflow

/// What a PacketCapture sees at a Pod's interface.
struct InterfaceCaptureTests {
    private static let a = PacketCaptureSpec.Endpoint(pod: .init(namespace: "t", name: "a"))
    private static let far = PacketCaptureSpec.Endpoint(pod: .init(namespace: "t", name: "far"))

    private func traffic() throws -> [TrafficPacket] {
        var wire = LiveCaptureTests.Wire()
        // Under way before the file began.
        try wire.send("10.0.1.10", 4001, "10.0.2.10", 8080, flags: 0x10)
        // To the Service in front of `far`, with its answer.
        try wire.send("10.0.1.10", 4000, "10.96.0.2", 80, flags: 0x02)
        try wire.send("10.0.2.10", 8080, "10.0.1.10", 4000, flags: 0x12)
        // Begun by the other side.
        try wire.send("10.0.2.10", 5000, "10.0.1.10", 9090, flags: 0x02)
        try wire.send("10.0.1.10", 9090, "10.0.2.10", 5000, flags: 0x12)
        // Of somebody else.
        try wire.send("10.0.1.11", 4000, "10.0.2.10", 8080, flags: 0x02)
        return wire.packets
    }

    private func captured(
        _ spec: PacketCaptureSpec, policy: String = ""
    ) throws -> (reports: [NodeReport], captures: [PointCapture]) {
        try PathTests.finder(policy).captured(by: spec, traffic: traffic(), choose: { _ in 0 })
    }

    private func words(_ captures: [PointCapture]) -> [String] {
        captures.flatMap(\.packets).compactMap { seen in
            guard let packet = TrafficPacket(decoding: seen.frame),
                case .tcp(let from, let to, _) = packet.transport
            else { return nil }
            return "\(packet.source):\(from) \(packet.destination):\(to) ttl \(packet.ttl)"
        }
    }

    @Test func theSourceSeesWhatItSendsUntranslated() throws {
        let found = try captured(PacketCaptureSpec(source: Self.a, firstN: 10))
        #expect(
            words(found.captures) == [
                "10.0.1.10:4001 10.0.2.10:8080 ttl 64", "10.0.1.10:4000 10.96.0.2:80 ttl 64",
                "10.0.1.10:9090 10.0.2.10:5000 ttl 64",
            ])
        #expect(found.captures.map(\.node) == ["n1"])
        #expect(found.captures.map(\.point) == [.source])
        #expect(Set(found.captures[0].packets.map(\.interface)) == ["n1/t/a"])
        #expect(found.captures[0].packets[0].comment == "sent")
    }

    @Test func theDestinationSeesWhatReachesItTranslatedAndRouted() throws {
        let found = try captured(
            PacketCaptureSpec(
                source: Self.a, destination: Self.far, firstN: 10, capturePoint: .destination))
        #expect(
            words(found.captures) == [
                "10.0.1.10:4001 10.0.2.10:8080 ttl 62", "10.0.1.10:4000 10.0.2.10:8080 ttl 62",
                "10.0.1.10:9090 10.0.2.10:5000 ttl 62",
            ])
        #expect(found.captures.map(\.node) == ["n2"])
    }

    /// The filter is on the interface: an answer of the Service comes from the Service.
    @Test func answersComeBackTheWayTheyWent() throws {
        let both = try captured(
            PacketCaptureSpec(source: Self.a, firstN: 10, direction: .destinationToSource))
        #expect(
            words(both.captures) == [
                "10.96.0.2:80 10.0.1.10:4000 ttl 62", "10.0.2.10:5000 10.0.1.10:9090 ttl 62",
            ])
        let pod = try captured(
            PacketCaptureSpec(
                source: Self.a, destination: Self.far, firstN: 10, direction: .destinationToSource))
        #expect(words(pod.captures) == ["10.0.2.10:5000 10.0.1.10:9090 ttl 62"])
    }

    @Test func itIsDoneWhenAllPacketsAreThereAndKeepsTheFewBefore() throws {
        let done = try captured(PacketCaptureSpec(source: Self.a, firstN: 2))
        #expect(done.captures[0].packets.count == 2)
        #expect(done.reports == [NodeReport(node: "n1", content: .observed([], captured: nil))])
        let few = try captured(PacketCaptureSpec(source: Self.a, firstN: 4))
        #expect(few.captures[0].packets.count == 3)
        #expect(few.reports == [NodeReport(node: "n1", content: .captured)])
        let none = try captured(PacketCaptureSpec(source: Self.a, firstN: 0))
        #expect(none.captures.isEmpty && none.reports.isEmpty)
    }

    @Test func whatAPolicyDropsIsSeenWhereItWasSentAlone() throws {
        let policy = """
            apiVersion: networking.k8s.io/v1
            kind: NetworkPolicy
            metadata: {name: closed, namespace: t}
            spec: {podSelector: {matchLabels: {app: far}}, policyTypes: [Ingress]}
            """
        let spec = PacketCaptureSpec(source: Self.a, destination: Self.far, firstN: 10)
        var atDestination = spec
        atDestination.capturePoint = .destination
        let open = try captured(atDestination)
        let closed = try captured(atDestination, policy: policy)
        #expect(words(open.captures).count == 3)
        // Only the answer to what `far` began itself.
        #expect(words(closed.captures) == ["10.0.1.10:9090 10.0.2.10:5000 ttl 62"])
        #expect(try words(captured(spec, policy: policy).captures).count == 2)
    }

    @Test func aFilterThatMeansNothingFailsOnItsNode() throws {
        let found = try captured(
            PacketCaptureSpec(
                source: Self.a, firstN: 1, packet: PacketSelection(protocol: .name("QUIC"))))
        guard case .failed(let error) = found.reports.first?.content else {
            Issue.record("\(found.reports)")
            return
        }
        #expect(error.hasPrefix("invalid protocol"))
    }

    @Test func nobodyLooksForAPodThatIsNotThere() throws {
        let found = try captured(
            PacketCaptureSpec(
                source: .init(pod: .init(namespace: "t", name: "nobody")), firstN: 1))
        #expect(found.reports.isEmpty && found.captures.isEmpty)
    }

    @Test(
        "packets of the interface itself are taken as they are, starts or not, with their way",
        arguments: [
            (.sourceToDestination, ["sent"]), (.destinationToSource, ["received"]),
            (.both, ["sent", "received"]),
        ] as [(CaptureRequest.Direction, [String])])
    func followed(direction: CaptureRequest.Direction, ways: [String]) throws {
        let packet = PacketSelection(
            transports: [.tcp(.init(dstPort: 8080), flags: [.init(value: 2, mask: 0x12)])])
        let spec = PacketCaptureSpec(
            source: Self.a, firstN: 2, direction: direction, packet: packet)
        let finder = try PathTests.finder()
        var following = finder.following(spec)
        #expect(!following.looksForStarts)
        var wire = LiveCaptureTests.Wire()
        try wire.send("10.0.1.10", 1, "10.96.0.2", 8080, flags: 0x10)
        try wire.send("10.0.1.10", 1, "10.96.0.2", 8080, flags: 0x02)
        try wire.send("10.0.9.9", 8080, "10.0.1.10", 2, flags: 0x42)
        try wire.send("10.0.1.11", 1, "10.96.0.2", 8080, flags: 0x02)
        for packet in wire.packets {
            following.take(packet, isStart: false, choose: { _ in 0 })
        }
        #expect(following.isDone == (ways.count == 2))
        let found = following.found
        #expect(
            found.reports.map(\.content)
                == [ways.count == 2 ? .observed([], captured: nil) : .captured])
        let seen = try #require(found.captures.first?.packets)
        #expect(seen.map(\.comment) == ways)
        #expect(seen.allSatisfy { $0.interface == "n1/t/a" })
        // The kernel is asked for the same.
        let matches = finder.matches(of: spec)
        #expect(matches.count == ways.count)
        #expect(matches.allSatisfy { $0.flags == [.init(value: 2, mask: 0x12)] })
    }

    @Test("what cannot be captured is said at once, and what nobody looks at never")
    func followedByNobody() throws {
        let finder = try PathTests.finder()
        let following = finder.following(
            PacketCaptureSpec(
                source: Self.a, firstN: 1, packet: PacketSelection(protocol: .name("SCTP"))))
        #expect(following.isDone)
        guard case .failed = following.found.reports.first?.content else {
            Issue.record("got \(following.found.reports)")
            return
        }
        let nobody = PacketCaptureSpec(
            source: .init(pod: .init(namespace: "t", name: "nobody")), firstN: 1)
        #expect(!finder.following(nobody).isFound)
        #expect(!finder.following(nobody).isDone)
        #expect(finder.matches(of: nobody).isEmpty)
    }
}
