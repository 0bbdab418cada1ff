import Cluster
import Dispatch
import PacketSocket
import Packets
import Scheduler
import Synchronization
import Testing
import Traceflow
import Worker

@Suite("live traces that wait for packets of an interface")
struct LiveListeningTests {
    /// An interface whose packets are written down beforehand; while nothing comes, time passes.
    private final class Script: FrameSource {
        enum Step {
            case frame(PacketFrame)
            case fails
        }

        struct Broken: Error, CustomStringConvertible { let description = "iface:x: it broke" }

        private let steps: Mutex<[Step]>
        private let clock: HandClock
        private let taken = Mutex(0)

        init(_ steps: [Step], _ clock: HandClock) {
            self.steps = Mutex(steps)
            self.clock = clock
        }

        var takenCount: Int { taken.withLock { $0 } }

        func next(timeoutMilliseconds: Int) throws -> FrameSourceNews {
            let step = steps.withLock { $0.isEmpty ? nil : $0.removeFirst() }
            switch step {
            case .frame(let frame):
                taken.withLock { $0 += 1 }
                return .frame(frame)
            case .fails: throw Broken()
            case nil:
                clock.pass(Int64(timeoutMilliseconds) * 1000)
                return .nothing
            }
        }

        func wake() {}
    }

    /// An interface on which nothing ever comes.
    private final class Silence: FrameSource {
        private let woken = DispatchSemaphore(value: 0)
        private let gone: DispatchSemaphore

        init(gone: DispatchSemaphore) { self.gone = gone }

        deinit { gone.signal() }

        func next(timeoutMilliseconds: Int) -> FrameSourceNews {
            woken.wait()
            return .woken
        }

        func wake() { woken.signal() }
    }

    private final class Opened: Sendable { let all = Mutex<[String]>([]) }

    private let stage: Stage
    private let clock = HandClock()
    /// Where the hand clock begins.
    private static let clockStart: Int64 = 1_000_000_000

    init() throws { stage = try Stage() }

    private static func udp(
        _ source: String, _ destination: String, _ port: UInt16 = 53, from: UInt16 = 1000
    ) throws -> Script.Step {
        let bytes = PacketBuilder(
            sourceMAC: [2, 0, 0, 0, 0, 1], destinationMAC: [2, 0, 0, 0, 0, 2],
            source: try #require(IPAddress(source)),
            destination: try #require(IPAddress(destination)), protocol: 17, ttl: 64, flags: 0,
            transport: .udp(srcPort: from, dstPort: port)
        ).frame()
        return .frame(PacketFrame(nanoseconds: 5, link: .ethernet, bytes: bytes[...]))
    }

    private func attempt(
        _ capture: CaptureRequest? = nil, interfaces: [String] = ["iface:x@y"], number: Int64 = 7
    ) -> StartedAttempt {
        var manifest = stage.manifest("x", live: true, timeout: 20)
        manifest.spec.capture = capture
        return StartedAttempt(
            trace: TraceID(number), attempt: 3, tag: 11,
            deadline: Moment(microseconds: clock.clock.now().microseconds + 20_000_000),
            request: TraceRequest(
                name: "x", apiVersion: .v1beta1, spec: manifest.spec, clusterDigest: stage.digest,
                traffic: interfaces.map { .interface($0) }))
    }

    /// What the trace finds in what comes.
    private func found(
        _ steps: [Script.Step], _ capture: CaptureRequest? = nil
    ) throws -> (found: LiveListening.Found?, taken: Int) {
        let attempt = attempt(capture)
        let finder = try stage.store.pathFinder(for: attempt.request)
        var listener = LiveListener(
            attempt, try InterfaceAddress("iface:x@y"),
            finder.following(attempt.request.spec, .v1beta1), clock.clock)
        let script = Script(steps, clock)
        let found = try listener.listen(to: script, choose: { _ in 0 })
        return (found, script.takenCount)
    }

