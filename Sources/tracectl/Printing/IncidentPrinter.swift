import API
import Scheduler
import Traceflow
import Worker

/// Prints one turn of a probe.
struct IncidentPrinter {
    let printing: PrintOptions

    /// Changed objects that are shown with their lines.
    private static let shownMax = 5
    /// Lines of one object at most.
    private static let linesMax = 40

    func text(_ incident: FoundIncident) -> String {
        var text = headline(incident) + "\n"
        if let outcome = expectation(incident) { text += outcome + "\n" }
        text += "\n" + edits(incident)
        text += "\nBefore, \(incident.flip.before.slot.text):\n"
        text += tree(incident.flip.before)
        text += "\nAfter, \(incident.flip.after.slot.text):\n"
        return text + tree(incident.flip.after)
    }

    func markdown(_ incident: FoundIncident) -> String {
        var text = "## " + headline(incident) + "\n\n"
        if let outcome = expectation(incident) { text += outcome + "\n\n" }
        text += edits(incident, fence: "```diff\n") + "\n"
        for (title, run) in [("Before", incident.flip.before), ("After", incident.flip.after)] {
            text += "### \(title), \(run.slot.text)\n\n```\n" + plain(run) + "```\n\n"
        }
        return text
    }

    private func headline(_ incident: FoundIncident) -> String {
        let flip = incident.flip
        let (before, after) = (flip.before, flip.after)
        var text = "\(printable(incident.entry.name)): "
        switch flip.kind {
        case .verdict:
            text +=
                "\(word(before)) until \(before.slot.text),"
                + " \(word(after)) since \(after.slot.text)"
        case .path:
            text += "\(word(after)) by another path since \(after.slot.text)"
        }
        if let until = incident.until { text += ", until \(until.text)" }
        return text
    }

    private func word(_ run: ProbeRun) -> String { run.verdict.rawValue }

    private func expectation(_ incident: FoundIncident) -> String? {
        guard let expected = incident.flip.after.expected else { return nil }
        guard let life = incident.entry.life else {
            return "expected \(expected.rawValue); the schedule was deleted since"
        }
        return "expected \(expected.rawValue); the probe is"
            + " \(life.isBroken ? "broken" : "healthy") now; " + finding(incident.flip)
    }

    /// What was said because of the flip.
    private func finding(_ flip: ProbeFlip) -> String {
        guard let finding = flip.finding else {
            return flip.after.isExcused
                ? "it came in a time of maintenance" : "no finding came of it"
        }
        switch finding.kind {
        case .broken: return "broken since \(finding.slot.text)"
        case .healthy: return "healthy since \(finding.slot.text)"
        case .pathChanged: return "path changed at \(finding.slot.text)"
        }
    }

    private func edits(_ incident: FoundIncident, fence: String? = nil) -> String {
        if incident.changes.isEmpty {
            return "Nothing changed in the cluster between the two, as far as this log was told.\n"
        }
        var text = "What changed in the cluster between:\n"
        for (number, change) in incident.changes.enumerated() {
            text +=
                "  \(change.observedAt.text)  \(name(change)) \(change.kind.rawValue)"
                + "\(change.byline)\n"
            guard number < Self.shownMax else { continue }
            let lines = ObjectDiff.lines(from: change.before, to: change.after)
            if let fence { text += fence }
            for line in lines.prefix(Self.linesMax) { text += "      \(line)\n" }
            if lines.count > Self.linesMax {
                text += "      … \(lines.count - Self.linesMax) more lines\n"
            }
            if fence != nil { text += "```\n" }
        }
        return text
    }

    private func name(_ change: ClusterChange) -> String {
        let reference = change.reference
        let space = reference.namespace.isEmpty ? "" : reference.namespace + "/"
        return printable("\(reference.kind) \(space)\(reference.name)")
    }

    /// Nil for a record that makes no trace, which none is.
    private func view(_ run: ProbeRun) -> TraceView? {
        let record = run.record
        return record.trace.map {
            TraceView(
                id: record.id, createdAt: record.requestedAt, request: record.request, trace: $0)
        }
    }

    private func tree(_ run: ProbeRun) -> String {
        view(run).map { printing.printer(.tree).text([$0], isList: false) } ?? ""
    }

    private func plain(_ run: ProbeRun) -> String { view(run).map(TreePrinter().text) ?? "" }

    func value(_ incident: FoundIncident) -> OutputValue {
        .object([
            "probe": .string(incident.entry.name),
            "kind": .string(incident.flip.kind.rawValue),
            "before": value(incident.flip.before), "after": value(incident.flip.after),
            "until": .text(incident.until?.text),
            "finding": incident.flip.finding.map {
                .object([
                    "kind": .string($0.kind.rawValue), "slot": .string($0.slot.text),
                    "mismatches": .int($0.mismatches),
                ])
            },
            "changes": .list(incident.changes.map(Self.value)),
        ])
    }

    private func value(_ run: ProbeRun) -> OutputValue {
        .object([
            "slot": .string(run.slot.text), "verdict": .string(word(run)),
            "inMaintenance": run.isExcused ? .bool(true) : nil, "path": .text(run.path?.text),
            "expected": .text(run.expected?.rawValue), "trace": view(run)?.resource,
        ])
    }

    static func value(_ change: ClusterChange) -> OutputValue {
        .object([
            "change": .string(change.kind.rawValue),
            "apiVersion": .string(change.reference.apiVersion),
            "kind": .string(change.reference.kind),
            "namespace": change.reference.namespace.isEmpty
                ? nil : .string(change.reference.namespace),
            "name": .string(change.reference.name),
            "changedBy": .text(change.author?.manager),
            "changedAt": .text(change.author.map { RFC3339.text($0.at) }),
            "observedAt": .string(change.observedAt.text),
            "diff": .list(
                ObjectDiff.lines(from: change.before, to: change.after).map { .string($0) }),
        ])
    }
}
