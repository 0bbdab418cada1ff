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
        let history = ProbeHistory(log: log)
        let runs = try history.runs(of: entry.id)
        guard !runs.isEmpty else {
            throw CommandFailure("schedule \"\(probe)\" has begun no trace yet")
        }
        let flips = ProbeHistory.flips(in: runs, findings: try history.findings(of: entry.id))
        guard let flip = chosen(flips) else {
            let verdict = runs.last { $0.verdict != nil }?.verdict?.rawValue ?? "nothing yet"
            throw CommandFailure(
                "\(probe) never turned: \(runs.count) runs since \(runs[0].slot.text), all"
                    + " \(verdict)")
        }
        let found = try FoundIncident(entry, flip, flips, log)
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
        _ entry: ScheduleBook.Past, _ flip: ProbeFlip, _ flips: [ProbeFlip], _ log: JobLog
    ) throws {
        self.entry = entry
        self.flip = flip
        until = flips.first { $0.before.slot >= flip.after.slot }?.after.slot
        changes = try Self.changes(of: flip, log)
    }

    static func changes(of flip: ProbeFlip, _ log: JobLog) throws -> [ClusterChange] {
        guard let old = flip.before.request.clusterDigest,
            let new = flip.after.request.clusterDigest
        else { return [] }
        let changes = try ClusterStore(log: log).changes(
            from: (old, flip.before.position), to: (new, flip.after.position))
        let named = Self.named(flip)
        func rank(_ change: ClusterChange) -> Int {
            let reference = change.reference
            let isPolicy = reference.kind.hasSuffix("NetworkPolicy")
            let name =
                reference.namespace.isEmpty
                ? reference.name : "\(reference.namespace)/\(reference.name)"
            if isPolicy, named.contains(where: { $0.hasSuffix(":" + name) }) { return 0 }
            if named.contains("\(reference.kind) \(name)") { return 1 }
            return isPolicy ? 2 : 3
        }
        return changes.enumerated().sorted {
            (rank($0.element), $0.offset) < (rank($1.element), $1.offset)
        }.map(\.element)
    }

    /// The policies that the paths show, and the ends of the trace.
    private static func named(_ flip: ProbeFlip) -> Set<String> {
        var named: Set<String> = []
        for run in [flip.before, flip.after] {
            for result in run.trace.results {
                for step in result.observations {
                    if let policy = step.networkPolicy { named.insert(policy) }
                }
            }
            let (from, to) = (run.request.spec.source, run.request.spec.destination)
            if let pod = from?.pod { named.insert("Pod \(from?.namespace ?? "")/\(pod)") }
            if let pod = to?.pod { named.insert("Pod \(to?.namespace ?? "")/\(pod)") }
            if let service = to?.service {
                named.insert("Service \(to?.namespace ?? "")/\(service)")
            }
        }
        return named
    }
}
