import API
import ArgumentParser
import Cluster
import JobLog
import Scheduler
import Traceflow
import Worker

/// Records a sweep and runs it here to its end.
struct SweepRun: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Trace every pair of the selected Pods on the given ports.",
        discussion: """
            Say what with flags, or with a TraceSweep manifest (-f). Ctrl-C leaves the sweep in \
            the log; `tracectl sweep resume` or any worker goes on with it. Exit status 1 when a \
            trace of it Failed.
            """)

    @OptionGroup var log: LogOptions
    @OptionGroup var cluster: ClusterOptions
    @OptionGroup(title: "Limits on a real cluster") var limits: ClusterLimits
    @OptionGroup var asked: SweepOptions
    @OptionGroup var drive: SweepDriveOptions

    @Option(
        name: [.customShort("f"), .customLong("filename")],
        help: ArgumentHelp("A manifest with one TraceSweep.", valueName: "file"),
        completion: .file())
    var file: String?

    @Flag(help: "Record the sweep and leave it to a worker.")
    var nowait = false

    @Flag(help: "Print the traces that would be made, and make none.")
    var dryRun = false

    func validate() throws {
        if (file == nil) == asked.ports.isEmpty {
            throw ValidationError("say what to trace: --ports tcp/80,… or -f FILE")
        }
    }

    func run() throws {
        // Where tags are scarce, one pair stands for those that are alike.
        let coverage: SweepPairs.Coverage = cluster.backend.isKubernetes ? .classes : .pairs
        let asked =
            try file.map { try manifest($0, coverage) } ?? asked.request(coverage: coverage)
        let known = try log.existing()
        let resources = try cluster.isGiven ? cluster.resources() : nil
        let model: Cluster
        if let resources {
            model = try Cluster(resources)
            try cluster.report(model)
        } else {
            model = try cluster.model(log)
        }
        try announceLeftOut(model, asked.pairs)
        // Refused before anything is recorded.
        let counted = try asked.counted(in: model, clusterDigest: [])
        if dryRun { return try DryRun.show(counted, PathFinder(cluster: model)) }
        let log = try known ?? log.creating()
        let store = ClusterStore(log: log)
        let digest = try resources.map { try store.observe($0, model) } ?? store.latest()?.digest
        let request = try asked.counted(in: model, clusterDigest: digest ?? [])
        let id = try SweepBook(log: log).record(request)
        if !drive.quiet { Output.note(SweepPrinter.announcement(id, request)) }
        if nowait {
            Output.result("tracesweep.tracectl.dev/\(request.name ?? id.description)\n")
            return
        }
        try drive.run(id, log, cluster.backend, limits)
    }

    private func announceLeftOut(_ model: Cluster, _ pairs: SweepPairs) throws {
        let absent = model.podsLeftOut
        if !absent.isEmpty { Output.warning("left out: " + absent.joined(separator: ", ")) }
        let optedOut = model.namespacesOptedOut
        if !optedOut.isEmpty {
            Output.warning(
                "left out, since they want no traces: " + optedOut.joined(separator: ", "))
        }
        let silent = try model.podsThatCannotSend(matching: pairs.from)
        if !silent.isEmpty {
            Output.warning("no trace can start at: " + silent.joined(separator: ", "))
        }
    }

    private func manifest(
        _ path: String, _ coverage: SweepPairs.Coverage
    ) throws -> SweepRequest {
        let resources = try ManifestReader.read(path: path, standardInput: standardInput)
            .filter { $0.kind == SweepManifest.kind }
        guard let resource = resources.first, resources.count == 1 else {
            throw CommandFailure(
                "\(path): \(resources.isEmpty ? "no TraceSweep" : "more than one TraceSweep") in it"
            )
        }
        return try SweepRequest(resource, strict: cluster.strict, coverage: coverage)
    }
}

extension SweepRequest {
    /// What a manifest asks for; says what nobody knows in it, or under `strict` refuses it.
    init(
        _ resource: Resource, strict: Bool, coverage: SweepPairs.Coverage = .pairs
    ) throws {
        let manifest = try SweepManifest(resource)
        for warning in manifest.warnings {
            if strict { throw Refusal("\(warning)") }
            Output.warning("\(warning)")
        }
        self.init(manifest, name: manifest.name, coverage: coverage)
    }
}

