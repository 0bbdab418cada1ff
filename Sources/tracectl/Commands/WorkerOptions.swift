import API
import ArgumentParser
import Foundation
import JobLog
import Kubernetes
import Scheduler
import Synchronization
import TraceLog
import Traceflow
import Worker

/// How a worker works, whoever runs it.
struct WorkerOptions: ParsableArguments {
    enum Tags: String, CaseIterable, ExpressibleByArgument { case antrea, perNode }

    @OptionGroup var log: LogOptions

    @Option(name: .customLong("id"), help: "The worker's name. Default: made of host and process.")
    var name: String?

    @Flag(help: "End when nothing is left to do.")
    var once = false

    @Option(help: "So many attempts at once at most.")
    var inFlight = 1024

    @Option(help: "Who shares tags: one pool as Antrea has it, or one a node.")
    var tags: Tags?

    @Option(help: "Makes the choices of the embedded data plane repeatable.")
    var seed: UInt64?

    @Option(
        help:
            "Faults of the embedded data plane: latency=50,loss=1,double=1,reorder=1,crash=1."
    )
    var faults: String?

    @OptionGroup(title: "Limits on a real cluster") var limits: ClusterLimits
    @OptionGroup var segments: SegmentOptions
    @OptionGroup var captures: StandingPruneOptions
    @OptionGroup var pushing: StandingPushOptions
    @OptionGroup(title: "Remote archives") var remote: RemoteOptions

    @Flag(
        inversion: .prefixedNo,
        help: "Keep the history that `tracectl history` asks; else whoever asks folds it.")
    var history = true

    @OptionGroup var notifications: NotificationOptions

    @Option(
        name: .customLong("metrics"),
        help: ArgumentHelp(
            """
            Serve /metrics for Prometheus, /healthz and /readyz at this address of the loopback \
            (127.0.0.1:9464; port 0 lets the system choose).
            """, valueName: "address"))
    var metricsAddress: String?

    @Option(help: ArgumentHelp("How long its leases last.", visibility: .hidden))
    var lease: Duration64?

    func validate() throws {
        if inFlight < 1 { throw ValidationError("--in-flight must be at least 1") }
        if let lease, lease.microseconds < 100_000 {
            throw ValidationError("--lease must be at least 100ms")
        }
        _ = try parsedFaults()
        _ = try loopbackAddress()
    }

    private func loopbackAddress() throws -> LoopbackAddress? {
        do throws(LoopbackAddress.Invalid) {
            return try metricsAddress.map { text throws(LoopbackAddress.Invalid) in
                try LoopbackAddress(text)
            }
        } catch {
            throw ValidationError("--metrics: \(error)")
        }
    }

    /// Whether something is said that a real cluster has its own way in.
    var isOfTheEmbeddedPlane: Bool { tags != nil || seed != nil || faults != nil }

    /// Works on the log that is given, or else on its own; `stopping` is called when it was told
    /// to stop, before it does. On a real cluster, `alongside` begins what is to go on meanwhile,
    /// is given a client and the worker's name, and returns what ends it.
    func work(
        with backend: BackendOptions, on given: JobLog? = nil, _ store: ClusterStore? = nil,
        alongside: (KubernetesClient, String) throws -> (() -> Void)? = { _, _ in nil },
        stopping: @escaping @Sendable () -> Void = {}
    ) throws {
        if backend.isKubernetes, isOfTheEmbeddedPlane {
            throw CommandFailure(
                "--tags, --seed and --faults are of the embedded data plane; a real cluster has its"
                    + " own", status: CommandFailure.usage)
        }
        // Before anything is made or begun: what cannot be had must leave no trace.
        let server = try loopbackAddress().map {
            try MetricsServer(at: $0, version: Tracectl.version)
        }
        defer { server?.stop() }
        if let server { Output.note("metrics at http://\(server.address)/metrics") }
        let log = try given ?? log.creating(segments.limits)
        let profile: TagProfile? =
            switch tags {
            case .antrea: .antrea
            case .perNode: .perNode
            case nil: nil
            }
        var options = Worker.Options(
            id: WorkerCommand.uniqueID(name ?? "worker"), inFlightMax: inFlight, profile: profile)
        if let lease { options.leaseMicroseconds = lease.microseconds }
        options.notifier = try notifications.notifier(log)
        defer { options.notifier?.stop() }
        let metrics = try server.map { server in
            let metrics = try WorkerMetrics(
                log: log, version: Tracectl.version, notifier: options.notifier)
            server.serve(metrics)
            return metrics
        }
        options.meter = metrics
        let faults = try parsedFaults()
        let clusters = store ?? ClusterStore(log: log)
        try limits.withBackend(
            of: backend, log,
            simulated: { SimulatedBackend(world: clusters, seed: seed, faults: faults) }
        ) { plane, client in
            // A worker that ends at once leaves the cluster as it was recorded.
            let watcher =
                once
                ? nil
                : client.map { client in
                    ClusterWatcher(
                        client: client, store: clusters, complain: { Output.warning($0) })
                }
            try watcher?.start(waitingSecondsMax: Self.clusterSecondsMax)
            defer { watcher?.stop() }
            let stopAlongside = try client.flatMap { try alongside($0, options.id) }
            defer { stopAlongside?() }
            try drive(log, plane, options, metrics, stopping)
        }
    }

