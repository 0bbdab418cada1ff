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
        for sweep in [old.entry, new.entry] where sweep.phase != .finished {
            throw CommandFailure(
                "sweep \(sweep.name) is \(sweep.phase.rawValue): only finished ones are compared")
        }
        try announceOthers(old.observed, new.observed)
        let differences = old.observed.differences(to: new.observed)
        switch output {
        case .table: Output.result(DifferencePrinter.table(differences))
        case .markdown: Output.result(DifferencePrinter.markdown(differences))
        case .json: Output.result(DifferencePrinter.value(differences).json)
        }
        if !differences.isEmpty { throw CommandFailure.no }
    }

    /// Says which Pods only one of them asked about; refuses two that have none in common.
    private func announceOthers(_ old: ObservedMatrix, _ new: ObservedMatrix) throws {
        let (before, after) = (
            Set(old.sources + old.destinations), Set(new.sources + new.destinations)
        )
        let sources = Set(old.sources).intersection(new.sources)
        let destinations = Set(old.destinations).intersection(new.destinations)
        guard sources.contains(where: { source in destinations.contains { $0 != source } }) else {
            throw CommandFailure("the sweeps have no pair of Pods in common")
        }
        for (word, pods) in [
            ("gone", before.subtracting(after)), ("new", after.subtracting(before)),
        ]
        where !pods.isEmpty {
            Output.warning("\(word) Pods: " + pods.sorted().joined(separator: ", "))
        }
    }
}

/// The recorded result of a sweep.
struct SweepMatrix {
    let entry: SweepBook.Entry
    let finder: PathFinder
    let observed: ObservedMatrix

    init(_ name: String, _ log: JobLog, until moment: Moment? = nil) throws {
        let history = try HistoryReading.caughtUp(log)
        entry =
            try PastNames(log, history).endedSweep(name) ?? SweepBook(log: log).entry(named: name)
        finder = try ClusterPast(log: log, history: history)
            .pathFinder(of: entry.request.clusterDigest)
        let plan = try SweepPlan(id: entry.id, request: entry.request, finder: finder)
        observed = try ObservedMatrix(of: entry, plan: plan, in: history, until: moment)
    }

    /// What the model of the same cluster says of the same pairs.
    func computed() throws -> Reachability {
        try finder.cluster.reachability(
            from: observed.sources, to: observed.destinations, on: observed.ports,
            prefersV6: entry.request.pairs.prefersV6)
    }
}
