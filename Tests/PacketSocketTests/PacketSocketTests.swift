import Foundation
import Glibc
import NetworkNamespaces
import PacketSocket
import Packets
import Testing
import Traceflow

@Suite("packets of interfaces", .enabled(if: TwoNamespaces.areThere))
struct PacketSocketTests {
    let net: TwoNamespaces

    init() throws { net = try TwoNamespaces() }

    private static let last: UInt16 = 60_000
    /// Longer than anything takes here: a test that waits so long has failed.
    private static let patience = 20_000

    private func open(
        _ interface: String, _ matches: [PacketMatch], snaplen: Int = 1000
    ) throws -> PacketSocket {
        try PacketSocket(InterfaceAddress("iface:" + interface), passing: matches, snaplen: snaplen)
    }

    /// What comes until a packet to the last port, which is left out.
    private func packets(_ socket: PacketSocket) throws -> [TrafficPacket] {
        var packets: [TrafficPacket] = []
        while true {
            guard case .frame(let frame) = try socket.next(timeoutMilliseconds: Self.patience)
            else { throw TwoNamespaces.Failure("nothing came") }
            let packet = try #require(TrafficPacket(decoding: frame))
            if Self.ports(packet)?.destination == Self.last { return packets }
            packets.append(packet)
        }
    }

    private static func ports(_ packet: TrafficPacket) -> (source: UInt16, destination: UInt16)? {
        switch packet.transport {
        case .tcp(let source, let destination, _), .udp(let source, let destination):
            (source, destination)
        case .icmp, .other: nil
        }
    }

    private func udp(_ port: UInt16, to address: String = "10.99.0.2") -> PacketMatch {
        PacketMatch(
            family: address.contains(":") ? .v6 : .v4, destination: IPAddress(address),
            protocol: 17, destinationPort: port)
    }

    @Test("exactly those that match come, with length and time, where they are sent and received")
    func exactly() throws {
        let sockets =
            try [open("v0@" + net.a, [udp(53), udp(Self.last)])]
            + [open("v1@/run/netns/" + net.b, [udp(53), udp(Self.last)])]
        try net.send(udp: [54, 53, 55], from: net.a, to: "10.99.0.2")
        try net.connect(tcp: 53, from: net.a, to: "10.99.0.2")
        try net.send(udp: [53], from: net.b, to: "10.99.0.1")
        try net.send(udp: [53, 54, Int(Self.last)], from: net.a, to: "10.99.0.2")
        for socket in sockets {
            let packets = try packets(socket)
            #expect(packets.map { Self.ports($0)?.destination } == [53, 53])
            for packet in packets {
                #expect(packet.source == IPAddress("10.99.0.1"))
                // IP and UDP headers, and "x\n".
                #expect(packet.length == 30)
                #expect(packet.frame.originalLength == 44)
                // After the year 2020, and one after the other.
                #expect(packet.frame.nanoseconds > 1_577_836_800_000_000_000)
            }
            #expect(packets[0].frame.nanoseconds < packets[1].frame.nanoseconds)
            #expect(socket.drops() == 0)
        }
    }

    @Test("TCP by its flags, and ICMP by its message")
    func transports() throws {
        let wanted = [
            PacketMatch(family: .v4, flags: [.init(value: 2, mask: 0x12)]),
            PacketMatch(family: .v4, messages: [.init(type: 3, code: 3)]),
            udp(Self.last),
        ]
        let socket = try open("v0@" + net.a, wanted)
        // Nobody listens: the answers are a reset, and a message that says so.
        try net.connect(tcp: 80, from: net.a, to: "10.99.0.2")
        try net.send(udp: [53], from: net.a, to: "10.99.0.2")
        try net.send(udp: [Int(Self.last)], from: net.a, to: "10.99.0.2")
        let packets = try packets(socket)
        #expect(packets.count == 2)
        guard case .tcp(_, 80, 2) = packets.first?.transport,
            case .icmp(3, 3, _, _) = packets.last?.transport
        else {
            Issue.record("got \(packets.map(\.transport))")
            return
        }
        #expect(packets.last?.source == IPAddress("10.99.0.2"))
    }

