import API
import ArgumentParser
import Cluster
import Foundation
import JobLog
import PacketSocket
import Packets
import Scheduler
import TraceLog
import Traceflow
import Worker

/// What `run` and `apply` share: manifests in, requests recorded.
struct RequestOptions: ParsableArguments {
    @Option(
        name: [.customShort("f"), .customLong("filename")], parsing: .upToNextOption,
        help: ArgumentHelp(
            "Manifests to take: files, folders, or -.", valueName: "file"), completion: .file())
    var files: [String] = []

    @OptionGroup var cluster: ClusterOptions

    @Option(
        name: .customLong("traffic"),
        help: ArgumentHelp(
            "What the Pods really send: a pcap or pcapng file (repeatable), or iface:NAME[@NETNS]"
                + " for the packets of an interface as they come.", valueName: "file"),
        completion: .file(extensions: ["pcap", "pcapng"]))
    var traffic: [String] = []

    @Option(help: "Priority of the requests, 0 to 9; 9 goes first. Default: 5, or the annotation.")
    var priority: Int?

    @Option(help: "How often a failed trace is tried again. Default: 0, or the annotation.")
    var retries: Int?

    func validate() throws {
        if let priority, !TraceRequest.priorities.contains(priority) {
            throw ValidationError("--priority must be between 0 and 9")
        }
        if let retries, !(0...TraceRequest.retriesMax).contains(retries) {
            throw ValidationError("--retries must be between 0 and \(TraceRequest.retriesMax)")
        }
    }
}

extension RequestOptions {
    /// What nobody gave on a command line.
    static var none: RequestOptions {
        // What was not parsed must be set before it is read.
        var options = RequestOptions()
        (options.files, options.traffic) = ([], [])
        (options.priority, options.retries) = (nil, nil)
        return options
    }
}

/// Requests that were judged and are ready to be recorded.
struct PreparedRequests {
    let options: RequestOptions
    let requests: [RequestRecorder.Request]
    let sweeps: [SweepRequest]
    let schedules: [(spec: ScheduleSpec, isPaused: Bool?)]
    let clusterResources: [Resource]
    let cluster: Cluster
    let traffic: [(file: String, bytes: [UInt8])]
    /// Where packets are awaited, in place of files.
    let interface: InterfaceAddress?

    /// The log, if there is one: opened once, for judging and recording.
    let existing: JobLog?

    /// Reads and judges everything; writes nothing. `extra` requests come with no manifest;
    /// `capture` is for Traceflows that say nothing of it.
    init(
        _ options: RequestOptions, log: LogOptions, capture: CaptureRequest? = nil,
        extra: (Cluster) throws -> [TraceflowManifest] = { _ in [] }
    ) throws {
        self.options = options
        let given = try options.files.flatMap {
            try ManifestReader.read(path: $0, standardInput: standardInput)
        }
        let resources = given.filter { !Self.isRequest($0) }
        var base = try options.cluster.resources()
        existing = try log.existing()
        if !options.cluster.isGiven, let known = existing {
            base = Self.merge(
                try ClusterStore(log: known).latestResources(), try options.cluster.networkChoice())
        }
        clusterResources = Self.merge(base, resources)
        cluster = try Cluster(clusterResources)
        try options.cluster.report(cluster)
        let extraManifests = try extra(cluster)
        schedules = try given.filter { $0.kind == ScheduleManifest.kind }.map {
            try Self.schedule($0, strict: options.cluster.strict)
        }
        if clusterResources.isEmpty, !extraManifests.isEmpty || resources.count < given.count {
            throw CommandFailure(
                "no cluster: say which with --cluster PATH, or record one with `tracectl apply -f`",
                status: CommandFailure.usage)
        }
        var requests: [RequestRecorder.Request] = []
        let manifests = try given.filter(Self.isTrace).map { resource in
            resource.kind == PacketCaptureManifest.kind
                ? try PacketCaptureManifest(resource).traceflow : try TraceflowManifest(resource)
        }
        for var manifest in manifests + extraManifests {
            if manifest.packetCapture == nil, manifest.spec.capture == nil {
                manifest.spec.capture = capture
            }
            requests.append(try Self.request(manifest, options))
        }
        self.requests = requests
        let asked = try given.filter { $0.kind == SweepManifest.kind }.map {
            try SweepRequest($0, strict: options.cluster.strict)
        }
        for sweep in asked {
            _ = try sweep.counted(in: cluster, clusterDigest: [])
            if let existing { _ = try Self.isHeld(sweep, SweepBook(log: existing)) }
        }
        sweeps = asked
        for (spec, _) in schedules { try spec.check(in: cluster) }
        try RequestRecorder.check(requests, in: cluster)
        if let existing { _ = try RequestRecorder(log: existing).known(requests) }
        interface = try Self.interface(options.traffic)
        traffic = interface == nil ? try options.traffic.map(Self.read) : []
    }

    /// The interface that is given as traffic; nil for files.
    private static func interface(_ given: [String]) throws -> InterfaceAddress? {
        guard let meant = given.first(where: InterfaceAddress.isMeant) else { return nil }
        let interface: InterfaceAddress
        do {
            interface = try InterfaceAddress(meant)
        } catch {
            throw CommandFailure("--traffic \(error)", status: CommandFailure.usage)
        }
        guard given.count == 1 else {
            throw CommandFailure(
                "--traffic \(interface): an interface stands alone; give the rest to traces of"
                    + " their own", status: CommandFailure.usage)
        }
        return interface
    }

