import API
import ArgumentParser
import JobLog
import Scheduler
import Traceflow
import Worker

/// One turn of a probe on one screen: the flip, the edit between, both paths.
struct Incident: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show when a probe turned, what changed in the cluster just before, both paths.",
        discussion: """
            The last turn of the probe, or the one nearest to --around. Exit status 1 when the \
            probe never turned.
            """)

    enum Format: String, CaseIterable, ExpressibleByArgument { case text, json, markdown }

    @OptionGroup var log: LogOptions
    @OptionGroup var printing: PrintOptions

    @Argument(help: "The schedule's name.")
    var probe: String

    @Option(
        parsing: .unconditional, help: "Near this moment: RFC 3339, or -2h for two hours ago.")
    var around: MomentArgument?

    @Option(name: .shortAndLong, help: "How to print.")
    var output: Format = .text

    func run() throws {
        let log = try log.reading()
        let entry = try ScheduleBook(log: log).past(named: probe)
        let history = try HistoryReading.caughtUp(log)
        let probes = ProbeHistory(log: log, history: history)
        let runs = try probes.runs(of: entry.id)
        guard let first = runs.first else {
            throw CommandFailure("schedule \"\(probe)\" has finished no trace yet")
        }
        let flips = ProbeHistory.flips(in: runs, findings: try probes.findings(of: entry.id))
        guard let flip = chosen(flips) else {
            throw CommandFailure(
                "\(probe) never turned: \(runs.count) runs since \(first.slot.text), all"
                    + " \(first.verdict.rawValue)")
        }
        let found = FoundIncident(
            entry, flip, flips,
            try ClusterEdits.between(
                flip.before.record, flip.after.record, ClusterPast(log: log, history: history)))
        let printer = IncidentPrinter(printing: printing)
        switch output {
        case .text: Output.result(printer.text(found))
        case .markdown: Output.result(printer.markdown(found))
        case .json: Output.result(printer.value(found).json)
        }
    }

    private func chosen(_ flips: [ProbeFlip]) -> ProbeFlip? {
        guard let around else { return flips.last }
        let moment = around.moment(now: Clock.system.now()).microseconds
        // A notification names the run that was told of, which may come after the flip.
        let told = flips.first { flip in
            // To the millisecond, since arguments are read with no more.
            flip.finding.map { abs($0.slot.microseconds - moment) < 1000 } ?? false
        }
        if let told { return told }
        return flips.min {
            abs($0.after.slot.microseconds - moment) < abs($1.after.slot.microseconds - moment)
        }
    }
}

/// A flip with what belongs to it.
struct FoundIncident {
    var entry: ScheduleBook.Past
    var flip: ProbeFlip
    /// When the probe turned again; nil when it is still so.
    var until: Moment?
    /// What changed in the cluster between the two runs: what the paths name first.
    var changes: [ClusterChange]

    init(
        _ entry: ScheduleBook.Past, _ flip: ProbeFlip, _ flips: [ProbeFlip],
        _ changes: [ClusterChange]
    ) {
        self.entry = entry
        self.flip = flip
        until = flips.first { $0.before.slot >= flip.after.slot }?.after.slot
        self.changes = changes
    }
}
