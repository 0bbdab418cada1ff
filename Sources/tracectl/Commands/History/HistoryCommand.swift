import ArgumentParser
import JobLog
import Scheduler
import Traceflow
import Worker

/// Questions about what probes found.
struct HistoryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history", abstract: "Ask what probes found, when it turned, and how often.",
        subcommands: [HistoryList.self, HistoryChanges.self, HistoryUptime.self],
        defaultSubcommand: HistoryList.self)
}

enum HistoryFormat: String, CaseIterable, ExpressibleByArgument { case table, json, jsonl, csv }

/// Which probe, and when.
struct HistoryOptions: ParsableArguments {
    @Option(help: "The schedule whose traces are asked about, by name or number, deleted or not.")
    var schedule: String

    @Option(
        parsing: .unconditional,
        help: "Only slots from this moment on: RFC 3339, or -2h for two hours ago.")
    var since: MomentArgument?

    @Option(parsing: .unconditional, help: "Only slots until this moment.")
    var until: MomentArgument?

    @Option(name: .shortAndLong, help: "How to print.")
    var output: HistoryFormat = .table

    func runs(_ log: JobLog) throws -> [ProbeRun] {
        let entry = try ScheduleBook(log: log).past(named: schedule)
        let now = Clock.system.now()
        return try ProbeHistory(log: log).runs(
            of: entry.id, from: since?.moment(now: now), until: until?.moment(now: now))
    }

    /// What was thought of the probe.
    func findings(_ log: JobLog) throws -> [ProbeChange] {
        let entry = try ScheduleBook(log: log).past(named: schedule)
        return try ProbeHistory(log: log).findings(of: entry.id)
    }

    /// Prints rows of the same columns in any format.
    func print(_ columns: [String], _ rows: [[OutputValue]], empty: String) {
        switch output {
        case .table:
            if rows.isEmpty { return Output.note(empty) }
            var table = TextTable(header: columns.map { $0.uppercased() })
            table.rows = rows.map { $0.map(Self.cell) }
            Output.result(table.text())
        case .csv:
            Output.result(
                ([columns] + rows.map { $0.map { PairPrinter.csvCell(Self.cell($0)) } })
                    .map { $0.joined(separator: ",") + "\n" }.joined())
        case .json: Output.result(OutputValue.list(rows.map { Self.object(columns, $0) }).json)
        case .jsonl:
            Output.result(rows.map { Self.object(columns, $0).compactJSON + "\n" }.joined())
        }
    }

    private static func object(_ columns: [String], _ row: [OutputValue]) -> OutputValue {
        .map(zip(columns, row).map { .init(key: $0, value: $1) })
    }

    private static func cell(_ value: OutputValue) -> String {
        switch value {
        case .string(let text): printable(text)
        case .int(let number): String(number)
        case .bool(let flag): String(flag)
        case .null, .list, .map: "-"
        }
    }
}

/// The traces of a probe, the latest first.
struct HistoryList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List what a probe found, the latest first (the default).")

    @OptionGroup var log: LogOptions
    @OptionGroup var asked: HistoryOptions

    @Option(help: "Only with this verdict: delivered, dropped, rejected, out, lost.")
    var verdict: ExpectedVerdict?

    @Option(help: "So many at most.")
    var limit = 50

    func run() throws {
        let runs = try asked.runs(log.reading()).reversed().filter { run in
            verdict?.isMet(by: run.verdict) ?? true
        }
        asked.print(
            ["slot", "phase", "verdict", "expected", "trace"],
            runs.prefix(max(0, limit)).map { run in
                [
                    .string(run.slot.text), .string(run.trace.phase.rawValue),
                    run.verdict.map { .string($0.rawValue) } ?? .null,
                    run.expected.map { .string($0.rawValue) } ?? .null,
                    .string(run.request.name),
                ]
            }, empty: "No traces found.")
    }
}

/// The moments at which a probe turned.
struct HistoryChanges: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "changes",
        abstract: "List when a probe's verdict or path turned, and what changed before.",
        discussion: "`tracectl incident` shows one of them whole.")

    @OptionGroup var log: LogOptions
    @OptionGroup var asked: HistoryOptions

    func run() throws {
        let log = try log.reading()
        let flips = ProbeHistory.flips(in: try asked.runs(log), findings: try asked.findings(log))
        let rows = try flips.map { flip -> [OutputValue] in
            let changes = try FoundIncident.changes(of: flip, log)
            let first = changes.first.map { change in
                let space =
                    change.reference.namespace.isEmpty ? "" : change.reference.namespace + "/"
                return "\(change.reference.kind) \(space)\(change.reference.name)"
                    + " \(change.kind.rawValue)"
            }
            return [
                .string(flip.after.slot.text), .string(flip.kind.rawValue),
                .string(flip.before.verdict?.rawValue ?? ""),
                .string(flip.after.verdict?.rawValue ?? ""), .int(changes.count),
                first.map { .string($0) } ?? .null,
                flip.finding.map { .string($0.kind.rawValue) } ?? .null,
            ]
        }
        asked.print(
            ["since", "kind", "before", "after", "edits", "edit", "finding"], rows,
            empty: "It never turned.")
    }
}

/// How often a probe found what was expected.
struct HistoryUptime: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "uptime",
        abstract: "Say how often a probe found what was expected, day by day, and its outages.",
        discussion: "Runs in times of maintenance are counted apart.")

    @OptionGroup var log: LogOptions
    @OptionGroup var asked: HistoryOptions

    @Flag(help: "List outages instead of days.")
    var outages = false

    func run() throws {
        let uptime = ProbeUptime(try asked.runs(log.reading()))
        let empty = "No expected results found; expectations are made with --expect."
        if outages {
            return asked.print(
                ["begin", "end", "verdict", "runs"],
                uptime.outages.map { outage in
                    [
                        .string(outage.begin.text), outage.end.map { .string($0.text) } ?? .null,
                        .string(outage.verdict.rawValue), .int(outage.runs),
                    ]
                }, empty: "No outages found.")
        }
        asked.print(
            ["day", "runs", "expected", "percent", "maintenance"],
            uptime.days.map { day in
                [
                    .string(String(day.begin.text.prefix(10))), .int(day.runs),
                    .int(day.expected),
                    day.runs == 0
                        ? .null : .string(Self.percent(day.expected, of: day.runs)),
                    .int(day.excused),
                ]
            }, empty: empty)
    }

    /// With two digits behind the point, rounded down: 100 is said only of all.
    private static func percent(_ part: Int, of whole: Int) -> String {
        let hundredths = whole == 0 ? 0 : part * 10_000 / whole
        let rest = String(hundredths % 100)
        return "\(hundredths / 100)." + (rest.count == 1 ? "0" : "") + rest
    }
}
