import Cluster
import Foundation
import JobLog
import Scheduler
import Synchronization
import Testing
import TraceLog
import Traceflow
import Worker

/// A log in a folder of its own, with a small cluster, for tests of the whole loop.
final class Stage: Sendable {
    static let manifests = """
        {apiVersion: v1, kind: Node, metadata: {name: n1}, spec: {podCIDR: 10.0.1.0/24}}
        ---
        {apiVersion: v1, kind: Node, metadata: {name: n2}, spec: {podCIDR: 10.0.2.0/24}}
        ---
        {apiVersion: v1, kind: Pod, metadata: {name: a, namespace: t}, spec: {nodeName: n1},
         status: {podIP: 10.0.1.10}}
        ---
        {apiVersion: v1, kind: Pod, metadata: {name: b, namespace: t}, spec: {nodeName: n2},
         status: {podIP: 10.0.2.10}}
        """

    let folder: String
    let log: JobLog
    let coding: TraceCoding
    let store: ClusterStore
    let cluster: Cluster
    let digest: [UInt8]

    init(copyOf other: String? = nil, limits: SegmentLimits = SegmentLimits()) throws {
        folder = NSTemporaryDirectory() + "tracectl-stage-\(UUID().uuidString)"
        if let other {
            try JobLog.openTraces(other, access: .readOnly).backup(to: folder)
        }
        log = try JobLog.openTraces(
            folder, access: .create, durability: .off, limits: limits)
        coding = TraceCoding(log: log)
        store = ClusterStore(log: log)
        let resources = try ManifestReader.read(text: Self.manifests, file: "stage.yaml")
        cluster = try Cluster(resources)
        digest = try store.observe(resources, cluster)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    func manifest(
        _ name: String, to pod: String = "b", live: Bool = false, timeout: Int? = nil
    ) -> TraceflowManifest {
        TraceflowManifest(
            name: name, apiVersion: .v1beta1,
            spec: TraceflowSpec(
                source: .init(namespace: "t", pod: "a"),
                destination: .init(namespace: "t", pod: pod), liveTraffic: live ? true : nil,
                timeout: timeout), file: "test")
    }

    @discardableResult
    func request(_ manifests: [TraceflowManifest], retries: Int = 0) throws -> [TraceID] {
        try RequestRecorder(log: log).record(
            manifests.map { .init(manifest: $0, priority: 5, retries: retries) },
            against: .init(
                clusterDigest: digest, finder: PathFinder(cluster: cluster), traffic: [])
        ).map(\.id)
    }

    func trace(_ id: TraceID) throws -> Trace? {
        var trace: Trace?
        for recorded in try log.read(stream: id.rawValue) {
            guard case .trace(let event) = try coding.event(recorded) else { continue }
            let moment = Moment(microseconds: recorded.recordedAt)
            if trace == nil {
                trace = Trace(event, at: moment)
            } else {
                trace?.evolve(event, at: moment)
            }
        }
        return trace
    }

    /// How often each attempt of the trace ended.
    func endings(_ id: TraceID) throws -> [Int: Int] {
        var endings: [Int: Int] = [:]
        for recorded in try log.read(stream: id.rawValue) {
            guard case .trace(let event) = try coding.event(recorded) else { continue }
            switch event {
            case .succeeded(let attempt, _), .timedOut(let attempt, _), .failed(let attempt, _):
                endings[attempt, default: 0] += 1
            case .requested, .tagAllocated, .begun, .nodeReported, .nodeFailed, .packetCaptured,
                .captureArchived, .retryRequested, .cancelRequested, .deleted, .metadataChanged:
                break
            }
        }
        return endings
    }

    func worker(
        _ id: String = "w", backend: (any Backend)? = nil, faults: Faults = .none,
        inFlightMax: Int = 64, profile: TagProfile? = nil
    ) -> Worker {
        Worker(
            log: log, backend: backend ?? SimulatedBackend(world: store, seed: 1, faults: faults),
            options: .init(id: id, inFlightMax: inFlightMax, profile: profile))
    }

    /// Works until nothing is left to do.
    func finish(_ worker: Worker) throws {
        try worker.run(
            after: try log.lastPosition(), observe: { _ in },
            isDone: { $0.isIdle })
    }
}

/// A data plane that never answers.
struct SilentBackend: Backend {
    let abilities = BackendAbilities(
        liveTraffic: true, droppedOnly: true, takesOurTags: true, inFlightMax: 1000)
    func start(_ attempt: StartedAttempt, report: @escaping @Sendable (BackendReport) -> Void) {}
    func stop(_ trace: TraceID, attempt: Int) {}
}

/// A clock set by hand: the time of day, and the time that really passed.
final class HandClock: Sendable {
    private let times = Mutex((now: Int64(1_000_000_000), monotonic: Int64(0)))

    func pass(_ microseconds: Int64, jump: Int64 = 0) {
        times.withLock {
            $0.now += microseconds + jump
            $0.monotonic += microseconds
        }
    }

    var clock: Clock {
        Clock(
            now: { Moment(microseconds: self.times.withLock { $0.now }) },
            monotonicMicroseconds: { self.times.withLock { $0.monotonic } })
    }
}
