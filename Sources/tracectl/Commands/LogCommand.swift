import ArgumentParser
import Foundation
import JobLog
import Scheduler
import TraceLog
import Traceflow

/// Looks after the log itself.
struct LogCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log", abstract: "Look after the log: info, verify, dump, backup.",
        subcommands: [Info.self, Verify.self, Dump.self, Backup.self])

    struct Info: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "What the log consists of.")
        @OptionGroup var log: LogOptions

        func run() throws {
            let path = log.path
            let log = try log.reading()
            let info = try log.info()
            var table = TextTable(header: ["", ""])
            table.rows = [
                ["Folder:", printable(path)], ["Log:", info.logID],
                ["Format:", String(info.formatVersion)],
                ["Created:", RFC3339.text(Moment(microseconds: info.createdAt))],
                ["Events:", String(info.lastPosition)],
                ["Kept contents:", "\(info.contentBytes) bytes"],
            ]
            table.rows += info.segments.map {
                [
                    "Segment:",
                    "\($0.file), events \($0.firstPosition) to \($0.lastPosition),"
                        + " \($0.bytes) bytes",
                ]
            }
            for lease in try log.leases(rolePrefix: "decider") {
                table.rows.append(["Decider:", printable(lease.holder) + ", epoch \(lease.epoch)"])
            }
            Output.result(table.text(hasHeader: false))
        }
    }

    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Read everything again and check it.")
        @OptionGroup var log: LogOptions

        func run() throws {
            let log = try log.reading()
            let check = try log.verify()
            if let fault = check.faults.first {
                throw CommandFailure("\(self.log.path): \(fault)", status: CommandFailure.system)
            }
            let traces = try TraceCheck.traces(in: log)
            Output.result("ok: \(check.events) events, \(traces) traces\n")
        }
    }

    struct Dump: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print every event as a line of JSON.")
        @OptionGroup var log: LogOptions

        func run() throws {
            let log = try log.reading()
            let table = EventTable(coding: TraceCoding(log: log))
            var position: Int64 = 0
            while true {
                let events = try log.read(after: position, limit: 1000)
                guard let last = events.last else { return }
                Output.result(try events.map { try table.json($0) + "\n" }.joined())
                position = last.position
            }
        }
    }

    struct Backup: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Copy the log while others use it.")
        @OptionGroup var log: LogOptions

        @Argument(help: "A folder without a log.", completion: .directory)
        var target: String

        func run() throws {
            try log.reading().backup(to: target)
            Output.note("copied to \(target)")
        }
    }
}

/// Prints the completion script of a shell.
struct CompletionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completion",
        abstract: "Print the completion script of bash, zsh or fish.")

    @Argument(help: "bash, zsh or fish.")
    var shell: String

    func run() throws {
        guard let shell = CompletionShell(rawValue: shell) else {
            throw ValidationError("\"\(shell)\" is none of bash, zsh, fish")
        }
        Output.result(Tracectl.completionScript(for: shell) + "\n")
    }
}
