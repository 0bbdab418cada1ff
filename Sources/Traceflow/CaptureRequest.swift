/// Which packets a trace keeps beside what it tells (`spec.capture`, ours), in the words of
/// Antrea's PacketCapture.
public struct CaptureRequest: Hashable, Sendable {
    /// Where packets are looked at.
    public enum Point: String, Sendable, CaseIterable {
        case source = "Source"
        case destination = "Destination"
        /// Ours: PacketCapture has one point.
        case both = "Both"
    }

    public enum Direction: String, Sendable, CaseIterable {
        case sourceToDestination = "SourceToDestination"
        case destinationToSource = "DestinationToSource"
        case both = "Both"
    }

    /// How many packets are kept at each point, the first ones.
    public var firstN: Int
    /// How many bytes of each are kept; nil for its headers alone.
    public var snaplen: Int?
    /// Nil for the source if the trace names a source Pod, else the destination.
    public var point: Point?
    /// Nil for what the source sends.
    public var direction: Direction?

    public init(
        firstN: Int, snaplen: Int? = nil, point: Point? = nil, direction: Direction? = nil
    ) {
        self.firstN = firstN
        self.snaplen = snaplen
        self.point = point
        self.direction = direction
    }

    public static let firstNRange = 1...65_535
    /// PacketCapture keeps 65,536 bytes of each packet.
    public static let snaplenRange = 1...65_536

    /// Whether the point is looked at, of a trace that names a source Pod or does not.
    public func looks(at point: Point, hasSourcePod: Bool) -> Bool {
        // Without a source Pod nobody looks at the source.
        if point == .source, !hasSourcePod { return false }
        let asked = self.point ?? (hasSourcePod ? .source : .destination)
        return asked == .both || asked == point
    }

    public func takes(_ direction: Direction) -> Bool {
        let asked = self.direction ?? .sourceToDestination
        return asked == .both || asked == direction
    }
}
