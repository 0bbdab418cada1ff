import Packets

/// What a filter must know of a match besides what it says.
extension PacketMatch {
    /// Whether no packet has what is asked for: addresses of the other family, flags of UDP.
    var isImpossible: Bool {
        [source, destination].contains { $0.map { $0.family != family } ?? false }
            || protocols?.isEmpty == true
    }

    /// Whether it asks for anything behind the IP header.
    var looksAtTransport: Bool {
        sourcePort != nil || destinationPort != nil || !flags.isEmpty || !messages.isEmpty
    }

    /// Those it takes, since ports, flags and messages are of some alone; nil for all.
    var protocols: [UInt8]? {
        var possible: [UInt8]?
        func narrow(_ some: [UInt8]) {
            possible = possible.map { $0.filter(some.contains) } ?? some
        }
        if sourcePort != nil || destinationPort != nil { narrow([Self.tcp, Self.udp]) }
        if !flags.isEmpty { narrow([Self.tcp]) }
        if !messages.isEmpty { narrow([Self.icmp, Self.icmpv6]) }
        if let number = self.protocol { narrow([number]) }
        return possible
    }

    private static let icmp: UInt8 = 1
    private static let tcp: UInt8 = 6
    private static let udp: UInt8 = 17
    private static let icmpv6: UInt8 = 58
}
