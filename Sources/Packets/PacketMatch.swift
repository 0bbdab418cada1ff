import Traceflow

/// What is asked of a packet of an interface, in one direction; a part that is nil takes anything.
///
/// State only what nothing between the packet's sender and the interface changes: an address or a
/// port that is translated on the way would keep packets out that are meant.
public struct PacketMatch: Hashable, Sendable {
    /// TCP flags: those of the mask must be as in the value.
    public struct Flags: Hashable, Sendable {
        public var value: UInt8
        public var mask: UInt8

        public init(value: UInt8, mask: UInt8? = nil) {
            self.value = value
            self.mask = mask ?? value
        }
    }

    /// A message of ICMP, or of ICMPv6.
    public struct Message: Hashable, Sendable {
        public var type: UInt8
        public var code: UInt8?

        public init(type: UInt8, code: UInt8? = nil) {
            self.type = type
            self.code = code
        }
    }

    public var family: IPAddress.Family
    public var source: IPAddress?
    public var destination: IPAddress?
    /// The IP protocol, or the last next header of IPv6.
    public var `protocol`: UInt8?
    /// Only of TCP and UDP: where one is stated other protocols do not match.
    public var sourcePort: UInt16?
    public var destinationPort: UInt16?
    /// Any of them will do, of TCP alone; none take every segment.
    public var flags: [Flags] = []
    /// Any of them will do, of ICMP or ICMPv6 alone; none take every message.
    public var messages: [Message] = []

    public init(
        family: IPAddress.Family, source: IPAddress? = nil, destination: IPAddress? = nil,
        protocol: UInt8? = nil, sourcePort: UInt16? = nil, destinationPort: UInt16? = nil,
        flags: [Flags] = [], messages: [Message] = []
    ) {
        self.family = family
        self.source = source
        self.destination = destination
        self.protocol = `protocol`
        self.sourcePort = sourcePort
        self.destinationPort = destinationPort
        self.flags = flags
        self.messages = messages
    }

    /// Of what goes the other way; flags and messages are of one direction and are left out.
    public var reversed: PacketMatch {
        PacketMatch(
            family: family, source: destination, destination: source, protocol: self.protocol,
            sourcePort: destinationPort, destinationPort: sourcePort)
    }
}
