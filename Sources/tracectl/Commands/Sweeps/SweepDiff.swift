import ArgumentParser
import Cluster
import JobLog
import Scheduler
import Traceflow
import Worker

/// What changed from one sweep to another.
struct SweepDiff: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Say which pairs two sweeps found different, and which policy decides now.",
        discussion: "Exit status 1 when any are.")

    @OptionGroup var log: LogOptions

    @Argument(help: "The earlier sweep's name or number.")
    var before: String

    @Argument(help: "The later one's.")
    var after: String

    @Option(name: .shortAndLong, help: "How to print.")
    var output: MatrixDiff.Format = .table

    func run() throws {
        let log = try log.reading()
        let (old, new) = (try SweepMatrix(before, log), try SweepMatrix(after, log))
        let (oldPorts, newPorts) = (old.observed.ports, new.observed.ports)
        guard oldPorts == newPorts else {
            throw CommandFailure(
                "the sweeps asked about different ports:"
                    + " \(oldPorts.map(\.text).joined(separator: ",")) and"
                    + " \(newPorts.map(\.text).joined(separator: ","))")
        }
        let differences = old.observed.differences(to: new.observed)
        switch output {
        case .table: Output.result(DifferencePrinter.table(differences))
        case .markdown: Output.result(DifferencePrinter.markdown(differences))
        case .json: Output.result(DifferencePrinter.value(differences).json)
        }
        if !differences.isEmpty { throw CommandFailure.no }
    }
}

/// The recorded result of a sweep.
struct SweepMatrix {
    let entry: SweepBook.Entry
    let finder: PathFinder
    let observed: ObservedMatrix

    init(_ name: String, _ log: JobLog, until moment: Moment? = nil) throws {
        entry = try SweepBook(log: log).entry(named: name)
        finder = try ClusterStore(log: log).pathFinder(of: entry.request.clusterDigest)
        let plan = try SweepPlan(id: entry.id, request: entry.request, finder: finder)
        observed = try ObservedMatrix(of: entry, plan: plan, in: log, until: moment)
    }

    /// What the model of the same cluster says of the same pairs.
    func computed() throws -> Reachability {
        try finder.cluster.reachability(
            from: observed.sources, to: observed.destinations, on: observed.ports,
            prefersV6: entry.request.pairs.prefersV6)
    }
}
