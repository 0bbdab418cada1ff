import Packets
import PacketSocket
import Testing
import Traceflow

@Suite("filters of packets")
struct PacketFilterTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var match: PacketMatch
        var frame: Frames
        var passes: Bool
        var testDescription: String { name }

        init(_ name: String, _ match: PacketMatch, _ frame: Frames, _ passes: Bool) {
            (self.name, self.match, self.frame, self.passes) = (name, match, frame, passes)
        }
    }

    static let a = IPAddress("10.0.0.1")
    static let b = IPAddress("10.0.0.2")
    static let a6 = IPAddress("2001:db8::1")
    static let b6 = IPAddress("2001:db8::2")
    static let v4 = PacketMatch(family: .v4)
    static let v6 = PacketMatch(family: .v6)
    static let udp = Frames()
    static let udp6 = Frames(source: "2001:db8::1", destination: "2001:db8::2")
    static let syn = Frames(number: 6, payload: Frames.tcp(9, 80, flags: 2))
    static let echo = Frames(number: 1, payload: Frames.icmp(8))

    static func flags(_ flags: PacketMatch.Flags...) -> PacketMatch {
        PacketMatch(family: .v4, flags: flags)
    }

    static func messages(_ messages: PacketMatch.Message...) -> PacketMatch {
        PacketMatch(family: .v4, messages: messages)
    }

    static func segment(_ flags: UInt8) -> Frames {
        Frames(number: 6, payload: Frames.tcp(9, 80, flags: flags))
    }

    static let addresses: [Case] = [
        Case("any of IPv4", v4, udp, true),
        Case("not IPv6", v4, udp6, false),
        Case("any of IPv6", v6, udp6, true),
        Case("not IPv4", v6, udp, false),
        Case("source", PacketMatch(family: .v4, source: a), udp, true),
        Case("another source", PacketMatch(family: .v4, source: b), udp, false),
        Case("destination", PacketMatch(family: .v4, destination: b), udp, true),
        Case("another destination", PacketMatch(family: .v4, destination: a), udp, false),
        Case("both", PacketMatch(family: .v4, source: a, destination: b), udp, true),
        Case("the other way", PacketMatch(family: .v4, source: b, destination: a), udp, false),
        Case("source of IPv6", PacketMatch(family: .v6, source: a6), udp6, true),
        Case("another of IPv6", PacketMatch(family: .v6, source: b6), udp6, false),
        Case("destination of IPv6", PacketMatch(family: .v6, destination: b6), udp6, true),
        Case(
            "the last word counts", PacketMatch(family: .v6, destination: a6), udp6, false),
        Case("an address of the other family", PacketMatch(family: .v4, source: a6), udp6, false),
    ]

    static let transports: [Case] = [
        Case("protocol", PacketMatch(family: .v4, protocol: 17), udp, true),
        Case("another protocol", PacketMatch(family: .v4, protocol: 6), udp, false),
        Case("protocol of IPv6", PacketMatch(family: .v6, protocol: 17), udp6, true),
        Case("another of IPv6", PacketMatch(family: .v6, protocol: 58), udp6, false),
        Case("source port", PacketMatch(family: .v4, sourcePort: 1000), udp, true),
        Case("another source port", PacketMatch(family: .v4, sourcePort: 53), udp, false),
        Case("port", PacketMatch(family: .v4, destinationPort: 53), udp, true),
        Case("another port", PacketMatch(family: .v4, destinationPort: 1000), udp, false),
        Case("port of IPv6", PacketMatch(family: .v6, destinationPort: 53), udp6, true),
        Case("another port of IPv6", PacketMatch(family: .v6, destinationPort: 54), udp6, false),
        Case("port of TCP", PacketMatch(family: .v4, destinationPort: 80), syn, true),
        Case(
            "ICMP has no ports", PacketMatch(family: .v4, destinationPort: 0x0800), echo, false),
        Case(
            "port behind options", PacketMatch(family: .v4, protocol: 17, destinationPort: 53),
            Frames(options: 10), true),
        Case(
            "another behind options", PacketMatch(family: .v4, destinationPort: 54),
            Frames(options: 10), false),
        Case(
            "first fragment", PacketMatch(family: .v4, destinationPort: 53),
            Frames(fragment: 0x2000), true),
        Case(
            "later fragments have no ports", PacketMatch(family: .v4, destinationPort: 53),
            Frames(fragment: 0x2001), false),
        Case(
            "later fragments have a protocol", PacketMatch(family: .v4, protocol: 17),
            Frames(fragment: 0x2001), true),
        Case(
            "ports of ICMP never are", PacketMatch(family: .v4, protocol: 1, sourcePort: 1), echo,
            false),
    ]

    static let details: [Case] = [
        Case("SYN", flags(.init(value: 2)), syn, true),
        Case("SYN also with ACK", flags(.init(value: 2)), segment(0x12), true),
        Case("SYN without ACK", flags(.init(value: 2, mask: 0x12)), segment(0x12), false),
        Case("SYN without ACK is", flags(.init(value: 2, mask: 0x12)), syn, true),
        Case("no RST", flags(.init(value: 4)), syn, false),
        Case("RST or SYN", flags(.init(value: 4), .init(value: 2)), syn, true),
        Case("none set", flags(.init(value: 0, mask: 0xff)), segment(0), true),
        Case("some set", flags(.init(value: 0, mask: 0xff)), segment(1), false),
        Case("flags are of TCP", flags(.init(value: 2)), udp, false),
        Case("echo", messages(.init(type: 8)), echo, true),
        Case("no echo", messages(.init(type: 0)), echo, false),
        Case(
            "unreachable port", messages(.init(type: 3, code: 3)),
            Frames(number: 1, payload: Frames.icmp(3, 3)), true),
        Case(
            "unreachable host", messages(.init(type: 3, code: 3)),
            Frames(number: 1, payload: Frames.icmp(3, 1)), false),
        Case(
            "one of two", messages(.init(type: 3, code: 3), .init(type: 8)), echo, true),
        Case("messages are of ICMP", messages(.init(type: 8)), udp, false),
        Case(
            "echo of ICMPv6", PacketMatch(family: .v6, protocol: 58, messages: [.init(type: 128)]),
            Frames(
                source: "2001:db8::1", destination: "2001:db8::2", number: 58,
                payload: Frames.icmp(128)), true),
        Case(
            "flags and messages at once never are",
            PacketMatch(
                family: .v4, flags: [.init(value: 2)], messages: [.init(type: 8)]), syn, false),
    ]

    static let tags: [Case] = [
        Case(
            "one tag in the frame", PacketMatch(family: .v4, destination: b, destinationPort: 53),
            Frames(tags: [0x8100]), true),
        Case(
            "one tag, another port", PacketMatch(family: .v4, destinationPort: 54),
            Frames(tags: [0x8100]), false),
        Case(
            "three tags", PacketMatch(family: .v4, source: a, destinationPort: 53),
            Frames(tags: [0x88a8, 0x9100, 0x8100]), true),
        Case("four tags", v4, Frames(tags: [0x88a8, 0x9100, 0x8100, 0x8100]), false),
        Case("another type", v4, Frames(tags: [0x8847]), false),
        Case(
            "a tag before IPv6", PacketMatch(family: .v6, destination: b6, destinationPort: 53),
            Frames(source: "2001:db8::1", destination: "2001:db8::2", tags: [0x8100]), true),
    ]

    @Test(
        "a frame passes when it has what is asked for",
        arguments: addresses + transports + details + tags)
    func passes(_ one: Case) throws {
        for (link, frame) in [(LinkType.ethernet, one.frame.ethernet), (.rawIP, one.frame.ip)] {
            // Tags are of Ethernet alone.
            if link == .rawIP, !one.frame.tags.isEmpty { continue }
            let filter = try PacketFilter(passing: [one.match], on: link, snaplen: 9999)
            let kept = try FilterMachine.run(filter.instructions, on: frame)
            #expect(kept == (one.passes ? frame.count : 0), "\(link)")
        }
    }

    @Test(
        "headers of IPv6 that cannot be stepped over pass on their addresses",
        arguments: [0, 43, 44, 60] as [UInt8], [Self.b6, Self.a6])
    func extensions(header: UInt8, destination: IPAddress?) throws {
        let frame = Frames(
            source: "2001:db8::1", destination: "2001:db8::2", extensions: [header]
        ).ethernet
        let match = PacketMatch(family: .v6, destination: destination, destinationPort: 54)
        let filter = try PacketFilter(passing: [match], on: .ethernet, snaplen: 100)
        let kept = try FilterMachine.run(filter.instructions, on: frame)
        #expect((kept > 0) == (destination == Self.b6))
    }

    @Test("one of several matches is enough, and none takes nothing")
    func several() throws {
        let ways = PacketMatch(
            family: .v4, source: Self.b, destination: Self.a, sourcePort: 53, destinationPort: 1000)
        let both = try PacketFilter(passing: [ways, ways.reversed], on: .ethernet, snaplen: 40)
        #expect(try FilterMachine.run(both.instructions, on: Self.udp.ethernet) == 40)
        let one = try PacketFilter(passing: [ways], on: .ethernet, snaplen: 40)
        #expect(try FilterMachine.run(one.instructions, on: Self.udp.ethernet) == 0)
        let none = try PacketFilter(passing: [], on: .ethernet, snaplen: 40)
        #expect(try FilterMachine.run(none.instructions, on: Self.udp.ethernet) == 0)
        #expect(
            try FilterMachine.run(PacketFilter.nothing.instructions, on: Self.udp.ethernet) == 0)
    }

    @Test("a frame that ends early is judged by what can be seen of it, whatever comes first")
    func endsEarly() throws {
        // Ports are cut off: the match of them ends the program.
        let frame = Array(Self.syn.ethernet.prefix(14 + 20 + 2))
        let far = PacketMatch(family: .v4, destinationPort: 80)
        let near = PacketMatch(family: .v4, protocol: 6)
        for matches in [[far, near], [near, far]] {
            let filter = try PacketFilter(passing: matches, on: .ethernet, snaplen: 99)
            #expect(try FilterMachine.run(filter.instructions, on: frame) == frame.count)
        }
        let alone = try PacketFilter(passing: [far], on: .ethernet, snaplen: 99)
        for count in 0..<14 + 20 + 4 {
            let cut = Array(Self.syn.ethernet.prefix(count))
            #expect(try FilterMachine.run(alone.instructions, on: cut) == 0)
        }
    }

    @Test("jumps over more than 255 instructions arrive", arguments: [30, 90, 200])
    func farJumps(count: Int) throws {
        // More messages than a jump can skip, and behind them a match of its own.
        let messages = (0..<count).map { PacketMatch.Message(type: UInt8($0), code: 1) }
        let match = PacketMatch(family: .v4, source: Self.a, messages: messages)
        let other = PacketMatch(family: .v4, source: Self.b, messages: [.init(type: 250)])
        let filter = try PacketFilter(passing: [match, other], on: .ethernet, snaplen: 99)
        func passes(_ frame: Frames) throws -> Bool {
            try FilterMachine.run(filter.instructions, on: frame.ethernet) > 0
        }
        for type in [0, count - 1] {
            let payload = Frames.icmp(UInt8(type), 1)
            #expect(try passes(Frames(number: 1, payload: payload)))
            #expect(try !passes(Frames(number: 1, payload: Frames.icmp(UInt8(type), 2))))
            #expect(try !passes(Frames(source: "10.0.0.2", number: 1, payload: payload)))
        }
        #expect(
            try passes(Frames(source: "10.0.0.2", number: 1, payload: Frames.icmp(250))))
        #expect(try !passes(Frames(source: "10.0.0.3", number: 1, payload: Frames.icmp(250))))
    }

    @Test("a filter that a kernel would not take is refused, and one that it takes is not")
    func tooLong() throws {
        func filter(_ count: Int) throws -> PacketFilter {
            let matches = (0..<count).map {
                PacketMatch(family: .v4, source: IPAddress(family: .v4, bits: UInt128($0)))
            }
            return try PacketFilter(passing: matches, on: .rawIP, snaplen: 1)
        }
        #expect(try filter(500).instructions.count <= 4096)
        #expect {
            try filter(700)
        } throws: {
            ($0 as? PacketSocketError)?.code == .filterTooLong
        }
    }

    @Test("frames of links that no socket gives are refused", arguments: [LinkType.linuxSLL])
    func links(link: LinkType) {
        #expect { try PacketFilter(passing: [Self.v4], on: link, snaplen: 1) } throws: {
            ($0 as? PacketSocketError)?.code == .unsupportedLink
        }
    }

    /// The rule that filters are held to: what is decided later never misses a packet.
    @Test("whatever the decoder finds to match passes")
    func supersetOfTheDecoder() throws {
        let matches = (Self.addresses + Self.transports + Self.details + Self.tags).map(\.match)
        let frames = (Self.addresses + Self.transports + Self.details + Self.tags).map(\.frame)
        var passed = 0
        for match in Set(matches) {
            let filter = try PacketFilter(passing: [match], on: .ethernet, snaplen: 9999)
            for frame in Set(frames.map(\.ethernet)) {
                for count in stride(from: frame.count, to: 14, by: -1) {
                    let cut = Array(frame.prefix(count))
                    let decoded = TrafficPacket(
                        decoding: PacketFrame(nanoseconds: 0, link: .ethernet, bytes: cut[...]))
                    guard let decoded, Self.holds(match, decoded) else { continue }
                    passed += 1
                    #expect(try FilterMachine.run(filter.instructions, on: cut) > 0)
                }
            }
        }
        #expect(passed > 1000)
    }

    /// What a match means, of a decoded packet.
    private static func holds(_ match: PacketMatch, _ packet: TrafficPacket) -> Bool {
        guard packet.source.family == match.family,
            match.source.map({ $0 == packet.source }) ?? true,
            match.destination.map({ $0 == packet.destination }) ?? true,
            match.protocol.map({ $0 == packet.protocol }) ?? true
        else { return false }
        let hasPorts = match.sourcePort != nil || match.destinationPort != nil
        switch packet.transport {
        case .tcp(let source, let destination, let flags):
            return match.messages.isEmpty && (match.sourcePort ?? source) == source
                && (match.destinationPort ?? destination) == destination
                && (match.flags.isEmpty
                    || match.flags.contains { flags & $0.mask == $0.value & $0.mask })
        case .udp(let source, let destination):
            return match.messages.isEmpty && match.flags.isEmpty
                && (match.sourcePort ?? source) == source
                && (match.destinationPort ?? destination) == destination
        case .icmp(let type, let code, _, _):
            return match.flags.isEmpty && !hasPorts
                && (match.messages.isEmpty
                    || match.messages.contains { $0.type == type && ($0.code ?? code) == code })
        case .other: return !hasPorts && match.flags.isEmpty && match.messages.isEmpty
        }
    }
}
