import Packets
import Traceflow

/// A live trace that is shown packets one after the other, in the order of time.
///
///     looking ──a start that it is about──▶ found ──as many packets as are kept──▶ done
///
/// Where no packets are kept, found is done.
public struct LiveFollowing: Sendable {
    /// What nodes say of a start, and the way it takes; nil when the trace is not about it.
    typealias Look =
        @Sendable (TrafficPacket, (Int) -> Int) -> (reports: [NodeReport], steps: [Walk.Step])?

    private let look: Look?
    private var capture: LiveCapture?
    private var reports: [NodeReport]?
    private var whole: PodCapture?

    init(
        _ spec: TraceflowSpec, in finder: PathFinder, _ version: APIVersion, look: @escaping Look
    ) {
        self.look = { packet, choose in
            look(packet, choose).map { (finder.translated($0.reports, version), $0.steps) }
        }
        capture = spec.capture.map {
            LiveCapture($0, hasSourcePod: spec.hasSourcePod, in: finder.cluster)
        }
    }

    /// Of a trace that looks at nothing: done with what is to be said of it, or blind.
    init(reports: [NodeReport]?) {
        look = nil
        self.reports = reports
    }

    /// Of a PacketCapture: found with its first packet, done with its last.
    init(_ capture: PodCapture) {
        look = nil
        whole = capture
    }

    /// Whether the trace was seen to begin.
    public var isFound: Bool { reports != nil || whole?.packets.isEmpty == false }

    /// Whether no packet would add anything.
    public var isDone: Bool { isFound && (whole?.isFull ?? capture?.isFull ?? true) }

    /// Whether packets other than starts are looked at.
    public var keepsPackets: Bool { capture != nil || whole != nil }

    /// Whether it wants to know which packets start connections.
    public var looksForStarts: Bool { look != nil }

    /// How many connections are followed.
    public var connections: Int { capture?.connectionCount ?? 0 }

    /// How many bytes of packets are kept, those twice that two points see.
    public var keptBytes: Int { whole?.keptBytes ?? capture?.keptBytes ?? 0 }

    /// Takes replies of a Service also as they reach the source, from the Service's address.
    public mutating func takeRepliesAtSource() { capture?.takesRepliesAtSource = true }

    /// Looks at a packet; `choose(n)` gives a number in 0..<n.
    public mutating func take(_ packet: TrafficPacket, isStart: Bool, choose: (Int) -> Int) {
        guard !isDone else { return }
        if isStart, let found = look?(packet, choose) {
            if reports == nil { reports = found.reports }
            capture?.begin(LiveCapture.Connection(start: packet, steps: found.steps))
        }
        capture?.take(packet)
        let isOwn = packet.source == whole?.address
        whole?.take(packet, isOwn ? "sent" : "received")
    }

    /// What nodes report of the first connection, and the packets of all that were kept.
    public var found: (reports: [NodeReport], captures: [PointCapture]) {
        whole?.found ?? (reports ?? [], capture?.captures ?? [])
    }
}
