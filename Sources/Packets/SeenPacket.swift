/// A packet to be archived: what was seen, where, and what is said of it.
public struct SeenPacket: Hashable, Sendable {
    public var frame: PacketFrame
    /// The node and the port it was seen at, as a pcapng interface name.
    public var interface: String
    public var comment: String

    public init(frame: PacketFrame, interface: String, comment: String) {
        self.frame = frame
        self.interface = interface
        self.comment = comment
    }
}