/// What a sweep is asked about, and how fast.
struct SweepOptions: ParsableArguments {
    @Option(
        name: .customLong("ports"), help: "Ports to trace: tcp/80,udp/53,icmp.",
        transform: { try Self.ports($0) })
    var ports: [SweepPairs.Port] = []

    @Option(
        help: ArgumentHelp(
            "Only from Pods that the selector selects: app=web,metadata.namespace=shop.",
            valueName: "selector"))
    var from: String?

    @Option(
        help: ArgumentHelp("Only to Pods that the selector selects.", valueName: "selector"))
    var to: String?

    @Option(help: "What Pods with addresses of both families are traced in: ipv4 or ipv6.")
    var family: MatrixOptions.FamilyChoice = .ipv4

    @Option(
        help: """
            pairs traces every pair; classes traces one of those that the cluster's model cannot \
            tell apart, and infers the others. Default: pairs; on a real cluster classes.
            """)
    var coverage: SweepPairs.Coverage?

    @Option(help: "A name for the sweep. Default: it is called by its number.")
    var name: String?

    @Option(help: "Priority of the traces, 0 to 9; 9 goes first.")
    var priority = SweepRequest.defaultPriority

    @Option(help: "How often a failed trace is tried again.")
    var retries = 0

    @Option(name: .shortAndLong, help: "How long a trace may run.")
    var timeout = Duration64(
        microseconds: Int64(TraceflowSpec.defaultTimeoutSeconds) * 1_000_000)

    @Option(help: "So many traces that wait or run at once, at most.")
    var maxInFlight: Int?

    @OptionGroup var capture: CaptureOptions

    @Option(help: "So many traces at most: 200 a second, 200/m a minute, 200/h an hour.")
    var rate: SweepRate?

    func validate() throws {
        if let name {
            if let fault = ObjectName.fault(in: name) { throw ValidationError("--name \(fault)") }
            if Int64(name) != nil {
                throw ValidationError("--name: sweeps without a name are called by numbers")
            }
        }
        if !TraceRequest.priorities.contains(priority) {
            throw ValidationError("--priority must be between 0 and 9")
        }
        if !(0...TraceRequest.retriesMax).contains(retries) {
            throw ValidationError("--retries must be between 0 and \(TraceRequest.retriesMax)")
        }
        if !(1_000_000...300_000_000).contains(timeout.microseconds) {
            throw ValidationError("--timeout must be between 1s and 300s")
        }
        if let fault = capture.request?.violation(hasSourcePod: true) {
            throw ValidationError("--capture: \(fault.rule)")
        }
        if let maxInFlight, !SweepManifest.openMaxRange.contains(maxInFlight) {
            throw ValidationError("--max-in-flight must be between 1 and 1000000")
        }
    }

    /// `coverage` is for when nothing is said of it.
    func request(coverage given: SweepPairs.Coverage) -> SweepRequest {
        SweepRequest(
            name: name,
            pairs: SweepPairs(
                from: from, to: to, ports: ports, prefersV6: family == .ipv6,
                coverage: coverage ?? given),
            priority: priority, retries: retries,
            timeoutSeconds: Int(timeout.microseconds / 1_000_000), openMax: maxInFlight,
            intervalMicroseconds: rate?.intervalMicroseconds, capture: capture.request)
    }

    static func ports(_ text: String) throws -> [SweepPairs.Port] {
        try text.split(separator: ",").map { try port(String($0)) }
    }

    private static func port(_ text: String) throws -> SweepPairs.Port {
        if text.lowercased() == "icmp" { return .init(protocol: "ICMP", number: 0) }
        let port = try PortText.parse(text)
        if port.protocol == "SCTP" {
            throw ValidationError("\"\(text)\": a Traceflow cannot state a port of SCTP")
        }
        return .init(protocol: port.protocol, number: port.number)
    }
}

extension SweepPairs.Coverage: ExpressibleByArgument {}

/// `200`, `200/s`, `200/m`, `200/h`.
struct SweepRate: ExpressibleByArgument, Hashable {
    var intervalMicroseconds: Int64

    init?(argument: String) {
        let parts = argument.split(separator: "/", omittingEmptySubsequences: false)
        let seconds: [Substring: Double] = ["s": 1, "m": 60, "h": 3600]
        guard parts.count <= 2, let number = Double(parts[0]), number > 0, number.isFinite,
            let unit = parts.count == 1 ? 1 : seconds[parts[1]]
        else { return nil }
        intervalMicroseconds = SweepRequest.interval(number / unit)
    }
}