    private func drive(
        _ log: JobLog, _ backend: any Backend, _ options: Worker.Options,
        _ metrics: WorkerMetrics?, _ stopping: @escaping @Sendable () -> Void
    ) throws {
        let worker = Worker(log: log, backend: backend, options: options)
        let wasInterrupted = Mutex(false)
        let interrupts = [
            Interrupt([SIGINT]) {
                wasInterrupted.withLock { $0 = true }
                metrics?.stopping()
                stopping()
                worker.stop()
            },
            Interrupt([SIGTERM]) {
                metrics?.stopping()
                stopping()
                worker.stop()
            },
        ]
        defer { for interrupt in interrupts { interrupt.cancel() } }
        // A worker that ends at once leaves it to whoever asks.
        let keeper =
            history && !once
            ? HistoryKeeper(
                folder: log.folder, beside: log, complain: { Output.warning($0) }) : nil
        defer { keeper?.stop() }
        let retention = retention()
        defer { retention?.stop() }
        let pusher = captureLoop()
        defer { pusher?.stop() }
        let uploads = once ? nil : uploadLoop()
        defer { uploads?.stop() }
        Output.note("working on \(self.log.path); Ctrl-C ends it")
        try worker.run(
            after: try metrics?.position ?? log.lastPosition(),
            observe: { row in metrics?.observe(row) },
            isDone: { status in once && status.isIdle })
        if wasInterrupted.withLock({ $0 }) {
            throw CommandFailure("", status: CommandFailure.interrupted)
        }
        if once {
            try Self.uploader(log, remote).uploadAll(mayGoOn: { !wasInterrupted.withLock { $0 } }) {
                Output.note($0.words)
            }
        }
    }

    /// Nil where everything stays as it is.
    private func retention() -> RetentionLoop? {
        var steps: [(name: String, step: RetentionLoop.Step)] = []
        if let policy = segments.retention {
            let holder = WorkerCommand.uniqueID("retention")
            steps.append(
                (
                    "segments",
                    { log, mayGoOn, tell in
                        try SegmentRetention.apply(
                            policy, to: log, holder: holder, mayGoOn: mayGoOn, tell: tell)
                    }
                ))
        }
        let pruning = captures.policy
        if !pruning.isEmpty {
            steps.append(
                (
                    "captures",
                    { log, mayGoOn, tell in
                        try CapturePruner.apply(pruning, to: log, mayGoOn: mayGoOn, tell: tell)
                    }
                ))
        }
        return steps.isEmpty
            ? nil : RetentionLoop(folder: log.path, steps: steps, tell: { Output.note($0) })
    }

    /// Sends packets of PacketCaptures to their file servers.
    private func uploadLoop() -> RetentionLoop {
        let remote = remote
        return RetentionLoop(
            folder: log.path,
            steps: [
                (
                    "captures",
                    { log, mayGoOn, tell in
                        try Self.uploader(log, remote).uploadAll(mayGoOn: mayGoOn) {
                            tell($0.words)
                        }
                    }
                )
            ], restSeconds: 5, tell: { Output.note($0) })
    }

    private static func uploader(_ log: JobLog, _ remote: RemoteOptions) -> CaptureUploader {
        CaptureUploader(log: log, holder: WorkerCommand.uniqueID("uploads")) {
            try remote.store($0)
        }
    }

    /// Apart from the others: the network may take its time.
    private func captureLoop() -> RetentionLoop? {
        guard let archive = pushing.archiveCapturesTo else { return nil }
        let (remote, dropsLocal) = (remote, pushing.dropPushed)
        return RetentionLoop(
            folder: log.path,
            steps: [
                (
                    "captures",
                    { log, mayGoOn, tell in
                        let store = try remote.store(CapturePusher.location(archive, of: log))
                        try CapturePusher.apply(
                            to: log, store: store, dropsLocal: dropsLocal, mayGoOn: mayGoOn,
                            tell: tell)
                    }
                )
            ], tell: { Output.note($0) })
    }

    private func parsedFaults() throws -> Faults {
        var parsed = Faults.none
        for (key, value) in try FlowText.fields(faults ?? "") {
            switch key {
            case "latency": parsed.latencyMillisecondsMax = value
            case "loss": parsed.lossPercent = value
            case "double": parsed.doublingPercent = value
            case "reorder": parsed.reorderingPercent = value
            case "crash": parsed.crashPercent = value
            default: throw ValidationError("--faults: unknown fault \"\(key)\"")
            }
        }
        return parsed
    }

    /// So long may it take to list a whole cluster.
    private static let clusterSecondsMax = 120
}
