import Cluster
import Foundation
import PacketSocket
import Packets
import Scheduler
import Synchronization
import Traceflow

/// An attempt of a trace.
struct TraceAttempt: Hashable, Sendable {
    var trace: TraceID
    var attempt: Int
}

/// Live traces that wait for packets of interfaces, each on a thread and with a socket of its own.
///
///     begun ──▶ opening ──▶ listening ──first packet, and those it keeps──▶ ended, found
///                 │           ├──little time left, something kept──▶ ended, found
///                 │           ├──time over──▶ ended, silent: the decider times the trace out
///                 └──error────┴──▶ ended, failed
///     at any point stopped ──▶ ended, silent
///
/// A thread says at most one thing, and nothing once it saw that its attempt was stopped.
public final class LiveListening: Sendable {
    /// Opens an interface for packets that may match, cut to so many bytes.
    public typealias Opening =
        @Sendable (InterfaceAddress, [PacketMatch], Int) throws -> any FrameSource
    package typealias Found = (reports: [NodeReport], captures: [PointCapture])

    public static let packetSocket: Opening = {
        try PacketSocket($0, passing: $1, snaplen: $2)
    }

    private let clock: Clock
    private let open: Opening
    private let ears = Mutex<[TraceAttempt: Ear]>([:])

    /// Each has a thread, and a buffer in the kernel.
    package static let earsMax = 256
    private static let stackBytes = 1 << 20

    init(clock: Clock, open: @escaping Opening) {
        self.clock = clock
        self.open = open
    }

    /// Listens for the attempt on a thread of its own, which calls `end` at most once.
    ///
    /// Throws when too many listen already, and nothing was begun.
    func begin(
        _ attempt: StartedAttempt, on interface: InterfaceAddress, _ finder: PathFinder,
        choose: @escaping @Sendable (Int) -> Int,
        end: @escaping @Sendable (Result<Found, any Error>) -> Void
    ) throws {
        let key = TraceAttempt(trace: attempt.trace, attempt: attempt.attempt)
        let ear = Ear()
        let hasRoom = ears.withLock { ears in
            guard ears.count < Self.earsMax else { return false }
            ears[key] = ear
            return true
        }
        guard hasRoom else {
            throw WorkerError(
                "\(interface): \(Self.earsMax) live traces listen already; try again when some"
                    + " have ended")
        }
        let clock = clock
        let open = open
        let thread = Thread { [self] in
            let result = Result {
                let request = attempt.request
                let following =
                    request.packetCapture.map(finder.following)
                    ?? finder.following(request.spec, request.apiVersion)
                var listener = LiveListener(attempt, interface, following, clock)
                // What is known at once needs no packets.
                if following.isDone { return Optional(following.found) }
                let matches =
                    request.packetCapture.map(finder.matches) ?? finder.matches(of: request.spec)
                let source = try open(
                    interface, matches.isEmpty ? [] : matches + PacketMatch.tunnels,
                    listener.snaplen)
                guard ear.attach(source) else { return nil }
                return try listener.listen(to: source, choose: choose)
            }
            ears.withLock { _ = $0.removeValue(forKey: key) }
            guard !ear.isStopped else { return }
            switch result {
            case .success(let found): found.map { end(.success($0)) }
            case .failure(let error): end(.failure(error))
            }
        }
        thread.stackSize = Self.stackBytes
        thread.name = "tracectl.live"
        thread.start()
    }

    /// The attempt is over: its thread ends soon, and says nothing.
    func stop(_ key: TraceAttempt) {
        ears.withLock { $0[key] }?.stop()
    }
}

/// What stops a thread that listens, or is about to.
private final class Ear: Sendable {
    private let state = Mutex(State())

    private struct State {
        var isStopped = false
        var source: (any FrameSource)?
    }

    var isStopped: Bool { state.withLock { $0.isStopped } }

    /// Whether the source is to be listened to.
    func attach(_ source: any FrameSource) -> Bool {
        state.withLock { state in
            state.source = source
            return !state.isStopped
        }
    }

    func stop() {
        let source = state.withLock { state in
            state.isStopped = true
            return state.source
        }
        source?.wake()
    }
}
