import ArgumentParser
import Cluster
import JobLog
import Scheduler
import Traceflow
import Worker

/// Traces and sweeps that begin by the clock.
struct ScheduleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schedule", abstract: "Trace by the clock, and watch what comes of it.",
        discussion: "A `tracectl worker` begins what is due; nothing begins without one.",
        subcommands: [
            ScheduleCreate.self, ScheduleList.self, ScheduleShow.self, SchedulePause.self,
            ScheduleResume.self, ScheduleRunNow.self, ScheduleDelete.self,
        ])
}

/// Lists the schedules of a log.
struct ScheduleList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the schedules of a log, by name.")

    @OptionGroup var log: LogOptions

    @Option(name: .shortAndLong, help: "How to print.")
    var output: SweepFormat = .table

    func run() throws {
        let entries = try ScheduleBook(log: log.reading()).all()
        if entries.isEmpty, output == .table {
            return Output.note(
                "No schedules yet; make one with"
                    + " `tracectl schedule create NAME --every 5m -S POD -D POD`.")
        }
        Output.result(SchedulePrinter.text(entries, output, isList: true))
    }
}

/// Shows one schedule.
struct ScheduleShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show one schedule and its last events.")

    @OptionGroup var log: LogOptions

    @Argument(help: "The schedule's name.")
    var name: String

    @Option(name: .shortAndLong, help: "How to print.")
    var output: SweepFormat?

    @Option(help: "So many events at most.")
    var limit = 10

    func run() throws {
        let book = ScheduleBook(log: try log.reading())
        let entry = try book.entry(named: name)
        if let output {
            return Output.result(SchedulePrinter.text([entry], output, isList: false))
        }
        let events = try book.events(of: entry.id, limit: max(0, limit))
        Output.result(SchedulePrinter.description(entry, events))
    }
}

/// What is done to schedules by name, or to all at once.
struct ScheduleNames: ParsableArguments {
    @Argument(help: "The schedules' names.")
    var names: [String] = []

    @Flag(help: "All schedules of the log.")
    var all = false

    func validate() throws {
        if names.isEmpty != all { throw ValidationError("give names, or --all") }
    }

    /// Records the event of each; says of each what became of it.
    func record(
        _ event: ScheduleEvent, in options: LogOptions, done: String, already: String?
    ) throws {
        let book = ScheduleBook(log: try options.writing())
        let entries = try all ? book.all() : names.map { try book.entry(named: $0) }
        if entries.isEmpty { return Output.note("No schedules found.") }
        for entry in entries {
            if try book.record(event, of: entry) {
                Output.result("schedule \(printable(entry.name)) \(done)\n")
            } else if let already {
                Output.note("schedule \(printable(entry.name)) \(already)")
            }
        }
    }
}

/// Keeps schedules from beginning anything.
struct SchedulePause: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Let schedules begin nothing until they are resumed; --all stops every probe.")

    @OptionGroup var log: LogOptions
    @OptionGroup var which: ScheduleNames

    func run() throws {
        try which.record(.paused, in: log, done: "paused", already: "is paused already")
    }
}

/// Lets schedules go on.
struct ScheduleResume: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Let paused schedules go on with their next slot; those between are nobody's.")

    @OptionGroup var log: LogOptions
    @OptionGroup var which: ScheduleNames

    func run() throws {
        try which.record(.resumed, in: log, done: "resumed", already: "is not paused")
    }
}

/// Begins schedules outside of their calendar.
struct ScheduleRunNow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run-now",
        abstract: "Begin schedules once, now, paused or not; a worker does it.")

    @OptionGroup var log: LogOptions
    @OptionGroup var which: ScheduleNames

    func run() throws {
        try which.record(.runRequested, in: log, done: "is asked to begin", already: "was deleted")
    }
}

/// Takes schedules away; what they began stays.
struct ScheduleDelete: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Delete schedules: names are freed, history stays.")

    @OptionGroup var log: LogOptions
    @OptionGroup var which: ScheduleNames

    func run() throws {
        try which.record(.deleted, in: log, done: "deleted", already: "was deleted already")
    }
}
