/// The packets of one interface that a PacketCapture takes, once its words are numbers and its
/// Pods addresses.
public struct CaptureFilter: Hashable, Sendable {
    /// Why a capture cannot start.
    public struct Fault: Error, Hashable, Sendable, CustomStringConvertible {
        public let description: String
        init(_ description: String) { self.description = description }
    }

    /// What is looked at in a packet.
    public struct Seen: Hashable, Sendable {
        public var source: IPAddress
        public var destination: IPAddress
        public var `protocol`: UInt8
        public var sourcePort: Int?
        public var destinationPort: Int?
        public var tcpFlags: Int?
        /// Of ICMP and ICMPv6.
        public var messageType: Int?
        public var messageCode: Int?

        public init(source: IPAddress, destination: IPAddress, protocol: UInt8) {
            self.source = source
            self.destination = destination
            self.protocol = `protocol`
        }
    }

    public struct Message: Hashable, Sendable {
        public var type: Int
        public var code: Int?
    }

    public let family: IPAddress.Family
    /// Nil for any.
    public let source: IPAddress?
    public let destination: IPAddress?
    public let direction: CaptureRequest.Direction
    /// The IP protocol; nil for any.
    public let number: Int?
    public let ports: PacketSelection.Ports
    public let flags: [PacketSelection.Flags]
    public let messages: [Message]

    /// `address` gives a Pod's address of the family; nil when it has none.
    public init(
        _ spec: PacketCaptureSpec,
        address: (PacketCaptureSpec.PodReference, IPAddress.Family) -> IPAddress?
    ) throws(Fault) {
        family = spec.packet?.family ?? .v4
        source = try Self.address(of: spec.source, family, address)
        destination = try Self.address(of: spec.destination, family, address)
        direction = spec.direction ?? .sourceToDestination
        var number = try Self.number(of: spec.packet?.protocol)
        var (ports, flags, messages) = (
            PacketSelection.Ports(), [PacketSelection.Flags](), [Message]()
        )
        let implied: Int?
        switch spec.packet?.transports.first {
        case .tcp(let given, let bits):
            (implied, ports, flags) = (6, given, bits)
        case .udp(let given): (implied, ports) = (17, given)
        case .icmp(let given):
            (implied, messages) = (1, try Self.messages(given, Self.icmpTypes, "icmp"))
        case .icmpv6(let given):
            (implied, messages) = (58, try Self.messages(given, Self.icmpv6Types, "icmpv6"))
        case nil: implied = nil
        }
        if let implied {
            if let number, number != implied {
                throw Fault("protocol \(number) has no such transport header")
            }
            number = implied
        }
        self.number = number
        self.ports = ports
        self.flags = flags
        self.messages = messages
    }

    public func takes(_ seen: Seen) -> Bool {
        (direction != .destinationToSource && fits(seen, isReply: false))
            || (direction != .sourceToDestination && fits(seen, isReply: true))
    }

    private func fits(_ seen: Seen, isReply: Bool) -> Bool {
        let (from, to) = isReply ? (destination, source) : (source, destination)
        let (fromPort, toPort) =
            isReply ? (ports.dstPort, ports.srcPort) : (ports.srcPort, ports.dstPort)
        guard seen.source.family == family, from.map({ $0 == seen.source }) ?? true,
            to.map({ $0 == seen.destination }) ?? true,
            number.map({ $0 == Int(seen.protocol) }) ?? true,
            fromPort.map({ $0 == seen.sourcePort }) ?? true,
            toPort.map({ $0 == seen.destinationPort }) ?? true
        else { return false }
        if !flags.isEmpty {
            guard let bits = seen.tcpFlags,
                flags.contains(where: { bits & ($0.mask ?? $0.value) == $0.value })
            else { return false }
        }
        return messages.isEmpty
            || messages.contains { message in
                message.type == seen.messageType
                    && message.code.map { $0 == seen.messageCode } ?? true
            }
    }

    // MARK: words

    /// Names of ICMP types, as tcpdump has them (pkg/apis/crd/v1alpha1).
    public static let icmpTypes = [
        "icmp-echoreply": 0, "icmp-unreach": 3, "icmp-echo": 8, "icmp-timxceed": 11,
    ]
    public static let icmpv6Types = [
        "icmpv6-unreach": 1, "icmpv6-pkt-too-big": 2, "icmpv6-timxceed": 3, "icmpv6-paramprob": 4,
        "icmpv6-echo": 128, "icmpv6-echoreply": 129,
    ]
    private static let protocols = ["TCP": 6, "UDP": 17, "ICMP": 1, "ICMPV6": 58]

    private static func number(of text: PacketSelection.NumberOrName?) throws(Fault) -> Int? {
        switch text {
        case .number(let number):
            guard (0...255).contains(number) else {
                throw Fault("invalid protocol \(number): must be between 0 and 255")
            }
            return number
        case .name(let name):
            guard let number = protocols[name.uppercased()] else {
                throw Fault("invalid protocol \"\(name)\": is none of TCP, UDP, ICMP, ICMPv6")
            }
            return number
        case nil: return nil
        }
    }

    private static func messages(
        _ given: [PacketSelection.Message], _ names: [String: Int], _ what: String
    ) throws(Fault) -> [Message] {
        var messages: [Message] = []
        for message in given {
            switch message.type {
            case .number(let type): messages.append(Message(type: type, code: message.code))
            case .name(let name):
                guard let type = names[name.lowercased()] else {
                    throw Fault(
                        "invalid \(what) type \"\(name)\": is none of"
                            + " \(names.keys.sorted().joined(separator: ", "))")
                }
                messages.append(Message(type: type, code: message.code))
            }
        }
        return messages
    }

    private static func address(
        of end: PacketCaptureSpec.Endpoint?, _ family: IPAddress.Family,
        _ address: (PacketCaptureSpec.PodReference, IPAddress.Family) -> IPAddress?
    ) throws(Fault) -> IPAddress? {
        let name = family == .v4 ? "IPv4" : "IPv6"
        if let pod = end?.pod {
            guard let found = address(pod, family) else {
                throw Fault("Pod \(pod.fullName) is not there, or has no \(name) address")
            }
            return found
        }
        guard let text = end?.ip else { return nil }
        guard let found = IPAddress(text), found.family == family else {
            throw Fault("\(text) is no \(name) address")
        }
        return found
    }
}
