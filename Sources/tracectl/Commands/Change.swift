import API
import ArgumentParser
import JobLog
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
        let recorder = ChangeRecorder(log: log)
        for view in try names.map({ try reader.view(named: $0) }) {
            if try recorder.record(.cancel, of: view.id) == nil {
                Output.note("\(view.name) has finished already")
            } else {
                Output.result("\(QualifiedName.text(view.name)) cancelled\n")
            }
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
        let recorder = ChangeRecorder(log: log)
        for view in views {
            guard try recorder.record(.retry, of: view.id) != nil else {
                throw CommandFailure("\(view.name): somebody else has retried or deleted it")
            }
            Output.result("\(QualifiedName.text(view.name)) retried\n")
        }
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
        let recorder = ChangeRecorder(log: log)
        for view in try names.map({ try reader.view(named: $0) }) {
            if try recorder.record(.delete(name: view.name), of: view.id) == nil {
                Output.note("\(view.name) was deleted by somebody else meanwhile")
            } else {
                Output.result("\(QualifiedName.text(view.name)) deleted\n")
            }
        }
        try Settlement.settle(log, holder: WorkerCommand.uniqueID("settle"))
    }
}
