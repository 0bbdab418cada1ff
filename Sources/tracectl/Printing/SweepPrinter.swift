import API
import Scheduler
import Traceflow
import Worker

/// Prints sweeps.
enum SweepPrinter {
    static func text(_ entries: [SweepBook.Entry], _ format: SweepFormat, isList: Bool) -> String {
        switch format {
        case .table: return table(entries)
        case .name:
            return entries.map { "tracesweep.tracectl.dev/\(printable($0.name))\n" }.joined()
        case .json, .yaml:
            let value = OutputValue.resources(entries.map(\.resource), isList: isList)
            return format == .json ? value.json : value.yaml
        }
    }

    private static func table(_ entries: [SweepBook.Entry]) -> String {
        var table = TextTable(header: [
            "NAME", "PHASE", "PAIRS", "TRACES", "DELIVERED", "DROPPED", "REJECTED", "FAILED",
            "TOOK",
        ])
        let now = Clock.system.now()
        table.rows = entries.map { entry in
            let tally = entry.tally
            return [
                printable(entry.name), entry.phase.rawValue, String(entry.request.cells),
                entry.phase == .finished
                    ? String(entry.request.total) : "\(tally.ended)/\(entry.request.total)",
                String(tally.delivered), String(tally.dropped), String(tally.rejected),
                String(tally.notSucceeded),
                Age.text(from: entry.requestedAt, to: entry.endedAt ?? now),
            ]
        }
        return table.text()
    }

    /// One sweep for people.
    static func description(_ entry: SweepBook.Entry) -> String {
        let (request, tally) = (entry.request, entry.tally)
        var lines: [(String, String)] = [
            ("Name", entry.name), ("Number", entry.id.description),
            ("Phase", entry.phase.rawValue + (entry.reason.isEmpty ? "" : ": " + entry.reason)),
            ("Pairs", "\(request.cells) on \(ports(request))"),
            ("From", request.pairs.from ?? "all Pods"), ("To", request.pairs.to ?? "all Pods"),
            ("Coverage", request.pairs.coverage.rawValue),
            ("Traces", "\(tally.ended) of \(request.total) ended"),
            ("Pace", pace(request)), ("Requested", RFC3339.text(entry.requestedAt)),
        ]
        if let ended = entry.endedAt {
            let took = Age.text(from: entry.requestedAt, to: ended)
            lines.append(("Ended", "\(RFC3339.text(ended)), after \(took)"))
        }
        let verdicts = [
            ("Delivered", tally.delivered), ("Dropped", tally.dropped),
            ("Rejected", tally.rejected), ("Out of the network", tally.forwardedOut),
            ("Lost", tally.lost), ("Unknown", tally.unknown), ("Failed", tally.failed),
        ]
        lines += verdicts.filter { $0.1 > 0 }.map { ($0.0, String($0.1)) }
        let width = lines.map(\.0.count).max() ?? 0
        return lines.map { name, value in
            name + ":" + String(repeating: " ", count: width - name.count + 2) + printable(value)
                + "\n"
        }.joined()
    }

    /// What a sweep is about to do.
    static func announcement(_ id: SweepID?, _ request: SweepRequest) -> String {
        var text =
            "sweep \(request.name ?? id?.description ?? "without a name"): \(request.total) traces"
        text +=
            request.pairs.coverage == .classes
            ? " that stand for \(request.cells) pairs" : ""
        return printable(text + " on \(ports(request)), " + pace(request))
    }

    private static func ports(_ request: SweepRequest) -> String {
        request.pairs.ports.map(\.description).joined(separator: ",")
    }

    private static func pace(_ request: SweepRequest) -> String {
        var parts: [String] = []
        if let interval = request.intervalMicroseconds {
            let perSecond = 1_000_000 / Double(interval)
            let rate =
                perSecond >= 1
                ? "\(Int(perSecond.rounded())) a second" : "one in \(seconds(interval))"
            let end = Clock.system.now().advanced(
                byMicroseconds: request.total.multipliedReportingOverflow(by: interval).overflow
                    ? 0 : request.total * interval)
            parts.append("at most \(rate), until \(RFC3339.text(end)) at the earliest")
        }
        if let openMax = request.openMax { parts.append("\(openMax) at once") }
        return parts.isEmpty ? "as fast as tags allow" : parts.joined(separator: ", ")
    }

    private static func seconds(_ microseconds: Int64) -> String {
        Age.text(from: Moment(microseconds: 0), to: Moment(microseconds: microseconds))
    }
}
