import API
import ArgumentParser
import Foundation
import JobLog
import Scheduler
import TraceLog
import Traceflow
import Worker

/// Runs a sweep here to its end.
struct SweepDriveOptions: ParsableArguments {
    @Option(name: .shortAndLong, help: "How to print the sweep at its end.")
    var output: SweepFormat = .table

    @Option(help: "Makes the choices of the embedded data plane repeatable.")
    var seed: UInt64?

    @Flag(name: .shortAndLong, help: "Say nothing on the way.")
    var quiet = false

    func run(
        _ id: SweepID, _ log: JobLog, _ backend: BackendOptions, _ limits: ClusterLimits
    ) throws {
        let book = SweepBook(log: log)
        let entry = try book.entry(named: id.description)
        let coding = TraceCoding(log: log)
        var progress = SweepProgress(id: id, coding: coding)
        var position = entry.position - 1
        try log.scan(after: position) { row in
            try progress.take(row)
            position = row.position
        }
        if !progress.isOver {
            let store = ClusterStore(log: log)
            try limits.withBackend(
                of: backend, log, simulated: { SimulatedBackend(world: store, seed: seed) }
            ) {
                plane, _ in try drive(&progress, entry, store, plane, after: position)
            }
        }
        let ended = try book.entry(named: id.description)
        Output.result(SweepPrinter.text([ended], output, isList: false))
        if ended.phase == .cancelled {
            throw CommandFailure(
                "sweep \(ended.name) was cancelled"
                    + (ended.reason.isEmpty ? "" : ": " + ended.reason))
        }
        if ended.tally.notSucceeded > 0 {
            throw CommandFailure(
                "\(ended.tally.notSucceeded) traces of sweep \(ended.name) Failed")
        }
    }

    /// Traces of a sweep whose history is folded while it runs.
    private static let keptFrom: Int64 = 10_000

    private func drive(
        _ progress: inout SweepProgress, _ entry: SweepBook.Entry, _ store: ClusterStore,
        _ backend: any Backend, after position: Int64
    ) throws {
        let log = store.log
        let worker = Worker(
            log: log, backend: backend, clusters: store,
            options: .init(
                id: WorkerCommand.uniqueID("sweep"), inFlightMax: 4096, helpsOthers: false,
                drainMicroseconds: 0))
        let interrupt = Interrupt { worker.stop() }
        defer { interrupt.cancel() }
        // The matrix is asked for next; a sweep leaves most of a core idle.
        let keeper =
            entry.request.total >= Self.keptFrom
            ? HistoryKeeper(
                folder: log.folder, beside: log, complain: { Output.warning($0) }) : nil
        defer { keeper?.stop() }
        var meter = SweepMeter(entry, done: progress.tally.ended, isQuiet: quiet)
        defer { meter.end() }
        var seen = progress
        try worker.run(
            after: position, observe: { try seen.take($0) },
            isDone: { _ in
                meter.show(seen)
                return seen.isOver
            })
        progress = seen
        if !seen.isOver {
            meter.end()
            throw CommandFailure(
                "interrupted; go on with `tracectl sweep resume \(entry.name)`,"
                    + " or end it with `tracectl sweep cancel \(entry.name)`",
                status: CommandFailure.interrupted)
        }
    }
}

/// Shows how far a sweep has come: one line that changes on a terminal, a line now and then
/// elsewhere.
struct SweepMeter {
    private let name: String
    private let total: Int64
    private let isQuiet: Bool
    private let width: Int?
    private let startedAt: Int64
    private let doneBefore: Int
    private var shownAt: Int64
    private var hasLine = false

    private static let terminalInterval: Int64 = 200_000
    private static let plainInterval: Int64 = 10_000_000

    init(_ entry: SweepBook.Entry, done: Int, isQuiet: Bool) {
        name = entry.name
        total = entry.request.total
        self.isQuiet = isQuiet
        width = Self.columns
        startedAt = Clock.system.monotonicMicroseconds()
        shownAt = startedAt
        doneBefore = done
    }

    private static var columns: Int? {
        var size = winsize()
        guard isatty(STDERR_FILENO) == 1,
            ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0
        else { return nil }
        return Int(size.ws_col)
    }

    mutating func show(_ progress: SweepProgress) {
        guard !isQuiet else { return }
        let now = Clock.system.monotonicMicroseconds()
        guard now - shownAt >= (width == nil ? Self.plainInterval : Self.terminalInterval) else {
            return
        }
        shownAt = now
        let line = SweepLine(
            name: printable(name), done: progress.tally.ended, total: total,
            perSecond: Double(progress.tally.ended - doneBefore) * 1e6
                / Double(max(1, now - startedAt)),
            running: progress.running, tally: progress.tally)
        guard let width else { return Output.note(line.plain) }
        FileHandle.standardError.write(Data(("\r\u{1b}[K" + line.fitted(to: width)).utf8))
        hasLine = true
    }

    mutating func end() {
        guard hasLine else { return }
        FileHandle.standardError.write(Data("\r\u{1b}[K".utf8))
        hasLine = false
    }
}

/// What a meter says.
struct SweepLine {
    var name: String
    var done: Int
    var total: Int64
    var perSecond: Double
    var running: Int
    var tally: SweepTally

    private var share: Double { total > 0 ? min(1, Double(done) / Double(total)) : 1 }

    private var left: String {
        guard perSecond > 0 else { return "" }
        let seconds = Double(max(0, total - Int64(done))) / perSecond
        return Age.text(
            from: Moment(microseconds: 0),
            to: Moment(microseconds: Int64(min(seconds, 1e9)) * 1_000_000)) + " left"
    }

    private var counts: String {
        let parts = [
            ("delivered", tally.delivered), ("dropped", tally.dropped),
            ("rejected", tally.rejected), ("out", tally.forwardedOut), ("lost", tally.lost),
            ("unknown", tally.unknown), ("failed", tally.failed),
        ]
        return parts.filter { $0.1 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
    }

    private var rate: String { "\(Int(perSecond.rounded()))/s" }
    private var percent: String { "\(Int(share * 100)) %" }

    var plain: String {
        [
            "sweep \(name): \(done) of \(total) traces (\(percent))", rate, left, counts,
            "\(running) tags in use",
        ].filter { !$0.isEmpty }.joined(separator: ", ")
    }

    /// Says what there is room for: the most important first.
    func fitted(to width: Int) -> String {
        let head = "\(percent) \(done)/\(total)"
        var parts = [head]
        var used = head.count
        for part in [left, rate, counts, "\(running) tags"] where !part.isEmpty {
            guard used + 2 + part.count < width - 1 else { break }
            parts.append(part)
            used += 2 + part.count
        }
        let room = min(40, width - 1 - used - 3)
        guard room >= 8 else { return String(parts.joined(separator: "  ").prefix(width - 1)) }
        let filled = Int(Double(room) * share)
        let bar =
            "[" + String(repeating: "#", count: filled)
            + String(repeating: ".", count: room - filled) + "] "
        return bar + parts.joined(separator: "  ")
    }
}
