import Cluster
import Dispatch
import PacketSocket
import Packets
import Scheduler
import Synchronization
import Traceflow

/// The embedded data plane: the cluster model answers.
///
/// Choices a network would make are random; `seed` makes them repeatable. Faults delay, lose,
/// double and reorder reports and silence nodes.
public final class SimulatedBackend: Backend {
    public let abilities = BackendAbilities(
        liveTraffic: true, droppedOnly: true, takesOurTags: true, inFlightMax: 4096)

    private let world: any World
    private let clock: Clock
    private let faults: Faults
    private let generator: Mutex<SeededGenerator>
    private let queue = DispatchQueue(label: "tracectl.simulated-backend")
    private let stopped = Mutex<Set<TraceAttempt>>([])
    private let listening: LiveListening

    /// `openInterface` is for tests, which have no interfaces.
    public init(
        world: any World, clock: Clock = .system, seed: UInt64?, faults: Faults = .none,
        openInterface: @escaping LiveListening.Opening = LiveListening.packetSocket
    ) {
        self.world = world
        self.clock = clock
        self.faults = faults
        listening = LiveListening(clock: clock, open: openInterface)
        var system = SystemRandomNumberGenerator()
        generator = Mutex(SeededGenerator(seed: seed ?? system.next()))
    }

    public func start(
        _ attempt: StartedAttempt, report: @escaping @Sendable (BackendReport) -> Void
    ) {
        let seen: (reports: [NodeReport], captures: [PointCapture])
        do {
            let finder = try world.pathFinder(for: attempt.request)
            if let interface = try Self.interface(of: attempt.request) {
                try listen(to: interface, finder, attempt, report)
                return
            }
            if let capture = attempt.request.packetCapture {
                let traffic = try world.packets(for: attempt.request)
                let seen = generator.withLock { generator in
                    finder.captured(by: capture, traffic: traffic) {
                        Int.random(in: 0..<$0, using: &generator)
                    }
                }
                return send(seen.reports, seen.captures, of: attempt, report)
            }
            var traffic = PathFinder.Traffic(starts: try world.traffic(for: attempt.request))
            if attempt.request.spec.capture != nil {
                traffic.all = try world.packets(for: attempt.request)
                traffic.injectedNanoseconds = clock.now().microseconds * 1000
            }
            seen = generator.withLock { generator in
                finder.seen(
                    for: attempt.request.spec, version: attempt.request.apiVersion,
                    traffic: traffic, choose: { Int.random(in: 0..<$0, using: &generator) })
            }
        } catch {
            seen = (Self.failed(error), [])
        }
        send(seen.reports, seen.captures, of: attempt, report)
    }

    /// The interface that a live trace waits for packets of; nil when it looks at files.
    private static func interface(of request: TraceRequest) throws -> InterfaceAddress? {
        guard request.spec.isLive, let given = request.traffic.first(where: \.isInterface) else {
            return nil
        }
        guard request.traffic.count == 1 else {
            throw WorkerError("live traffic comes from one interface, or from files")
        }
        return try InterfaceAddress(given.path)
    }

    private static func failed(_ error: any Error) -> [NodeReport] {
        [NodeReport(node: "embedded", content: .failed(error: "\(error)"))]
    }

    private func listen(
        to interface: InterfaceAddress, _ finder: PathFinder, _ attempt: StartedAttempt,
        _ report: @escaping @Sendable (BackendReport) -> Void
    ) throws {
        try listening.begin(
            attempt, on: interface, finder,
            choose: { [self] count in
                generator.withLock { Int.random(in: 0..<count, using: &$0) }
            },
            end: { [self] result in
                switch result {
                case .success(let found): send(found.reports, found.captures, of: attempt, report)
                case .failure(let error): send(Self.failed(error), [], of: attempt, report)
                }
            })
    }

    public func stop(_ trace: TraceID, attempt: Int) {
        listening.stop(TraceAttempt(trace: trace, attempt: attempt))
        // Without delays nothing outlives `start`.
        guard faults.latencyMillisecondsMax > 0 else { return }
        stopped.withLock { _ = $0.insert(TraceAttempt(trace: trace, attempt: attempt)) }
    }

    private func send(
        _ reports: [NodeReport], _ captures: [PointCapture], of attempt: StartedAttempt,
        _ report: @escaping @Sendable (BackendReport) -> Void
    ) {
        guard faults != .none || !captures.isEmpty else {
            for node in reports {
                report(
                    BackendReport(
                        trace: attempt.trace,
                        id: ReportID(attempt: attempt.attempt, node: node.node, sequence: 1),
                        content: node.content))
            }
            return
        }
        var planned: [(delay: Int, report: BackendReport)] = []
        let reporting = Set(reports.map(\.node))
        generator.withLock { generator in
            for (number, node) in reports.enumerated() {
                if generator.happens(faults.crashPercent) || generator.happens(faults.lossPercent) {
                    continue
                }
                let sent = BackendReport(
                    trace: attempt.trace,
                    id: ReportID(attempt: attempt.attempt, node: node.node, sequence: 1),
                    content: node.content,
                    captures: captures.filter {
                        // A node that has nothing to say of a dropped packet may have seen it.
                        $0.node == node.node || number == 0 && !reporting.contains($0.node)
                    })
                let delay =
                    faults.latencyMillisecondsMax > 0
                    ? Int.random(in: 0...faults.latencyMillisecondsMax, using: &generator) : 0
                let copies = generator.happens(faults.doublingPercent) ? 2 : 1
                let place =
                    generator.happens(faults.reorderingPercent) ? 0 : planned.count
                for _ in 0..<copies { planned.insert((delay, sent), at: place) }
            }
        }
        for (delay, sent) in planned {
            guard delay > 0 else {
                report(sent)
                continue
            }
            queue.asyncAfter(deadline: .now() + .milliseconds(delay)) { [self] in
                let key = TraceAttempt(trace: sent.trace, attempt: sent.id.attempt)
                if !stopped.withLock({ $0.contains(key) }) { report(sent) }
            }
        }
    }
}

/// What the embedded data plane runs on.
public protocol World: Sendable {
    /// The model of the cluster that the request was made against.
    func pathFinder(for request: TraceRequest) throws -> PathFinder
    /// The packets that start connections, in the order of time.
    func traffic(for request: TraceRequest) throws -> [TrafficPacket]
    /// All packets, in the order of time.
    func packets(for request: TraceRequest) throws -> [TrafficPacket]
}
