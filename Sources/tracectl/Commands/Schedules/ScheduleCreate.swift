import API
import ArgumentParser
import Cluster
import JobLog
import Scheduler
import Traceflow
import Worker

/// Records a schedule.
struct ScheduleCreate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Make a schedule, or change the one of that name.",
        discussion: """
            What it begins is a trace, said as `tracectl run` takes it (-S, -D, --flow), or a \
            sweep (--ports). Or give manifests with TraceSchedules (-f).
            """)

    @OptionGroup var log: LogOptions
    @OptionGroup var cluster: ClusterOptions
    @OptionGroup var form: TraceForm
    @OptionGroup var timing: ScheduleTiming

    @Argument(help: "The schedule's name.")
    var name: String?

    @Option(
        name: [.customShort("f"), .customLong("filename")], parsing: .upToNextOption,
        help: ArgumentHelp(
            "Manifests with TraceSchedules: files, folders, or -.", valueName: "file"),
        completion: .file())
    var files: [String] = []

    @Option(
        name: .customLong("ports"), help: "Begin a sweep of these ports: tcp/80,udp/53,icmp.",
        transform: { try SweepOptions.ports($0) })
    var ports: [SweepPairs.Port] = []

    @Option(help: ArgumentHelp("The sweep's sources.", valueName: "selector"))
    var from: String?

    @Option(help: ArgumentHelp("The sweep's destinations.", valueName: "selector"))
    var to: String?

    @Option(help: "The sweep's coverage: pairs or classes.")
    var coverage: SweepPairs.Coverage = .pairs

    func validate() throws {
        guard files.isEmpty else {
            if name != nil || form.isGiven || form.capture.request != nil || !ports.isEmpty
                || timing.isGiven
            {
                throw ValidationError("-f says it all: no name and no other flags beside it")
            }
            return
        }
        guard let name else { throw ValidationError("give a name, or manifests with -f") }
        if let fault = ObjectName.fault(in: name) { throw ValidationError("the name \(fault)") }
        if name.utf8.count > ScheduleSpec.nameLengthMax {
            throw ValidationError(
                "the name must be no more than \(ScheduleSpec.nameLengthMax) characters")
        }
        guard timing.every != nil || timing.cron != nil else {
            throw ValidationError("say when: --every 5m or --cron '*/5 * * * *'")
        }
        if let fault = form.capture.request?.violation(hasSourcePod: form.source != nil) {
            throw ValidationError("--capture: \(fault.rule)")
        }
        guard form.isGiven != !ports.isEmpty else {
            throw ValidationError("say what: a trace with -S and -D, or a sweep with --ports")
        }
    }

    func run() throws {
        let known = try log.existing()
        let resources = try cluster.isGiven ? cluster.resources() : nil
        var model: Cluster?
        if let resources {
            model = try Cluster(resources)
        } else if let known {
            model = try ClusterReading.latest(known)
        }
        if let model, resources != nil { try cluster.report(model) }
        var specs: [(spec: ScheduleSpec, isPaused: Bool?)] = []
        if let name {
            specs = [(try spec(name, model), timing.suspend ? true : nil)]
        }
        for file in files {
            specs += try ManifestReader.read(path: file, standardInput: standardInput)
                .filter { $0.kind == ScheduleManifest.kind }
                .map { try PreparedRequests.schedule($0, strict: cluster.strict) }
        }
        if specs.isEmpty { throw CommandFailure("no TraceSchedule in the given files") }
        for (spec, _) in specs { try spec.check(in: model) }
        let log = try known ?? log.creating()
        if let resources, let model {
            _ = try ClusterStore(log: log).observe(resources, model)
        }
        let book = ScheduleBook(log: log)
        for (spec, isPaused) in specs {
            let saved = try book.save(spec, isPaused: isPaused)
            Output.result("traceschedule.tracectl.dev/\(spec.name) \(saved.rawValue)\n")
        }
        if try log.leases(rolePrefix: "decider").isEmpty {
            Output.note("a worker begins what is due: start `tracectl worker`")
        }
    }

    private func spec(_ name: String, _ model: Cluster?) throws -> ScheduleSpec {
        let work: ScheduleSpec.Work
        if ports.isEmpty {
            guard let model else {
                throw CommandFailure(
                    "no cluster: say which with --cluster PATH", status: CommandFailure.usage)
            }
            work = .trace(TraceTemplate(spec: try form.manifest(in: model).spec))
        } else {
            work = .sweep(
                SweepRequest(
                    pairs: SweepPairs(from: from, to: to, ports: ports, coverage: coverage),
                    capture: form.capture.request))
        }
        return try timing.spec(name, work)
    }

}
