/// One packet as it was on a link, with what a capture file knows of it.
public struct PacketFrame: Hashable, Sendable {
    /// When it was seen, since 1970-01-01 UTC.
    public var nanoseconds: Int64
    public var link: LinkType
    /// What was kept of it; a snap length may have cut it.
    public var bytes: ArraySlice<UInt8>
    /// How long it was on the link.
    public var originalLength: Int

    public init(
        nanoseconds: Int64, link: LinkType, bytes: ArraySlice<UInt8>, originalLength: Int? = nil
    ) {
        self.nanoseconds = nanoseconds
        self.link = link
        self.bytes = bytes
        self.originalLength = max(originalLength ?? bytes.count, bytes.count)
    }

    /// The frame as a capture with this snap length would keep it.
    public func cut(to snaplen: Int) -> PacketFrame {
        PacketFrame(
            nanoseconds: nanoseconds, link: link, bytes: bytes.prefix(max(0, snaplen)),
            originalLength: originalLength)
    }
}

/// Link-layer types (tcpdump.org/linktypes.html) that carry IP.
public enum LinkType: UInt16, Sendable, CaseIterable {
    case ethernet = 1
    case rawIP = 101
    case linuxSLL = 113
    case linuxSLL2 = 276

    /// Of the number in a file; several mean raw IP.
    public init?(number: UInt32) {
        switch number {
        case 12, 14, 101, 228, 229: self = .rawIP
        default:
            guard let number = UInt16(exactly: number), let known = LinkType(rawValue: number)
            else { return nil }
            self = known
        }
    }
}
