import API
import Scheduler
import Traceflow
import Worker

/// Prints schedules.
enum SchedulePrinter {
    static func text(
        _ entries: [ScheduleBook.Entry], _ format: SweepFormat, isList: Bool
    ) -> String {
        switch format {
        case .table: return table(entries)
        case .name:
            return entries.map { "traceschedule.tracectl.dev/\(printable($0.name))\n" }.joined()
        case .json, .yaml:
            let value = OutputValue.resources(entries.map(\.resource), isList: isList)
            return format == .json ? value.json : value.yaml
        }
    }

    private static func table(_ entries: [ScheduleBook.Entry]) -> String {
        var table = TextTable(header: [
            "NAME", "SCHEDULE", "TIMEZONE", "SUSPEND", "ACTIVE", "LAST", "NEXT", "PROBE",
        ])
        table.rows = entries.map { entry in
            [
                printable(entry.name), timing(entry.life.spec), entry.life.spec.zone,
                entry.life.isPaused ? "True" : "False", String(entry.life.runs.count),
                entry.life.lastSlot?.text ?? "<none>", entry.nextSlot?.text ?? "<none>",
                probe(entry.life),
            ]
        }
        return table.text()
    }

    private static func timing(_ spec: ScheduleSpec) -> String {
        switch spec.timing {
        case .every(let seconds): "every \(ScheduleLength.text(seconds))"
        case .cron(let expression, _): printable(expression.text)
        }
    }

    /// What is thought of a schedule that expects something.
    static func probe(_ life: ScheduleLife) -> String {
        guard life.spec.expectation != nil else { return "-" }
        if life.isBroken { return life.brokenWord }
        if life.lastSlot == nil { return "Unknown" }
        return life.mismatches > 0 ? "Healthy (\(life.mismatches) unexpected)" : "Healthy"
    }

    static func description(
        _ entry: ScheduleBook.Entry, _ events: [(at: Moment, event: ScheduleEvent)]
    ) -> String {
        let (spec, life) = (entry.life.spec, entry.life)
        var lines: [(String, String)] = [
            ("Name", entry.name), ("Schedule", "\(timing(spec)) (\(spec.zone))"),
            ("Begins", work(spec)), ("Suspended", life.isPaused ? "yes" : "no"),
            ("Last slot", life.lastSlot?.text ?? "none yet"),
            ("Next slot", entry.nextSlot?.text ?? "none"), ("Running", String(life.runs.count)),
        ]
        if spec.expectation != nil {
            lines.append(("Probe", probe(life)))
            lines += findings(entry)
        }
        let width = lines.map(\.0.count).max() ?? 0
        var text = lines.map { name, value in
            name + ":" + String(repeating: " ", count: width - name.count + 2) + printable(value)
                + "\n"
        }.joined()
        guard !events.isEmpty else { return text }
        var table = TextTable(header: ["RECORDED", "EVENT"])
        table.rows = events.map { [RFC3339.text($0.at), printable(words($0.event))] }
        text += "\n" + table.text()
        return text
    }

    /// What keeps a probe's results from counting, and whether it does so now.
    private static func findings(_ entry: ScheduleBook.Entry) -> [(String, String)] {
        let (spec, life) = (entry.life.spec, entry.life)
        var lines: [(String, String)] = []
        if spec.settleSeconds > 0 {
            lines.append(
                (
                    "Settles",
                    "\(ScheduleLength.text(spec.settleSeconds)) after a change of the cluster"
                ))
        }
        if let held = life.held {
            lines.append(
                (
                    "Held back",
                    "\(held.count) since the cluster changed at \(held.since.text)"
                ))
        }
        if !spec.maintenance.isEmpty {
            let reason = entry.maintenanceReason.isEmpty ? "" : " (\(entry.maintenanceReason))"
            var text = "none to come"
            if let window = entry.maintenance {
                text =
                    entry.isInMaintenance
                    ? "now, until \(window.upperBound.text)\(reason): results do not count"
                    : "next \(window.lowerBound.text) to \(window.upperBound.text)\(reason)"
            }
            lines.append(("Maintenance", text))
        }
        if let found = life.found {
            let path = found.path.map { " by path \($0.text)" } ?? ""
            lines.append(("Found last", found.verdict.rawValue + path))
        }
        return lines
    }

    private static func work(_ spec: ScheduleSpec) -> String {
        switch spec.work {
        case .sweep(let sweep):
            return "a sweep on \(sweep.pairs.ports.map(\.description).joined(separator: ","))"
        case .trace(let template):
            let (from, to) = (template.spec.source, template.spec.destination)
            let source = from?.pod.map { "\(from?.namespace ?? "")/\($0)" } ?? from?.ip ?? "any"
            let name = to?.pod ?? to?.service
            let destination = to?.ip ?? name.map { "\(to?.namespace ?? "")/\($0)" } ?? "any"
            return "a trace from \(source) to \(destination)"
        }
    }

    private static func words(_ event: ScheduleEvent) -> String {
        switch event {
        case .changed: return "made or changed"
        case .paused: return "paused"
        case .resumed: return "resumed"
        case .deleted: return "deleted"
        case .runRequested: return "asked to begin by hand"
        case .fired(let firing):
            return "began \(firing.slot.text)" + (firing.isByHand ? " by hand" : "")
        case .missed(let missed):
            let why =
                switch missed.reason {
                case .late: "nobody was there in time"
                case .running: "the one before still ran"
                case .unable: "there was nothing to begin"
                }
            return "missed \(missed.count) from \(missed.first.text): \(why)"
        case .probeBroken(let change):
            return "broken: \(change.verdict.rawValue), expected \(change.expected.rawValue),"
                + " \(change.mismatches) in a row"
        case .probeHealthy(let change): return "healthy: \(change.verdict.rawValue)"
        case .pathChanged(let change):
            return "path changed: \(change.verdict.rawValue) by another path than at"
                + " \(change.path?.beforeSlot.text ?? "")"
        case .notified(let number): return "somebody was told of change \(number)"
        }
    }
}
