import Cluster
import PacketSocket
import Packets
import Traceflow

/// One live trace that waits for packets of an interface, on the thread that calls it.
package struct LiveListener {
    private let attempt: StartedAttempt
    private let interface: InterfaceAddress
    private let clock: Clock
    private var following: LiveFollowing
    private var started = StartedConnections()

    /// So long before the trace's time is over what was kept is reported, so that it is in the log
    /// in time; of short traces a quarter of their time.
    private static let marginMicroseconds: Int64 = 1_000_000
    private static let marginPart: Int64 = 4
    /// The wall clock may be set while nothing comes.
    private static let waitMicroseconds: Int64 = 1_000_000
    /// More than the headers that the decoder steps over take together, in all but made-up packets.
    private static let headerBytes = 1024
    private static let tunnelBytes = 512
    /// What one trace remembers of connections, about a hundred bytes of each.
    private static let connectionsMax = 1 << 17
    /// What one trace holds of packets until it reports them; more is left to those that follow.
    private static let keptBytesMax = 256 << 20

    package init(
        _ attempt: StartedAttempt, _ interface: InterfaceAddress, _ following: LiveFollowing,
        _ clock: Clock
    ) {
        self.attempt = attempt
        self.interface = interface
        self.following = following
        self.following.takeRepliesAtSource()
        self.clock = clock
    }

    /// How many bytes of each packet are looked at or kept, with those of a tunnel around it.
    package var snaplen: Int {
        max(Self.headerBytes, (attempt.request.spec.capture?.snaplen ?? 0) + Self.tunnelBytes)
    }

    /// What was found; nil when nothing was, until the trace's time was over or it was stopped.
    ///
    /// Throws what the source says, unless something was found before: that is worth more.
    package mutating func listen(
        to source: any FrameSource, choose: (Int) -> Int
    ) throws -> LiveListening.Found? {
        while !following.isDone, following.keptBytes < Self.keptBytesMax {
            let left = timeLeft
            guard left > 0 else { break }
            let wait = min(left, Self.waitMicroseconds)
            let news: FrameSourceNews
            do {
                news = try source.next(timeoutMilliseconds: Int((wait + 999) / 1000))
            } catch {
                guard following.isFound else { throw error }
                break
            }
            switch news {
            case .nothing: continue
            case .woken: return nil
            case .frame(let frame):
                guard let packet = TrafficPacket(decoding: frame) else { continue }
                // What does not ask for them need not have them counted.
                let isStart = following.looksForStarts && started.isStart(packet)
                following.take(packet, isStart: isStart, choose: choose)
            }
            if started.count + following.connections > Self.connectionsMax {
                guard !following.isFound else { break }
                throw WorkerError(
                    "\(interface): \(Self.connectionsMax) connections went by and the trace is"
                        + " about none; say more of its packet")
            }
        }
        return following.isFound ? following.found : nil
    }

    private var timeLeft: Int64 {
        let whole = attempt.deadline.microseconds - clock.now().microseconds
        guard following.isFound else { return whole }
        let timeout = Int64(attempt.request.spec.timeoutSeconds) * 1_000_000
        return whole - min(Self.marginMicroseconds, timeout / Self.marginPart)
    }
}
