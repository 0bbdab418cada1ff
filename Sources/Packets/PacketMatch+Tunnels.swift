import Traceflow

extension PacketMatch {
    /// The packets between nodes that may carry what is asked for: they are decoded as what is in
    /// them, which a filter of the outer packet cannot look into.
    public static let tunnels: [PacketMatch] = [IPAddress.Family.v4, .v6].flatMap { family in
        [TunnelDecoder.geneve, TunnelDecoder.vxlan, TunnelDecoder.oldVXLAN].map {
            PacketMatch(family: family, protocol: udp, destinationPort: $0)
        } + [PacketMatch(family: family, protocol: TunnelDecoder.gre)]
    }

    private static let udp: UInt8 = 17
}
