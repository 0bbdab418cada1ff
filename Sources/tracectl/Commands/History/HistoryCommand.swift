import API
import ArgumentParser
import History
import JobLog
import Scheduler
import Traceflow
import Worker

/// Questions about the past of one cluster or several.
struct HistoryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: "Ask about past traces: list them, when pairs turned, how often probes were met.",
        discussion: """
            `history` lists ended traces, the latest first. `history changes` lists when what was \
            found between two ends turned, by verdict or by path, and what was edited in the \
            cluster between; `tracectl incident` shows one turn of a probe whole. `history uptime` \
            gives each probe's share of expected results by day. All take the same conditions.
            """)

    enum Question: String, CaseIterable, ExpressibleByArgument { case list, changes, uptime }

    @OptionGroup var logs: HistoryLogs
    @OptionGroup var conditions: HistoryConditions

    @Argument(help: "What is asked: list, changes or uptime.")
    var question = Question.list

    @Flag(help: "With uptime: list outages instead of days.")
    var outages = false

    @Option(help: "So many at most.")
    var limit = 50

    @Option(
        name: .customLong("continue"),
        help: ArgumentHelp("Go on where the last page said.", valueName: "cursor"))
    var cursor: HistoryCursor?

    @Option(name: .shortAndLong, help: "How to print.")
    var output: HistoryRows.Format = .table

    private static let limitMax = 1_000_000

    func validate() throws {
        if !(1...Self.limitMax).contains(limit) {
            throw ValidationError("--limit must be from 1 to \(Self.limitMax)")
        }
        if outages, question != .uptime {
            throw ValidationError("--outages is for `history uptime`")
        }
        if cursor != nil, question == .uptime {
            throw ValidationError("`history uptime` has no pages")
        }
    }

    func run() throws {
        let opened = try logs.open()
        if let cursor, cursor.positions.count != opened.count {
            throw Refusal(
                "--continue is of \(cursor.positions.count) logs, and \(opened.count) are asked;"
                    + " name the same ones with --log")
        }
        try conditions.refuseUnknown(opened)
        switch question {
        case .list: try list(opened)
        case .changes: try changes(opened)
        case .uptime: try uptime(opened)
        }
    }

    /// The latest of all logs, page by page.
    private func page<T>(
        _ opened: [HistoryLogs.Opened], _ end: (T) -> (at: Moment, position: Int64),
        _ read: (HistoryLogs.Opened, _ before: Int64) throws -> [T]
    ) throws -> [(log: Int, found: T)] {
        var cursors = cursor?.positions ?? opened.map { _ in .max }
        var all: [(log: Int, found: T)] = []
        for (number, one) in opened.enumerated() {
            all += try read(one, cursors[number]).map { (number, $0) }
        }
        all.sort { a, b in
            let (first, second) = (end(a.found), end(b.found))
            return (second.at, b.log, second.position) < (first.at, a.log, first.position)
        }
        let shown = all.prefix(limit)
        for (log, found) in shown { cursors[log] = min(cursors[log], end(found).position) }
        if all.count > limit {
            Output.note("more: --continue \(HistoryCursor(positions: cursors).text)")
        }
        return Array(shown)
    }

    private func list(_ opened: [HistoryLogs.Opened]) throws {
        let found = try page(opened, { (record: TraceRecord) in (record.endedAt, record.position) })
        { one, before in
            guard let filter = try conditions.filter(one) else { return [] }
            return try one.history.traces(filter, before: before, limit: limit + 1)
        }
        let rows = found.map { log, record -> [OutputValue] in
            [
                .string(opened[log].name), .string(record.endedAt.text),
                .string(record.source.text), .string(record.destination.text),
                .string(record.portText), .string(record.phase.rawValue),
                record.verdict.map { .string($0.rawValue) } ?? .null,
                record.expected.map { .string($0.rawValue) } ?? .null,
                record.decidingPolicy.map { .string($0.policy) } ?? .null,
                record.decidingPolicy?.rule.map { .string($0) } ?? .null,
                .string(record.name), .int(record.attempt),
                record.reason.isEmpty ? .null : .string(record.reason),
                .string(record.requestedAt.text),
                .list(record.results.map { .string($0.node) }),
                .strings(record.labels) ?? .map([]),
            ]
        }
        var shown = ["ended", "source", "destination", "port", "verdict", "policy", "trace"]
        if opened.count > 1 { shown.append("log") }
        if conditions.schedule != nil { shown.append("expected") }
        HistoryRows(
            columns: [
                "log", "ended", "source", "destination", "port", "phase", "verdict", "expected",
                "policy", "rule", "trace", "attempt", "reason", "requested", "nodes", "labels",
            ], shown: shown, rows: rows
        ).print(output, empty: "No traces found.")
    }

    /// A turn of a pair, or of a probe, and what was said of it.
    private struct Turn {
        var flip: PairFlip
        var finding: ProbeChange?
    }

    private func turns(
        _ one: HistoryLogs.Opened, before position: Int64
    ) throws -> [Turn] {
        guard let filter = try conditions.filter(one) else { return [] }
        guard let schedule = filter.schedule else {
            return try one.history.flips(filter, before: position, limit: limit + 1).map {
                Turn(flip: $0)
            }
        }
        let probes = ProbeHistory(log: one.log, history: one.history)
        // A turn is found between two runs, of which one may lie before the time.
        let flips = ProbeHistory.flips(
            in: try probes.runs(of: schedule), findings: try probes.findings(of: schedule))
        let asked = Set(try one.history.traces(filter, limit: .max).map(\.position))
        return flips.map { flip in
            Turn(
                flip: PairFlip(
                    kind: flip.kind == .verdict ? .verdict : .path, before: flip.before.record,
                    after: flip.after.record), finding: flip.finding)
        }.filter { asked.contains($0.flip.after.position) && $0.flip.after.position < position }
            .sorted { $0.flip.after.position < $1.flip.after.position }.suffix(limit + 1)
    }

    private func changes(_ opened: [HistoryLogs.Opened]) throws {
        let found = try page(
            opened, { (turn: Turn) in (turn.flip.after.endedAt, turn.flip.after.position) }
        ) { one, before in try turns(one, before: before) }
        let pasts = opened.map { ClusterPast(log: $0.log, history: $0.history) }
        let rows = try found.map { log, turn -> [OutputValue] in
            let flip = turn.flip
            let edits = try ClusterEdits.between(flip.before, flip.after, pasts[log])
            return [
                .string(opened[log].name), .string(flip.after.since.text),
                .string(flip.after.source.text), .string(flip.after.destination.text),
                .string(flip.after.portText), .string(flip.kind.word),
                .string(flip.before.verdict?.rawValue ?? ""),
                .string(flip.after.verdict?.rawValue ?? ""), .int(edits.count),
                edits.first.map { .string(ClusterEdits.line($0)) } ?? .null,
                turn.finding.map { .string($0.kind.rawValue) } ?? .null,
                .string(flip.before.name), .string(flip.after.name),
                .list(edits.map(IncidentPrinter.value)),
            ]
        }
        HistoryRows(
            columns: [
                "log", "since", "source", "destination", "port", "kind", "before", "after",
                "edits", "edit", "finding", "traceBefore", "traceAfter", "changes",
            ],
            shown: (opened.count > 1 ? ["log"] : [])
                + ["since", "source", "destination", "port", "kind", "before", "after", "edit"]
                + (conditions.schedule == nil ? [] : ["finding"]),
            listed: ["changes"], rows: rows
        ).print(output, empty: "Nothing turned.")
    }

    private func uptime(_ opened: [HistoryLogs.Opened]) throws {
        var rows: [[OutputValue]] = []
        for one in opened {
            guard var filter = try conditions.filter(one) else { continue }
            filter.isOfSchedules = true
            let runs = ProbeHistory.runs(in: try one.history.traces(filter, limit: .max))
            let probes = Dictionary(grouping: runs) { $0.record.naming.schedule?.rawValue ?? 0 }
            for (_, runs) in probes.sorted(by: { $0.key < $1.key }) {
                let probe = runs.last.map { $0.probe } ?? ""
                let head: [OutputValue] = [.string(one.name), .string(probe)]
                let uptime = ProbeUptime(runs)
                rows += (outages ? Self.outages(uptime) : Self.days(uptime)).map { head + $0 }
            }
        }
        let columns =
            outages
            ? ["log", "probe", "begin", "end", "verdict", "runs"]
            : ["log", "probe", "day", "runs", "expected", "percent", "maintenance"]
        HistoryRows(
            columns: columns, shown: opened.count > 1 ? nil : Array(columns.dropFirst()),
            rows: rows
        ).print(
            output,
            empty: outages
                ? "No outages found."
                : "No expected results found; expectations are made with --expect.")
    }

    private static func days(_ uptime: ProbeUptime) -> [[OutputValue]] {
        uptime.days.map { day in
            [
                .string(String(day.begin.text.prefix(10))), .int(day.runs), .int(day.expected),
                day.runs == 0 ? .null : .string(percent(day.expected, of: day.runs)),
                .int(day.excused),
            ]
        }
    }

    private static func outages(_ uptime: ProbeUptime) -> [[OutputValue]] {
        uptime.outages.map { outage in
            [
                .string(outage.begin.text), outage.end.map { .string($0.text) } ?? .null,
                .string(outage.verdict.rawValue), .int(outage.runs),
            ]
        }
    }

    /// With two digits behind the point, rounded down: 100 is said only of all.
    private static func percent(_ part: Int, of whole: Int) -> String {
        let hundredths = whole == 0 ? 0 : part * 10_000 / whole
        let rest = String(hundredths % 100)
        return "\(hundredths / 100)." + (rest.count == 1 ? "0" : "") + rest
    }
}

extension PairFlip.Kind {
    var word: String {
        switch self {
        case .verdict: "verdict"
        case .path: "path"
        }
    }
}

extension TraceRecord {
    /// `TCP/80`.
    var portText: String {
        guard let port else { return "-" }
        return port.protocol + (port.number.map { "/\($0)" } ?? "")
    }

    /// The slot of a probe's run; else when it ended.
    var since: Moment {
        if case .slot(_, _, let slot) = naming { return slot }
        return endedAt
    }
}