    @Test("the first packet that the trace is about ends it, and no other is taken")
    func firstPacket() throws {
        let (found, taken) = try found([
            Self.udp("10.0.2.10", "10.0.1.11"), Self.udp("10.0.1.10", "10.0.2.10", 53),
            Self.udp("10.0.1.10", "10.0.2.10", 54),
        ])
        #expect(taken == 2)
        #expect(found?.reports.map(\.node) == ["n1", "n2"])
        #expect(found?.captures.isEmpty == true)
        guard case .observed(_, let captured?) = found?.reports.first?.content else {
            Issue.record("got \(String(describing: found))")
            return
        }
        #expect(captured.headers.transportHeader?.udp?.dstPort == 53)
        #expect(clock.clock.now().microseconds == Self.clockStart)
    }

    @Test("packets are kept until there are as many as were asked for")
    func keepsSoMany() throws {
        let steps = try (UInt16(1)...9).map { try Self.udp("10.0.1.10", "10.0.2.10", from: $0) }
        let (found, taken) = try found(steps, CaptureRequest(firstN: 4, point: .both))
        #expect(taken == 4)
        #expect(found?.captures.map(\.packets.count) == [4, 4])
    }

    @Test("what was kept is reported a second before the time is over")
    func keepsWhatThereIs() throws {
        let steps = try [Self.udp("10.0.1.10", "10.0.2.10")]
        let (found, _) = try found(steps, CaptureRequest(firstN: 4))
        #expect(found?.captures.map(\.packets.count) == [1])
        #expect(clock.clock.now().microseconds == Self.clockStart + 19_000_000)
    }

    @Test("where nothing comes, or nothing that the trace is about, it is silent to the end")
    func silence() throws {
        for steps in [
            [], try [Self.udp("10.0.2.10", "10.0.1.10"), Self.udp("1.1.1.1", "2.2.2.2")],
        ] {
            let before = clock.clock.now().microseconds
            #expect(try found(steps).found == nil)
            #expect(clock.clock.now().microseconds == before + 20_000_000)
        }
    }

    @Test("a connection that was there before is none to begin with")
    func underWay() throws {
        let (found, taken) = try found([
            Self.udp("10.0.2.10", "10.0.1.10", 1000, from: 53),
            Self.udp("10.0.1.10", "10.0.2.10", 53, from: 1000),
            Self.udp("10.0.1.10", "10.0.2.10", 53, from: 1001),
        ])
        #expect(taken == 3)
        #expect(found != nil)
    }

    @Test("an interface that fails is an error, but not after something was found")
    func fails() throws {
        #expect(throws: Script.Broken.self) { try found([.fails]) }
        let some = try Self.udp("10.0.1.10", "10.0.2.10")
        let kept = try found([some, .fails], CaptureRequest(firstN: 4)).found
        #expect(kept?.captures.map(\.packets.count) == [1])
    }

    @Test("more bytes than the headers are taken only where they are kept")
    func snaplen() throws {
        for (capture, snaplen) in [
            (nil, 1024), (CaptureRequest(firstN: 1, snaplen: 90), 1024),
            (CaptureRequest(firstN: 1, snaplen: 9000), 9512),
        ] as [(CaptureRequest?, Int)] {
            let attempt = attempt(capture)
            let finder = try stage.store.pathFinder(for: attempt.request)
            let listener = LiveListener(
                attempt, try InterfaceAddress("iface:x"),
                finder.following(attempt.request.spec, .v1beta1), clock.clock)
            #expect(listener.snaplen == snaplen)
        }
    }

    // MARK: on threads of their own

    private final class Reports: Sendable {
        let all = Mutex<[BackendReport]>([])
        let came = DispatchSemaphore(value: 0)

        func take(_ report: BackendReport) {
            all.withLock { $0.append(report) }
            came.signal()
        }

        /// So many reports; nil when they do not come.
        func first(_ count: Int) -> [BackendReport]? {
            for _ in 0..<count where came.wait(timeout: .now() + 20) != .success { return nil }
            return all.withLock { $0 }
        }

        func errors() -> [String] {
            all.withLock { $0 }.compactMap { report in
                guard case .said(.failed(let error)) = report.content else { return nil }
                return error
            }
        }
    }

