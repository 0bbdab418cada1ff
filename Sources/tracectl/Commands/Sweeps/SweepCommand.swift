import ArgumentParser
import Cluster
import JobLog
import Scheduler
import TraceLog
import Traceflow
import Worker

/// Traces of many pairs of Pods at once.
struct SweepCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sweep", abstract: "Trace every pair of Pods, and see what became of each.",
        subcommands: [
            SweepRun.self, SweepList.self, SweepShow.self, SweepDiff.self, SweepCancel.self,
            SweepResume.self,
        ])
}

enum SweepFormat: String, CaseIterable, ExpressibleByArgument { case table, json, yaml, name }

/// Lists the sweeps of a log.
struct SweepList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the sweeps of a log, the latest first.")

    @OptionGroup var log: LogOptions

    @Option(name: .shortAndLong, help: "How to print.")
    var output: SweepFormat = .table

    @Option(help: "So many sweeps at most.")
    var limit: Int?

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit must be at least 1") }
    }

    func run() throws {
        let entries = try SweepBook(log: log.reading()).all()
        if entries.isEmpty, output == .table {
            return Output.note("No sweeps yet; begin with `tracectl sweep run --ports tcp/80`.")
        }
        Output.result(
            SweepPrinter.text(Array(entries.prefix(limit ?? .max)), output, isList: true))
    }
}

/// Shows one sweep.
struct SweepShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show one sweep: what it asked, how far it has come, what it found.")

    @OptionGroup var log: LogOptions

    @Argument(help: "The sweep's name or number.")
    var name: String

    @Option(name: .shortAndLong, help: "How to print.")
    var output: SweepFormat?

    func run() throws {
        let entry = try SweepBook(log: log.reading()).entry(named: name)
        Output.result(
            output.map { SweepPrinter.text([entry], $0, isList: false) }
                ?? SweepPrinter.description(entry))
    }
}

/// Ends sweeps before they are through.
struct SweepCancel: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel",
        abstract: "End sweeps early: nothing more is traced; what was found stays.")

    @OptionGroup var log: LogOptions

    @Argument(help: "The sweeps' names or numbers.")
    var names: [String]

    func run() throws {
        let log = try log.writing()
        let book = SweepBook(log: log)
        for entry in try names.map({ try book.entry(named: $0) }) {
            if try book.cancel(entry.id) == nil {
                Output.note("sweep \(printable(entry.name)) is over already")
            } else {
                Output.result("sweep \(printable(entry.name)) cancelled\n")
            }
        }
        try Settlement.settle(log, holder: WorkerCommand.uniqueID("settle"))
    }
}

/// Goes on with a sweep that was interrupted.
struct SweepResume: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Go on with a sweep that was interrupted, here, to its end.",
        discussion: "A running `tracectl worker` goes on with it by itself.")

    @OptionGroup var log: LogOptions
    @OptionGroup var drive: SweepDriveOptions
    @OptionGroup(title: "Real cluster") var backend: BackendOptions
    @OptionGroup(title: "Limits on a real cluster") var limits: ClusterLimits

    @Argument(help: "The sweep's name or number.")
    var name: String

    func run() throws {
        let log = try log.writing()
        let entry = try SweepBook(log: log).entry(named: name)
        switch entry.phase {
        case .finished: Output.note("sweep \(printable(entry.name)) has finished already")
        case .cancelled:
            let reason = entry.reason.isEmpty ? "" : ": " + entry.reason
            throw CommandFailure(
                "sweep \(entry.name) was cancelled\(reason); ask anew with `tracectl sweep run`")
        case .running: break
        }
        try drive.run(entry.id, log, backend, limits)
    }
}
