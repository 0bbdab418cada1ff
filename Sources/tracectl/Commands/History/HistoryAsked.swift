import API
import ArgumentParser
import Foundation
import History
import JobLog
import Scheduler
import Traceflow
import Worker

/// The logs that are asked, several at once where their clusters are compared.
struct HistoryLogs: ParsableArguments {
    @Option(
        name: .customLong("log"), parsing: .singleValue,
        help: ArgumentHelp(
            "The folder of a log (repeatable; environment: TRACECTL_LOG).", valueName: "folder"),
        completion: .directory)
    var folders: [String] = []

    /// One log with its history, folded as far as the log goes.
    struct Opened {
        /// What tells it from the others.
        var name: String
        var log: JobLog
        var history: History
    }

    func open() throws -> [Opened] {
        let paths = folders.isEmpty ? [LogOptions.path(nil)] : folders
        let whole = paths.map { URL(fileURLWithPath: $0).standardizedFileURL }
        let names = whole.map(\.lastPathComponent)
        return try zip(paths, whole).map { path, url in
            let log = try JobLog.openTraces(path, access: .readOnly)
            let history = try HistoryReading.caughtUp(log)
            let isAlone = names.filter { $0 == url.lastPathComponent }.count == 1
            return Opened(
                name: isAlone ? url.lastPathComponent : url.path, log: log, history: history)
        }
    }
}

/// Opens histories for commands.
enum HistoryReading {
    /// Beyond so many events people are told why they wait.
    private static let saidFrom: Int64 = 200_000

    /// The history of the log, folded as far as the log goes now.
    static func caughtUp(_ log: JobLog) throws -> History {
        do {
            return try folded(log)
        } catch let error as JobLogError where History.isDamaged(error, beside: log) {
            Output.warning("\(error.message): it is folded anew")
            try History.remove(beside: log)
            return try folded(log)
        }
    }

    private static func folded(_ log: JobLog) throws -> History {
        let history = try History(of: log)
        let lag = try history.lag()
        let isSaid = lag >= saidFrom && isatty(STDERR_FILENO) == 1
        let end = try history.position() + lag
        try history.catchUp { position in
            if isSaid { Output.line("history: \(max(0, end - position)) events to fold") }
            return true
        }
        if isSaid { Output.line("") }
        let missed = try history.missed()
        if missed > 0 {
            Output.warning(
                "\(missed) traces are left out: segments with their requests were dropped before"
                    + " they were folded")
        }
        return history
    }
}

/// What traces are asked for by.
struct HistoryConditions: ParsableArguments {
    @Option(
        name: [.customShort("S"), .long],
        help: ArgumentHelp(
            "From this Pod: namespace/name, or a name in any namespace; or an address.",
            valueName: "pod"))
    var source: String?

    @Option(
        name: [.customShort("D"), .long],
        help: ArgumentHelp(
            "To this Pod or Service (namespace/name, or a name), or an address.",
            valueName: "pod|service|ip"))
    var destination: String?

    @Option(name: .shortAndLong, help: "From or to somebody in this namespace.")
    var namespace: String?

    @Option(help: "That passed this node.")
    var node: String?

    @Option(
        help: ArgumentHelp(
            "On which this policy had a say: as paths name it, namespace/name, or a name.",
            valueName: "policy"))
    var policy: String?

    @Option(help: "On which a rule of this name had a say.")
    var rule: String?

    @Option(help: "With this verdict: delivered, dropped, rejected, out, lost (repeatable).")
    var verdict: [ExpectedVerdict] = []

    @Option(help: "With this phase: Succeeded or Failed.")
    var phase: EndedPhase?

    @Option(help: "Of this sweep, by name or number.")
    var sweep: String?

    @Option(help: "Of this schedule, by name or number, deleted or not.")
    var schedule: String?

    @Option(
        name: [.customShort("l"), .customLong("label")],
        help: ArgumentHelp("With this label (repeatable).", valueName: "key=value"))
    var labels: [String] = []

    @Option(
        parsing: .unconditional,
        help: "From this moment on: RFC 3339, or -2h for two hours ago.")
    var since: MomentArgument?

    @Option(parsing: .unconditional, help: "Until this moment.")
    var until: MomentArgument?

    @Option(parsing: .unconditional, help: "As it was known at this moment.")
    var at: MomentArgument?

