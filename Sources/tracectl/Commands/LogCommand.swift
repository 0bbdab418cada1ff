import ArgumentParser
import Foundation
import JobLog
import Scheduler
import TraceLog
import Traceflow
import Worker

/// Looks after the log itself.
struct LogCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log", abstract: "Look after the log: info, verify, dump, backup, archive.",
        subcommands: [
            Info.self, Verify.self, Dump.self, Backup.self, RebuildCommand.self,
            ArchiveCommand.self, RestoreCommand.self, DropCommand.self,
        ])

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
            let fates = try SegmentArchive.fates(in: log)
            table.rows += info.segments.map { segment in
                let events = "events \(segment.firstPosition) to \(segment.lastPosition)"
                let place = Self.place(segment, fates[segment.number])
                return ["Segment:", "\(segment.file), \(events), \(place)"]
            }
            for lease in try log.leases(rolePrefix: "decider") {
                table.rows.append(["Decider:", printable(lease.holder) + ", epoch \(lease.epoch)"])
            }
            Output.result(table.text(hasHeader: false))
        }

        private static func place(
            _ segment: LogInfo.Segment, _ fate: SegmentArchive.Fate?
        ) -> String {
            switch (segment.state, fate) {
            case (.open, _): return "open, \(segment.bytes) bytes"
            case (.sealed, _): return "sealed, \(segment.bytes) bytes"
            case (.archived, _): return "archived, \(segment.bytes) bytes"
            case (.absent, .archived(let facts)):
                let place = facts.folder.isEmpty ? "missing" : "in \(printable(facts.folder))"
                return "archived, \(place)"
            case (.absent, .dropped): return "dropped"
            case (.absent, nil): return "missing"
            }
        }
    }

    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Read everything again and check it.")
        @OptionGroup var log: LogOptions

        func run() throws {
            let log = try log.reading()
            let check = try log.verify()
            if let fault = try check.faults.first ?? lastingFault(log) {
                throw CommandFailure("\(self.log.path): \(fault)", status: CommandFailure.system)
            }
            let traces = try TraceCheck.traces(in: log)
            Output.result("ok: \(check.events) events, \(traces) traces\n")
        }

        /// A fault that is there when looked at again: segments may be moved meanwhile.
        private func lastingFault(_ log: JobLog) throws -> String? {
            guard let fault = try segmentFault(log) else { return nil }
            return try segmentFault(log) == fault ? fault : nil
        }

        /// A segment that is neither there nor said to be elsewhere, or an archive that is broken.
        private func segmentFault(_ log: JobLog) throws -> String? {
            let fates = try SegmentArchive.fates(in: log)
            let archive = SegmentArchive(log: log, holder: "verify")
            for segment in try log.info().segments {
                switch (segment.state, fates[segment.number]) {
                case (.open, _), (.sealed, _), (.absent, .dropped): continue
                case (.archived, _):
                    if try archive.isGood(segment.number) { continue }
                    return "\(segment.file): this is not what was archived"
                case (.absent, .archived(let facts)) where !facts.folder.isEmpty:
                    Output.note(
                        "\(segment.file) is in \(facts.folder), and was not looked at")
                case (.absent, _): return "\(segment.file): the file is missing"
                }
            }
            return nil
        }
    }

    struct Dump: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print every event as a line of JSON.")
        @OptionGroup var log: LogOptions

        func run() throws {
            let log = try log.reading()
            let coding = TraceCoding(log: log)
            let table = EventTable(coding: coding)
            var position: Int64 = 0
            while true {
                let events = try coding.events(after: position, limit: 1000)
                guard let last = events.last?.recorded else { return }
                Output.result(try events.map { try table.json($0.recorded) + "\n" }.joined())
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
            let log = try log.reading()
            try log.backup(to: target)
            Output.note("copied to \(target)")
            let captures = CaptureBook.folder(of: log)
            if FileManager.default.fileExists(atPath: captures) {
                Output.note("captures are not part of it; copy \(captures) as well")
            }
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
