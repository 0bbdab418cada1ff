import ArgumentParser
import JobLog
import Scheduler
import TraceLog
import Traceflow
import Worker

/// Cancels traces that are not finished.
struct Cancel: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Cancel traces; they end as Failed with the reason Cancelled.")

    @OptionGroup var log: LogOptions

    @Argument(help: "The traces' names.")
    var names: [String]

    func run() throws {
        let log = try log.writing()
        let reader = TraceReader(log: log)
        for view in try names.map({ try reader.view(named: $0) }) {
            if view.trace.phase.isTerminal {
                Output.note("\(view.name) has finished already")
                continue
            }
            try log.append(
                AppendRequest(drafts: [
                    try reader.coding.draft(
                        .trace(.cancelRequested), stream: .existing(view.id.rawValue))
                ]))
            Output.result("traceflow.crd.antrea.io/\(view.name) cancelled\n")
        }
        try Settlement.settle(log, holder: WorkerCommand.uniqueID("settle"))
    }
}

/// Asks for a new attempt of traces that have finished.
struct RetryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry", abstract: "Ask for a new attempt of traces that have finished.")

    @OptionGroup var log: LogOptions

    @Argument(help: "The traces' names.")
    var names: [String]

    func run() throws {
        let log = try log.writing()
        let reader = TraceReader(log: log)
        let views = try names.map { try reader.view(named: $0) }
        for view in views where !view.trace.phase.isTerminal {
            throw CommandFailure(
                "\(view.name) is \(view.trace.phase.rawValue); only a finished trace can be retried"
            )
        }
        for view in views {
            try log.append(
                AppendRequest(drafts: [try Self.draft(view, reader.coding, now: Clock.system.now())]
                ))
            Output.result("traceflow.crd.antrea.io/\(view.name) retried\n")
        }
    }

    static func draft(
        _ view: TraceView, _ coding: TraceCoding, now: Moment
    ) throws -> Draft {
        try coding.draft(
            .trace(
                .retryRequested(
                    Retry(
                        attempt: view.trace.attempt + 1, notBefore: now, automaticNumber: 0,
                        facts: view.request.facts))), stream: .existing(view.id.rawValue))
    }
}

/// Takes traces out of the current views and frees their names.
struct Delete: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Delete traces: running ones are cancelled, names are freed, history stays.")

    @OptionGroup var log: LogOptions

    @Argument(help: "The traces' names.")
    var names: [String]

    func run() throws {
        let log = try log.writing()
        let reader = TraceReader(log: log)
        for view in try names.map({ try reader.view(named: $0) }) {
            let stream = StreamRef.existing(view.id.rawValue)
            var drafts: [Draft] = []
            if !view.trace.phase.isTerminal {
                drafts.append(try reader.coding.draft(.trace(.cancelRequested), stream: stream))
            }
            drafts.append(try reader.coding.draft(.trace(.deleted), stream: stream))
            try log.append(
                AppendRequest(
                    drafts: drafts,
                    releasedNames: [
                        NewStream(family: StreamFamily.trace.rawValue, name: view.name)
                    ]))
            Output.result("traceflow.crd.antrea.io/\(view.name) deleted\n")
        }
        try Settlement.settle(log, holder: WorkerCommand.uniqueID("settle"))
    }
}
