import Traceflow

/// What one node says of one trace.
public struct NodeReport: Hashable, Sendable {
    public enum Content: Hashable, Sendable {
        /// Packets and nothing else: fewer than a PacketCapture asked for.
        case captured
        /// The packet's way on the node; with the packet itself where a live trace records it.
        /// Behind a reference, since a report is handed on a few times before it is in the log.
        indirect case observed([Observation], captured: CapturedPacket?)
        /// The agent could not start the trace.
        case failed(error: String)
    }

    public var node: String
    public var content: Content

    public init(node: String, content: Content) {
        self.node = node
        self.content = content
    }
}

/// The nodes that may report on a trace.
public enum Footprint: Hashable, Sendable {
    /// Sorted, without repetition.
    case nodes([String])
    /// The packet may go anywhere.
    case anyNode
}