    /// What a manifest asks for; says what nobody knows in it, or under `strict` refuses it.
    static func schedule(
        _ resource: Resource, strict: Bool
    ) throws -> (spec: ScheduleSpec, isPaused: Bool?) {
        let manifest = try ScheduleManifest(resource)
        for warning in manifest.warnings {
            if strict { throw Refusal("\(warning)") }
            Output.warning("\(warning)")
        }
        return try ScheduleSpec.read(manifest)
    }

    private static func read(_ file: String) throws -> (file: String, bytes: [UInt8]) {
        guard let data = FileManager.default.contents(atPath: file) else {
            throw CommandFailure("\(file): the file cannot be read")
        }
        let bytes = Array(data)
        let read = try TrafficFile.read(bytes: bytes, file: file)
        if read.skipped > 0 {
            Output.warning("\(file): \(read.skipped) packets were skipped: malformed or not IP")
        }
        return (file, bytes)
    }

    /// One request that no manifest holds.
    init(
        cluster: ClusterOptions, traffic: [String], log: LogOptions, manifest: TraceflowManifest
    ) throws {
        var options = RequestOptions.none
        (options.cluster, options.traffic) = (cluster, traffic)
        try self.init(options, log: log) { _ in [manifest] }
    }

    /// Keeps the traffic; tells what it is referred to by.
    func recordTraffic(_ store: ClusterStore) throws -> [TrafficReference] {
        let references = try traffic.map {
            try store.keepTraffic(bytes: $0.bytes, file: $0.file).reference
        }
        return references + (interface.map { [.interface("\($0)")] } ?? [])
    }

    /// Records the cluster, if there is one, and keeps the traffic.
    func recordWorld(_ store: ClusterStore) throws -> [TrafficReference] {
        if !clusterResources.isEmpty { _ = try store.observe(clusterResources, cluster) }
        return try recordTraffic(store)
    }

    /// Records cluster, traffic and requests.
    func record(in log: JobLog, _ store: ClusterStore) throws -> [RequestRecorder.Recorded] {
        let digest = try store.observe(clusterResources, cluster)
        let references = try recordTraffic(store)
        return try RequestRecorder(log: log).record(
            requests,
            against: .init(
                clusterDigest: digest, finder: PathFinder(cluster: cluster),
                traffic: references))
    }

    /// Records the sweeps against the cluster that was recorded last; tells which are new.
    func recordSweeps(
        in log: JobLog, _ store: ClusterStore
    ) throws -> [(name: String, isNew: Bool)] {
        guard !sweeps.isEmpty else { return [] }
        let digest = try store.observe(clusterResources, cluster)
        let book = SweepBook(log: log)
        return try sweeps.map { sweep in
            let name = sweep.name ?? ""
            if try Self.isHeld(sweep, book) { return (name, false) }
            _ = try book.record(sweep.counted(in: cluster, clusterDigest: digest))
            return (name, true)
        }
    }

    /// Records the schedules; tells what became of each.
    func recordSchedules(in log: JobLog) throws -> [(name: String, saved: ScheduleBook.Saved)] {
        let book = ScheduleBook(log: log)
        return try schedules.map { ($0.spec.name, try book.save($0.spec, isPaused: $0.isPaused)) }
    }

    /// What asks for something, and is no part of a cluster.
    private static func isRequest(_ resource: Resource) -> Bool {
        isTrace(resource)
            || [SweepManifest.kind, ScheduleManifest.kind].contains(resource.kind)
    }

    /// Whether the sweep is there already; throws when another has its name.
    private static func isHeld(_ sweep: SweepRequest, _ book: SweepBook) throws -> Bool {
        guard let name = sweep.name, let held = try book.held(name) else { return false }
        guard held.inOneNotation.isSame(as: sweep.inOneNotation) else {
            throw Refusal(
                "sweep \"\(name)\": exists already and asks for something else; choose another name"
            )
        }
        return true
    }

    private static func isTrace(_ resource: Resource) -> Bool {
        [TraceflowManifest.kind, PacketCaptureManifest.kind].contains(resource.kind)
            && resource.apiVersion.hasPrefix("crd.antrea.io/")
    }

    /// Later objects replace earlier ones of the same name.
    private static func merge(_ base: [Resource], _ more: [Resource]) -> [Resource] {
        guard !more.isEmpty else { return base }
        func key(_ resource: Resource) -> String {
            "\(resource.kind)/\(resource.namespace ?? "")/\(resource.name)"
        }
        let replaced = Set(more.map(key))
        return base.filter { !replaced.contains(key($0)) } + more
    }

    private static func request(
        _ manifest: TraceflowManifest, _ options: RequestOptions
    ) throws -> RequestRecorder.Request {
        for warning in manifest.warnings {
            if options.cluster.strict { throw Refusal("\(warning)") }
            Output.warning("\(warning)")
        }
        return try RequestRecorder.Request(
            manifest, priority: options.priority, retries: options.retries)
    }
}
