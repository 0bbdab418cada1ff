import Foundation
import History
import JobLog
import Scheduler
import TraceLog
import Traceflow
import Worker

/// What questions about a long past take, and what keeping it costs.
///
/// `HISTORY_TRACES` says how many traces; the figures are asked of 10,000,000.
enum Asking: Scenario {
    static let name = "history"
    static let summary = "milliseconds of questions, bytes a trace, traces/s folded behind the log"

    static func run(_ setting: Setting) throws {
        let given = ProcessInfo.processInfo.environment["HISTORY_TRACES"].flatMap(Int64.init)
        let count = given ?? setting.pick(quick: 20_000, full: 500_000)
        let folder = try setting.newFolder("history")
        let log = try Subject.newLog(folder, durability: .off)
        var past = try LongPast(log: log, pods: setting.pick(quick: 100, full: 1000))
        let writing = Stopwatch()
        try past.grow(by: count)
        Output.note("history: \(count) traces written in \(Int(writing.seconds)) s")
        let logBytes = try Setting.bytes(in: folder)
        do {
            let folding = Stopwatch()
            let history = try History(of: log)
            try history.catchUp()
            Output.figure(name, "folded", Double(count) / folding.seconds, "traces/s")
            try ask(history)
        }
        let bytes = try Setting.bytes(in: folder) - logBytes
        Output.figure(name, "read models", Double(bytes) / Double(count), "bytes/trace")
        Output.figure(
            name, "live", Double(bytes + logBytes) / Double(count), "bytes/trace")
        let archived = try Storage.archive(folder)
        Output.figure(
            name, "archived", Double(archived + Int64(bytes)) / Double(count), "bytes/trace")
        let opening = Stopwatch()
        _ = try History(of: log).traces(HistoryFilter(), limit: 1)
        Output.figure(name, "opened and asked once", opening.seconds * 1000, "ms")
        setting.remove(folder)
    }

    /// Two hundred of each kind, about other ends each time.
    private static func ask(_ history: History) throws {
        let known = try history.traces(HistoryFilter(), limit: 20_000)
        var kinds: [String: [Double]] = [:]
        for number in 0..<200 {
            let trace = known[number * (known.count / 200)]
            func asked(_ kind: String, _ body: (inout HistoryFilter) -> Void) throws {
                var filter = HistoryFilter()
                body(&filter)
                let watch = Stopwatch()
                _ = try history.traces(filter, limit: 50)
                kinds[kind, default: []].append(watch.seconds * 1000)
            }
            try asked("last 50 between two") {
                ($0.source, $0.destination) = (trace.source.text, trace.destination.text)
            }
            try asked("who was dropped on the way to one") {
                $0.destination = trace.destination.text
                $0.verdicts = [.dropped, .rejected]
            }
            try asked("who was dropped on a node") {
                $0.node = trace.results.last?.node
                $0.verdicts = [.dropped, .rejected]
            }
            if let policy = trace.decidingPolicy?.policy {
                try asked("last 50 of a policy") { $0.policy = policy }
            }
            if let schedule = trace.naming.schedule {
                try asked("last 50 of a schedule") { $0.schedule = schedule }
            }
            var filter = HistoryFilter()
            filter.destination = trace.destination.text
            let watch = Stopwatch()
            _ = try history.flips(filter, limit: 50)
            kinds["what changed for one", default: []].append(watch.seconds * 1000)
            filter.destination = nil
            filter.since = Moment(
                microseconds: trace.endedAt.microseconds - Int64(number) * 10_000_000)
            let again = Stopwatch()
            _ = try history.flips(filter, limit: 50)
            kinds["what changed since", default: []].append(again.seconds * 1000)
        }
        for (kind, times) in kinds.sorted(by: { $0.key < $1.key }) {
            Output.figure(name, "\(kind), p99", times.percentile(0.99), "ms")
            Output.figure(name, "\(kind), p50", times.percentile(0.5), "ms")
        }
    }
}
