import API
import ArgumentParser
import JobLog
import Scheduler
import TraceLog
import Traceflow

/// The story of one trace.
struct Describe: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Tell the story of one trace.")

    @OptionGroup var log: LogOptions
    @OptionGroup var printing: PrintOptions

    @Argument(help: "The trace's name.")
    var name: String

    func run() throws {
        let log = try log.reading()
        let reader = TraceReader(log: log)
        let view = try reader.view(named: name)
        let trace = view.trace
        let rows: [(String, String?)] = [
            ("Name:", view.name), ("API Version:", view.request.apiVersion.rawValue),
            ("Phase:", trace.phase.rawValue), ("Reason:", trace.reason),
            ("Verdict:", trace.verdict?.rawValue), ("Attempt:", String(trace.attempt)),
            ("Priority:", String(view.request.priority)),
            ("Retries:", view.request.retries == 0 ? nil : String(view.request.retries)),
            ("Timeout:", "\(view.request.spec.timeoutSeconds)s"),
            ("Tag:", trace.allocation.map { String($0.tag) }),
            ("Worker:", trace.allocation?.executor),
            ("Requested:", RFC3339.text(view.createdAt, fraction: true)),
            ("Started:", trace.startedAt.map { RFC3339.text($0, fraction: true) }),
            ("Finished:", trace.finishedAt.map { RFC3339.text($0, fraction: true) }),
        ]
        var table = TextTable(header: ["", ""])
        table.rows = rows.compactMap { label, value in value.map { [label, printable($0)] } }
        var text = table.text(hasHeader: false) + "\nPath:\n"
        text += printing.printer(.tree).text([view], isList: false) + "\nEvents:\n"
        text += try EventTable(coding: reader.coding).text(log.read(stream: view.id.rawValue))
        Output.result(text)
    }
}

/// Every event of one trace.
struct Events: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show every event of one trace.")

    enum Format: String, CaseIterable, ExpressibleByArgument { case table, jsonl }

    @OptionGroup var log: LogOptions

    @Argument(help: "The trace's name.")
    var name: String

    @Option(name: .shortAndLong, help: "How to print.")
    var output: Format = .table

    func run() throws {
        let log = try log.reading()
        let reader = TraceReader(log: log)
        let events = try log.read(stream: reader.stream(named: name))
        let table = EventTable(coding: reader.coding)
        switch output {
        case .table: Output.result(try table.text(events))
        case .jsonl: for event in events { Output.result(try table.json(event) + "\n") }
        }
    }
}

/// Events as rows and as lines of JSON.
struct EventTable {
    let coding: TraceCoding

    func text(_ events: [RecordedEvent]) throws -> String {
        var table = TextTable(header: ["POSITION", "VERSION", "TIME", "TYPE", "DATA"])
        for event in events {
            table.rows.append([
                String(event.position), String(event.version),
                RFC3339.text(Moment(microseconds: event.recordedAt), fraction: true),
                LogEventType(rawValue: event.type)?.name ?? String(event.type),
                printable(try coding.json(event)),
            ])
        }
        return table.text()
    }

    func json(_ event: RecordedEvent) throws -> String {
        let moment = RFC3339.text(Moment(microseconds: event.recordedAt), fraction: true)
        let type = LogEventType(rawValue: event.type)?.name ?? String(event.type)
        return "{\"position\":\(event.position),\"stream\":\(event.stream)"
            + ",\"version\":\(event.version),\"type\":\"\(type)\",\"schema\":\(event.schema)"
            + ",\"recordedAt\":\"\(moment)\",\"data\":\(try coding.json(event))}"
    }
}

/// Waits until traces are done, or in a phase.
struct Wait: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Wait until traces are done or in a phase.")

    @OptionGroup var log: LogOptions

    @Argument(help: "The traces' names.")
    var names: [String]

    @Option(name: .customLong("for"), help: "done, or phase=PHASE.")
    var condition = "done"

    @Option(help: "Give up after so long.")
    var timeout: Duration64?

    private func wanted() throws -> Phase? {
        if condition == "done" { return nil }
        guard condition.hasPrefix("phase="),
            let phase = Phase(rawValue: String(condition.dropFirst("phase=".count)))
        else {
            let phases = Phase.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("--for is done or phase=PHASE, with PHASE one of \(phases)")
        }
        return phase
    }

    func validate() throws { _ = try wanted() }

    func run() throws {
        let phase = try wanted()
        let log = try log.reading()
        let reader = TraceReader(log: log)
        var position = try log.lastPosition()
        let clock = WallWait(timeout)
        for name in names {
            while true {
                let view = try reader.view(named: name)
                let isMet = phase.map { $0 == view.trace.phase } ?? view.trace.phase.isTerminal
                if isMet {
                    if phase == nil, view.trace.phase == .failed { throw failed(view) }
                    Output.result("\(QualifiedName.text(name)) condition met\n")
                    break
                }
                if view.trace.phase.isTerminal { throw failed(view) }
                guard let left = clock.left() else {
                    throw CommandFailure(
                        "timed out waiting for \(name); it is \(view.trace.phase.rawValue)")
                }
                if try log.waitForNews(after: position, timeoutMicroseconds: left) {
                    position = try log.lastPosition()
                }
            }
        }
    }

    private func failed(_ view: TraceView) -> CommandFailure {
        CommandFailure(
            "\(view.name) is \(view.trace.phase.rawValue)"
                + (view.trace.reason.map { ": " + $0 } ?? ""))
    }
}