    @Test("the interface of the request is opened for its packets, and nodes report of them")
    func opens() throws {
        let opened = Opened()
        let steps = try [Self.udp("10.0.1.10", "10.0.2.10")]
        let backend = SimulatedBackend(
            world: stage.store, clock: clock.clock, seed: 1,
            openInterface: { [clock] interface, matches, snaplen in
                opened.all.withLock { $0.append("\(interface) \(matches.count) \(snaplen)") }
                return Script(steps, clock)
            })
        let reports = Reports()
        backend.start(attempt(CaptureRequest(firstN: 1))) { reports.take($0) }
        let got = try #require(reports.first(2))
        #expect(got.map(\.id.node) == ["n1", "n2"])
        #expect(got.map(\.id.attempt) == [3, 3])
        #expect(got.map(\.captures.count) == [1, 0])
        // Both ways: an answer tells that a connection was there before. And four kinds of tunnels,
        // of either family, which may carry it.
        #expect(opened.all.withLock { $0 } == ["iface:x@y 10 1024"])
    }

    @Test(
        "what cannot be listened to fails its trace in one line",
        arguments: [
            (["iface:x"], "iface:x: it broke"), (["iface:"], "no name"),
            (["iface:x", "iface:y"], "from one interface"),
        ])
    func cannot(interfaces: [String], said: String) throws {
        let backend = SimulatedBackend(
            world: stage.store, clock: clock.clock, seed: 1,
            openInterface: { _, _, _ in throw Script.Broken() })
        let reports = Reports()
        backend.start(attempt(interfaces: interfaces)) { reports.take($0) }
        _ = try #require(reports.first(1))
        #expect(reports.errors().count == 1)
        #expect(reports.errors().first?.contains(said) == true)
    }

    @Test("a trace that is stopped gives its interface up and says nothing")
    func stops() throws {
        let gone = DispatchSemaphore(value: 0)
        let backend = SimulatedBackend(
            world: stage.store, clock: clock.clock, seed: 1,
            openInterface: { _, _, _ in Silence(gone: gone) })
        let reports = Reports()
        backend.start(attempt()) { reports.take($0) }
        backend.stop(TraceID(7), attempt: 3)
        #expect(gone.wait(timeout: .now() + 20) == .success)
        #expect(reports.all.withLock { $0.isEmpty })
    }

    @Test("so many listen at once, one more is told so, and room is made when they end")
    func room() throws {
        let gone = DispatchSemaphore(value: 0)
        let backend = SimulatedBackend(
            world: stage.store, clock: clock.clock, seed: 1,
            openInterface: { _, _, _ in Silence(gone: gone) })
        let reports = Reports()
        let count = LiveListening.earsMax
        for number in 0...count {
            backend.start(attempt(number: Int64(number))) { reports.take($0) }
        }
        #expect(reports.first(1)?.map(\.trace) == [TraceID(Int64(count))])
        #expect(reports.errors().first?.contains("256 live traces listen already") == true)
        for number in 0..<count { backend.stop(TraceID(Int64(number)), attempt: 3) }
        for _ in 0..<count { #expect(gone.wait(timeout: .now() + 20) == .success) }
        #expect(reports.errors().count == 1)
    }

    @Test("the trace ends with what came, or by its deadline")
    func wholeLoop() throws {
        let frames = try [Self.udp("10.0.1.10", "10.0.2.10")]
        for (steps, phase) in [(frames, Phase.succeeded), ([], .failed)] {
            let hand = HandClock()
            let backend = SimulatedBackend(
                world: stage.store, seed: 1,
                openInterface: { _, _, _ in Script(steps, hand) })
            let manifest = stage.manifest("x-\(phase)", live: true, timeout: 1)
            let ids = try RequestRecorder(log: stage.log).record(
                [.init(manifest: manifest, priority: 5, retries: 0)],
                against: .init(
                    clusterDigest: stage.digest, finder: PathFinder(cluster: stage.cluster),
                    traffic: [.interface("iface:x")])
            ).map(\.id)
            try stage.finish(stage.worker(backend: backend))
            let trace = try #require(try stage.trace(ids[0]))
            #expect(trace.phase == phase)
        }
    }
}
