import API
import ArgumentParser
import Captures
import Foundation
import JobLog
import Packets
import Scheduler
import TraceLog
import Traceflow
import Worker

/// The packets behind traces.
struct CaptureCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "capture",
        abstract: "Look at the packets that traces kept: list, show, export, verify, prune, push.",
        discussion: """
            A trace keeps packets when its manifest has spec.capture, or with `run --capture N`. \
            They lie compressed beside the log; `export` makes a pcapng file of them for tshark \
            and Wireshark.
            """,
        subcommands: [
            List.self, Show.self, CaptureExport.self, CaptureVerify.self, CapturePrune.self,
            CapturePush.self,
        ])

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Which captures there are.")
        @OptionGroup var log: LogOptions
        @OptionGroup var choice: CaptureChoice

        @Option(help: "So many at most, the latest.")
        var limit = 50

        @Option(name: .shortAndLong, help: "How to print.")
        var output: HistoryRows.Format = .table

        func validate() throws {
            if limit < 1 { throw ValidationError("--limit must be at least 1") }
        }

        func run() throws {
            try Self.print(choice.asked(log.reading()), limit: limit, output)
        }

        static func print(
            _ asked: CaptureChoice.Asked, limit: Int, _ output: HistoryRows.Format
        ) throws {
            var found: [CaptureBook.Entry] = []
            try asked.forEach { entry in
                found.append(entry)
                return found.count <= limit
            }
            if found.count > limit {
                Output.note("there are more; see more of them with --limit")
            }
            let rows = found.prefix(limit).reversed().map { entry -> [OutputValue] in
                let (archived, place) = (entry.archived, entry.archived.place)
                return [
                    .string(entry.recordedAt.text), .string(entry.traceName),
                    .int(archived.report.attempt), .string(archived.report.node),
                    .string(archived.point.rawValue), .int(place.packets),
                    .int(Int(clamping: place.length)), .string(place.fileName),
                    .string(PacketTime.text(place.firstNanoseconds)),
                    .string(PacketTime.text(place.lastNanoseconds)),
                    .list(place.interfaces.map { .string($0.name) }),
                ]
            }
            HistoryRows(
                columns: [
                    "archived", "trace", "attempt", "node", "point", "packets", "bytes", "file",
                    "first", "last", "interfaces",
                ], shown: ["archived", "trace", "node", "point", "packets", "bytes", "file"],
                rows: Array(rows)
            ).print(output, empty: "No captures found.")
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "The packets of captures, a line each, in the order of time.")
        @OptionGroup var log: LogOptions
        @OptionGroup var choice: CaptureChoice

        @Option(name: .shortAndLong, help: "How to print.")
        var output: HistoryRows.Format = .table

        func run() throws {
            let asked = try choice.asked(log.reading())
            let captures = try asked.all()
            var rows: [[OutputValue]] = []
            var merge = CaptureMerge(captures.map(\.archived.place))
            let reading = CaptureReading(asked.book)
            try merge.forEach(read: reading.packets(of:)) { record in
                rows.append(PacketLine(record).values)
            }
            HistoryRows(
                columns: PacketLine.columns, shown: PacketLine.shown, rows: rows
            ).print(output, empty: "No captures found.")
            if reading.faults > 0 { throw reading.failure }
        }
    }
}

/// Which captures are meant.
struct CaptureChoice: ParsableArguments {
    @Argument(help: "Names of traces; else all that meet the conditions.")
    var names: [String] = []

    @Option(help: "Of the traces of this sweep, by name or number.")
    var sweep: String?

    @Option(
        parsing: .unconditional,
        help: "Archived from this moment on: RFC 3339, or -2h for two hours ago.")
    var since: MomentArgument?

    @Option(parsing: .unconditional, help: "Archived until this moment.")
    var until: MomentArgument?

    @Flag(help: "Of every attempt of a trace, not of its last one alone.")
    var allAttempts = false

    @OptionGroup(title: "Files that were pushed") var remote: RemoteOptions

    /// The captures of a log that are meant.
    struct Asked {
        var log: JobLog
        var book: CaptureBook
        var traces: [TraceID]?
        var allAttempts: Bool
        var since: Moment
        var until: Moment
        var isOfSweep: (CaptureBook.Entry) -> Bool = { _ in true }

        /// The latest first, until the body returns false.
        func forEach(_ body: (CaptureBook.Entry) throws -> Bool) throws {
            // The first that is met of a trace is of its last attempt.
            var attempts: [TraceID: Int] = [:]
            func isMeant(_ entry: CaptureBook.Entry) -> Bool {
                guard entry.recordedAt >= since, entry.recordedAt <= until, isOfSweep(entry)
                else { return false }
                let attempt = entry.archived.report.attempt
                let last = attempts[entry.trace] ?? attempt
                attempts[entry.trace] = last
                return allAttempts || attempt == last
            }
            if let traces {
                for trace in traces.reversed() {
                    for entry in try book.entries(of: trace).reversed()
                    where isMeant(entry) && !entry.isPruned {
                        guard try body(entry) else { return }
                    }
                }
                return
            }
            try book.forEach { entry in
                if entry.recordedAt < since { return false }
                return isMeant(entry) ? try body(entry) : true
            }
        }

        /// All of them; an error that says so when there is none.
        func all() throws -> [CaptureBook.Entry] {
            var found: [CaptureBook.Entry] = []
            try forEach { entry in
                found.append(entry)
                return true
            }
            guard !found.isEmpty else {
                throw CommandFailure(
                    try prunedWords
                        ?? "no captures found; a trace keeps packets with spec.capture or run"
                        + " --capture")
            }
            return found.reversed()
        }

        /// That the captures which are meant were given up, where they were.
        private var prunedWords: String? {
            get throws {
                guard let (moment, pruning) = book.lastPruning else { return nil }
                let last = try traces?.compactMap { try book.entries(of: $0).last }
                if let last, !last.contains(where: \.isPruned) { return nil }
                return "the captures were pruned (\(RFC3339.text(moment)): \(pruning.reason))"
            }
        }
    }

    func asked(_ log: JobLog) throws -> Asked {
        var asked = try Self.asked(log, names: names, remote.archives)
        asked.allAttempts = allAttempts
        let now = Clock.system.now()
        if let since { asked.since = since.moment(now: now) }
        if let until { asked.until = until.moment(now: now) }
        if let sweep {
            let history = try HistoryReading.caughtUp(log)
            guard let id = try PastNames(log, history).sweep(sweep) else {
                throw CommandFailure(
                    "sweep \"\(sweep)\" not found; `tracectl sweep list` shows all")
            }
            asked.isOfSweep = try asked.book.isOf(id)
        }
        return asked
    }

    /// All captures of the named traces, or of any, whenever they were archived.
    static func asked(
        _ log: JobLog, names: [String], _ remote: RemoteArchives? = nil
    ) throws -> Asked {
        let history = try HistoryReading.caughtUp(log)
        var asked = Asked(
            log: log, book: try CaptureBook(log: log, history: history, remote: remote),
            allAttempts: false,
            since: Moment(microseconds: .min), until: Moment(microseconds: .max))
        if !names.isEmpty {
            let reader = TraceReader(log: log)
            var seen: Set<TraceID> = []
            asked.traces = try names.map {
                TraceID(try reader.stream(named: QualifiedName.traceName($0)))
            }
            .filter { seen.insert($0).inserted }
        }
        return asked
    }
}