    enum EndedPhase: String, CaseIterable, ExpressibleByArgument { case Succeeded, Failed }

    func validate() throws {
        if at != nil, until != nil { throw ValidationError("--at and --until exclude each other") }
        _ = try parsedLabels()
    }

    private func parsedLabels() throws -> [String: String] {
        var parsed: [String: String] = [:]
        for text in labels.flatMap({ $0.split(separator: ",") }) {
            let halves = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard halves.count == 2, !halves[0].isEmpty else {
                throw ValidationError("--label: \"\(text)\" is not key=value")
            }
            parsed[String(halves[0])] = String(halves[1])
        }
        return parsed
    }

    /// A sweep or schedule that none of the logs knows is a mistake.
    func refuseUnknown(_ opened: [HistoryLogs.Opened]) throws {
        if try opened.contains(where: { try filter($0) != nil }) { return }
        if let sweep, try !opened.contains(where: { try PastNames($0).sweep(sweep) != nil }) {
            throw Refusal("sweep \"\(sweep)\" not found; `tracectl sweep list` shows all")
        }
        throw Refusal(
            "schedule \"\(schedule ?? "")\" not found; `tracectl schedule list` shows all")
    }

    /// The conditions in the words of one log, whose sweeps and schedules have their own numbers;
    /// nil for a log that does not know them.
    func filter(_ opened: HistoryLogs.Opened) throws -> HistoryFilter? {
        let now = Clock.system.now()
        var filter = HistoryFilter()
        filter.source = source
        filter.destination = destination
        filter.namespace = namespace
        filter.node = node
        filter.policy = policy
        filter.rule = rule
        filter.verdicts = verdict.flatMap(\.verdicts)
        filter.phase = phase.flatMap { Phase(rawValue: $0.rawValue) }
        filter.labels = try parsedLabels()
        filter.since = since?.moment(now: now)
        filter.until = (until ?? at)?.moment(now: now)
        if let sweep {
            guard let id = try PastNames(opened).sweep(sweep) else { return nil }
            filter.sweep = id
        }
        if let schedule {
            guard let id = try PastNames(opened).schedule(schedule) else { return nil }
            filter.schedule = id
        }
        return filter
    }
}

extension ExpectedVerdict {
    var verdicts: [Verdict] { Verdict.allCases.filter { isMet(by: $0) } }
}

/// Rows that are printed in any of the formats of history.
struct HistoryRows {
    enum Format: String, CaseIterable, ExpressibleByArgument { case table, json, jsonl, csv }

    var columns: [String]
    /// Of them those that a table has; nil for all.
    var shown: [String]?
    /// Of them those that only JSON has.
    var listed: [String] = []
    var rows: [[OutputValue]]

    func print(_ format: Format, empty: String) {
        switch format {
        case .table:
            if rows.isEmpty { return Output.note(empty) }
            let places = columns.indices.filter { shown?.contains(columns[$0]) ?? true }
            var table = TextTable(header: places.map { columns[$0].uppercased() })
            table.rows = rows.map { row in places.map { Self.cell(row[$0]) } }
            Output.result(table.text())
        case .csv:
            let places = columns.indices.filter { !listed.contains(columns[$0]) }
            let lines =
                [places.map { columns[$0] }]
                + rows.map { row in places.map { PairPrinter.csvCell(Self.plain(row[$0])) } }
            Output.result(lines.map { $0.joined(separator: ",") + "\n" }.joined())
        case .json: Output.result(OutputValue.list(rows.map(object)).json)
        case .jsonl: Output.result(rows.map { object($0).compactJSON + "\n" }.joined())
        }
    }

    private func object(_ row: [OutputValue]) -> OutputValue {
        .map(zip(columns, row).map { .init(key: $0, value: $1) })
    }

    private static func cell(_ value: OutputValue) -> String {
        let text = plain(value)
        return text.isEmpty ? "-" : text
    }

    private static func plain(_ value: OutputValue) -> String {
        switch value {
        case .string(let text): printable(text)
        case .int(let number): String(number)
        case .double(let number): String(number)
        case .bool(let flag): String(flag)
        case .null: ""
        case .list(let values): values.map(plain).joined(separator: " ")
        case .map(let entries):
            entries.map { "\($0.key)=\(plain($0.value))" }.joined(separator: " ")
        }
    }
}
