import API
import ArgumentParser
import Cluster
import Foundation
import JobLog
import Scheduler
import TraceLog
import Traceflow
import Worker

/// Lists traces, now or at a moment of the past.
struct Get: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show traces: all, or those named.")

    @OptionGroup var log: LogOptions
    @OptionGroup var printing: PrintOptions

    @Argument(
        help: "tf (the default), packetcapture, capture, sweep, schedule or worker, then names.")
    var words: [String] = []

    @Option(name: .shortAndLong, help: "How to print.")
    var output: TraceFormat = .table

    @Flag(name: .shortAndLong, help: "Go on and print every change.")
    var watch = false

    @Option(
        parsing: .unconditional, help: "Show the past: RFC 3339, or -2h for two hours ago.")
    var at: MomentArgument?

    @Option(help: "So many traces at most.")
    var limit: Int?

    @Option(name: .customLong("continue"), help: "Begin after this name.")
    var after: String?

    @Flag(help: "No header line.")
    var noHeaders = false

    private static let sweepKinds: Set<String> = ["sweep", "sweeps", "tracesweep", "tracesweeps"]
    private static let scheduleKinds: Set<String> = [
        "schedule", "schedules", "traceschedule", "traceschedules",
    ]
    private static let packetCaptureKinds: Set<String> = [
        "packetcapture", "packetcaptures", "pcap",
    ]
    private static let traceKinds: Set<String> = ["tf", "traceflow", "traceflows"]

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit must be at least 1") }
        if watch, at != nil { throw ValidationError("--watch and --at exclude each other") }
    }

    func run() throws {
        var names = words
        var isOfCaptures = false
        if let kind = names.first {
            if ["worker", "workers"].contains(kind) { return try printWorkers() }
            if Self.scheduleKinds.contains(kind) {
                return try printSchedules(Array(names.dropFirst()))
            }
            if Self.sweepKinds.contains(kind) { return try printSweeps(Array(names.dropFirst())) }
            if ["capture", "captures"].contains(kind) {
                return try printCaptures(Array(names.dropFirst()))
            }
            if Self.packetCaptureKinds.contains(kind) {
                isOfCaptures = true
                names = names.dropFirst().map {
                    $0.hasPrefix("packetcapture")
                        ? $0 : PacketCaptureManifest.traceName(of: $0)
                }
            }
            if Self.traceKinds.contains(kind) { names.removeFirst() }
        }
        names = names.map(QualifiedName.traceName)
        let log = try log.reading()
        let reader = TraceReader(log: log)
        let moment = at?.moment(now: Clock.system.now())
        var views =
            try names.isEmpty
            ? all(reader, moment, ofCaptures: isOfCaptures)
            : names.map { try reader.view(named: $0, at: moment) }
        if let limit, views.count > limit, names.isEmpty {
            views.removeLast(views.count - limit)
            if let last = views.last { Output.note("more: --continue \(last.name)") }
        }
        if views.isEmpty, output == .table || output == .wide, !watch {
            Output.note(isOfCaptures ? "No PacketCaptures found." : "No traces found.")
            return
        }
        let isList = names.count != 1
        Output.result(printing.printer(output, hasHeader: !noHeaders).text(views, isList: isList))
        if watch {
            try follow(
                log, reader, Set(names), ofCaptures: isOfCaptures, after: log.lastPosition())
        }
    }

    private func all(
        _ reader: TraceReader, _ moment: Moment?, ofCaptures: Bool
    ) throws -> [TraceView] {
        let after = after.map(QualifiedName.traceName)
        guard let moment else {
            return try reader.views(
                after: after ?? "", limit: limit.map { $0 + 1 } ?? .max, ofCaptures: ofCaptures)
        }
        return try reader.views(at: moment).filter {
            $0.name > after ?? "" && ($0.request.packetCapture != nil) == ofCaptures
        }
    }

    private func follow(
        _ log: JobLog, _ reader: TraceReader, _ names: Set<String>, ofCaptures: Bool,
        after position: Int64
    ) throws {
        var position = position
        let printer = printing.printer(output, hasHeader: false)
        while true {
            guard try log.waitForNews(after: position, timeoutMicroseconds: 60_000_000) else {
                continue
            }
            var changed: [Int64] = []
            for event in try log.read(after: position, limit: 10_000) {
                position = event.position
                if LogEventType(rawValue: event.type)?.family == .trace,
                    !changed.contains(event.stream)
                {
                    changed.append(event.stream)
                }
            }
            let views = try changed.compactMap { try reader.view($0) }
                .filter {
                    names.isEmpty
                        ? ($0.request.packetCapture != nil) == ofCaptures
                        : names.contains($0.name)
                }
            Output.result(printer.text(views, isList: false))
        }
    }

    private func format(of kind: String) throws -> SweepFormat {
        if watch || at != nil { throw ValidationError("\(kind) are shown as they are now") }
        guard let format = SweepFormat(rawValue: output.rawValue) else {
            let formats = SweepFormat.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("\(kind) are printed as \(formats)")
        }
        return format
    }

    private func printCaptures(_ names: [String]) throws {
        if watch || at != nil { throw ValidationError("captures are shown as they are now") }
        guard let format = HistoryRows.Format(rawValue: output.rawValue) else {
            throw ValidationError("captures are printed as table, json or jsonl")
        }
        try CaptureCommand.List.print(
            CaptureChoice.asked(log.reading(), names: names.map(QualifiedName.traceName)),
            limit: limit ?? .max, format)
    }

    private func printSchedules(_ names: [String]) throws {
        let format = try format(of: "schedules")
        let book = ScheduleBook(log: try log.reading())
        var entries = try names.isEmpty ? book.all() : names.map { try book.entry(named: $0) }
        if let limit { entries = Array(entries.prefix(limit)) }
        if entries.isEmpty, format == .table { return Output.note("No schedules found.") }
        Output.result(SchedulePrinter.text(entries, format, isList: names.count != 1))
    }

    private func printSweeps(_ names: [String]) throws {
        let format = try format(of: "sweeps")
        let book = SweepBook(log: try log.reading())
        var entries = try names.isEmpty ? book.all() : names.map { try book.entry(named: $0) }
        if let limit { entries = Array(entries.prefix(limit)) }
        if entries.isEmpty, format == .table { return Output.note("No sweeps found.") }
        Output.result(SweepPrinter.text(entries, format, isList: names.count != 1))
    }

    private func printWorkers() throws {
        let log = try log.reading()
        var table = TextTable(header: ["NAME", "ROLE", "EPOCH", "UNTIL"])
        for lease in try log.leases(rolePrefix: "") {
            let isDecider = lease.role == "decider"
            guard isDecider || lease.role.hasPrefix("executor/") else { continue }
            let name =
                isDecider ? lease.holder : String(lease.role.dropFirst("executor/".count))
            table.rows.append([
                printable(name), isDecider ? "decider" : "executor", String(lease.epoch),
                RFC3339.text(Moment(microseconds: lease.expiresAt)),
            ])
        }
        if table.rows.isEmpty { return Output.note("No worker is running.") }
        Output.result(table.text(hasHeader: !noHeaders))
    }
}