    @Test("IPv6, and a snap length that leaves the true length")
    func v6() throws {
        let socket = try open(
            "v1@" + net.b, [udp(53, to: "fd99::2"), udp(Self.last, to: "fd99::2")], snaplen: 62)
        try net.send(udp: [54, 53, Int(Self.last)], from: net.a, to: "fd99::2")
        let packet = try #require(try packets(socket).first)
        #expect(packet.source == IPAddress("fd99::1"))
        #expect(packet.frame.bytes.count == 62)
        #expect(packet.frame.originalLength == 14 + 40 + 8 + 2)
    }

    @Test("a tag that the kernel took out of the frame is in it, and in it once")
    func tags() throws {
        let wanted = [udp(53), udp(Self.last)]
        let sockets = try [open("v0@" + net.a, wanted), open("v1@" + net.b, wanted)]
        for (port, tags) in [(53, [0x8100]), (53, [0x88a8, 0x8100]), (Int(Self.last), [])] {
            let frame = Frames(
                source: "10.99.0.1", destination: "10.99.0.2",
                payload: Frames.ports(1000, UInt16(port)), tags: tags.map { UInt16($0) })
            try net.send(frame: frame.ethernet, on: "v0", of: net.a)
        }
        for socket in sockets {
            let packets = try packets(socket)
            let tags = packets.map { Array($0.frame.bytes.dropFirst(12).dropLast(28)) }
            #expect(
                tags == [
                    [0x81, 0, 0, 7, 8, 0], [0x88, 0xa8, 0, 7, 0x81, 0, 0, 7, 8, 0],
                ])
            #expect(packets.map(\.frame.originalLength) == packets.map(\.frame.bytes.count))
        }
    }

    @Test("what a tunnel between nodes carries comes through, and is what is seen")
    func tunnels() throws {
        let socket = try open("v0@" + net.a, [udp(53), udp(Self.last)] + PacketMatch.tunnels)
        let inner = Frames(source: "10.1.0.1", destination: "10.1.0.2").ethernet
        let vxlan = [0x08, 0, 0, 0, 0, 0, 7, 0] as [UInt8]
        let geneve = [0, 0, 0x65, 0x58, 0, 0, 7, 0] as [UInt8]
        let gre = [0, 0, 0x65, 0x58] as [UInt8]
        for (number, payload) in [
            (17, Frames.ports(1, 4789) + vxlan), (17, Frames.ports(1, 8472) + vxlan),
            (17, Frames.ports(1, 6081) + geneve), (47, gre),
        ] as [(UInt8, [UInt8])] {
            for (source, destination) in [("10.99.0.1", "10.99.0.2"), ("fd99::1", "fd99::2")] {
                let outer = Frames(
                    source: source, destination: destination, number: number,
                    payload: payload + inner)
                try net.send(frame: outer.ethernet, on: "v0", of: net.a)
            }
        }
        try net.send(udp: [Int(Self.last)], from: net.a, to: "10.99.0.2")
        // What has headers that the filter cannot step over comes too: the kernel's own of IPv6.
        let packets = try packets(socket).filter { $0.source == IPAddress("10.1.0.1") }
        #expect(packets.count == 8)
        #expect(packets.allSatisfy { Self.ports($0)?.destination == 53 })
    }

    @Test("loopback gives each packet once")
    func loopback() throws {
        let socket = try open(
            "lo@" + net.a, [udp(53, to: "127.0.0.1"), udp(Self.last, to: "127.0.0.1")])
        try net.send(udp: [53, 53, Int(Self.last)], from: net.a, to: "127.0.0.1")
        #expect(try packets(socket).count == 2)
    }

    @Test("a tunnel of plain IP gives packets without a header before them")
    func rawIP() throws {
        try net.inside(net.a, "tuntap", "add", "mode", "tun", "name", "t0")
        // Nobody holds the other end, so that it has no carrier: it says that it is down.
        try net.give(["10.97.0.1/24"], to: "t0", in: net.a)
        let socket = try open("t0@" + net.a, [udp(53)])
        #expect(socket.link == .rawIP)
    }

    @Test("no packet from before the filter comes through, however many there are")
    func nothingFromBefore() throws {
        let flood = try net.shell(
            net.a, "exec 3> /dev/udp/10.99.0.2/9; while :; do echo x >&3; done")
        defer {
            kill(flood.processIdentifier, SIGKILL)
            flood.waitUntilExit()
        }
        // It floods by now.
        let before = try open("v0@" + net.a, [udp(9)])
        guard case .frame = try before.next(timeoutMilliseconds: Self.patience) else {
            Issue.record("no flood")
            return
        }
        let sockets = try (0..<20).map { _ in try open("v0@" + net.a, [udp(53), udp(Self.last)]) }
        try net.send(udp: [53, Int(Self.last)], from: net.a, to: "10.99.0.2")
        for socket in sockets {
            #expect(try packets(socket).map { Self.ports($0)?.destination } == [53])
        }
    }

    @Test("what is lost because nobody looks is counted")
    func drops() throws {
        let socket = try open("v0@" + net.a, [udp(9), udp(Self.last)])
        // More than there is room for: a packet takes some hundred bytes of the buffer at least.
        let script = "exec 3> /dev/udp/10.99.0.2/9; for i in {1..60000}; do echo x >&3; done"
        try net.shell(net.a, script).waitUntilExit()
        var came = 0
        while case .frame = try socket.next(timeoutMilliseconds: 0) { came += 1 }
        let drops = socket.drops()
        #expect(came > 0)
        #expect(drops > 0)
        #expect(socket.drops() == drops)
    }

    @Test("an interface that goes down says so, and one that is down cannot be listened to")
    func down() throws {
        let socket = try open("v0@" + net.a, [udp(53)])
        try net.inside(net.a, "link", "set", "v0", "down")
        #expect {
            try socket.next(timeoutMilliseconds: Self.patience)
        } throws: {
            ($0 as? PacketSocketError)?.code == .down && "\($0)".contains("ip link set v0 up")
        }
        #expect {
            try open("v0@" + net.a, [udp(53)])
        } throws: {
            ($0 as? PacketSocketError)?.code == .down
        }
    }

    @Test("an interface that vanishes says so")
    func vanishes() throws {
        let socket = try open("v0@" + net.a, [udp(53)])
        try net.inside(net.b, "link", "delete", "v1")
        #expect {
            try socket.next(timeoutMilliseconds: Self.patience)
        } throws: {
            ($0 as? PacketSocketError)?.code == .vanished
                && "\($0)" == "iface:v0@\(net.a): the interface is gone; no packets come from it"
        }
    }

    @Test("waiting ends when it is woken, whether before or while it waits")
    func wakes() throws {
        let socket = try open("v0@" + net.a, [udp(53)])
        #expect(try socket.next(timeoutMilliseconds: 0) == .nothing)
        let thread = Thread { socket.wake() }
        thread.start()
        #expect(try socket.next(timeoutMilliseconds: Self.patience) == .woken)
        #expect(try socket.next(timeoutMilliseconds: Self.patience) == .woken)
    }

    @Test("this thread stays in the namespace it was in")
    func staysHere() throws {
        let before = try FileManager.default.destinationOfSymbolicLink(
            atPath: "/proc/thread-self/ns/net")
        _ = try open("v0@" + net.a, [udp(53)])
        let after = try FileManager.default.destinationOfSymbolicLink(
            atPath: "/proc/thread-self/ns/net")
        #expect(before == after)
        // Here there is none of that name.
        #expect { try open("v0", []) } throws: {
            ($0 as? PacketSocketError)?.code == .noInterface
        }
    }

    @Test(
        "what is not there is said in one line",
        arguments: [
            ("nope", PacketSocketError.Code.noInterface, "no such interface"),
            ("v0@tracectl-test-none", .noNamespace, "/run/netns/tracectl-test-none"),
            ("v0@/etc/hostname", .noNamespace, "is no network namespace"),
            ("v0@/dev/null/x", .noNamespace, "no network namespace at"),
        ])
    func missing(interface: String, code: PacketSocketError.Code, said: String) {
        #expect {
            try open(interface, [])
        } throws: {
            ($0 as? PacketSocketError)?.code == code && "\($0)".contains(said)
                && "\($0)".hasPrefix("iface:\(interface): ") && !"\($0)".contains("\n")
        }
    }
}

@Suite("packets of interfaces without leave", .enabled(if: geteuid() != 0))
struct UnprivilegedPacketSocketTests {
    @Test("who may not is told what to do")
    func permission() {
        #expect {
            try PacketSocket(InterfaceAddress("iface:lo"), passing: [], snaplen: 1)
        } throws: {
            ($0 as? PacketSocketError)?.code == .noPermission && "\($0)".contains("cap_net_raw")
        }
    }
}
