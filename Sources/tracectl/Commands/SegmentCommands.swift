import API
import ArgumentParser
import Foundation
import History
import JobLog
import TraceLog
import Worker

/// A segment as it is named on the command line: `3` or `000003.db`.
struct SegmentNumber: ExpressibleByArgument, Hashable {
    var number: Int64

    init?(argument: String) {
        let name = argument.hasSuffix(".lz4") ? String(argument.dropLast(4)) : argument
        let digits = name.hasSuffix(".db") ? String(name.dropLast(3)) : name
        guard digits.allSatisfy({ $0.isASCII && $0.isNumber }), let number = Int64(digits),
            number > 0
        else { return nil }
        self.number = number
    }
}

/// Makes the history anew.
struct RebuildCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rebuild",
        abstract: "Fold the history anew from all segments, archived ones too.",
        discussion: """
            The history answers `tracectl history`; it is made of the log alone and may be thrown \
            away. Traces that were requested in a segment that was dropped are lost to it.
            """)

    @OptionGroup var log: LogOptions

    func run() throws {
        let log = try log.reading()
        try History(of: log).clear()
        let history = try HistoryReading.caughtUp(log)
        Output.result(
            "history of \(try history.count()) traces, folded from"
                + " \(try history.position()) events\n")
    }
}

/// Compresses sealed segments.
struct ArchiveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "archive",
        abstract: "Compress sealed segments, which are not read any more until restored.")

    @OptionGroup var log: LogOptions

    @Argument(help: "Segments, as `log info` names them.")
    var segments: [SegmentNumber] = []

    @Flag(help: "All that are sealed and hold no unfinished trace.")
    var all = false

    @Option(
        help: ArgumentHelp(
            "All of these that were sealed so long ago (30d, 12h).", valueName: "age"))
    var olderThan: Duration64?

    @Option(
        help: ArgumentHelp(
            "Where the archives go. Default: the log's folder.", valueName: "folder"),
        completion: .directory)
    var to: String?

    func validate() throws {
        let hasRule = all || olderThan != nil
        if segments.isEmpty == !hasRule {
            throw ValidationError("name segments, or give --all or --older-than AGE")
        }
    }

    func run() throws {
        let log = try log.writing()
        let archive = SegmentArchive(log: log, holder: WorkerCommand.uniqueID("archive"))
        let folder = to.map(absolutePath)
        var numbers = segments.map(\.number)
        if numbers.isEmpty {
            let before = log.now() - (olderThan?.microseconds ?? 0)
            numbers = try log.info().segments.filter {
                $0.state == .sealed && ($0.sealedAt ?? .max) <= before
            }.map(\.number)
        }
        for number in numbers {
            do {
                let facts = try archive.archive(number, to: folder)
                let share = facts.bytes > 0 ? facts.archivedBytes * 100 / facts.bytes : 100
                let place = facts.folder.isEmpty ? "" : " in \(printable(facts.folder))"
                Output.result(
                    "segment \(number) archived\(place): \(facts.archivedBytes) of"
                        + " \(facts.bytes) bytes (\(share) %)\n")
            } catch let error as JobLogError where error.code == .refused && segments.isEmpty {
                Output.note("segment \(number) stays: \(error.message)")
            }
        }
        if numbers.isEmpty { Output.note("nothing to archive") }
    }
}

/// Brings archived segments back.
struct RestoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Bring archived segments back, so that they are read.")

    @OptionGroup var log: LogOptions

    @Argument(help: "Segments, as `log info` names them.")
    var segments: [SegmentNumber]

    @Option(
        help: ArgumentHelp(
            "Where the archives are. Default: where they were put.", valueName: "folder"),
        completion: .directory)
    var from: String?

    func run() throws {
        let log = try log.writing()
        let archive = SegmentArchive(log: log, holder: WorkerCommand.uniqueID("restore"))
        for segment in segments {
            try archive.restore(segment.number, from: from.map(absolutePath))
            Output.result("segment \(segment.number) restored\n")
        }
    }
}

/// Removes segments for good.
struct DropCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drop",
        abstract: "Remove sealed or archived segments for good, and free their traces' names.",
        discussion: "What was archived into another folder stays there.")

    @OptionGroup var log: LogOptions

    @Argument(help: "Segments, as `log info` names them.")
    var segments: [SegmentNumber]

    func run() throws {
        let log = try log.writing()
        let archive = SegmentArchive(log: log, holder: WorkerCommand.uniqueID("drop"))
        for segment in segments {
            try archive.drop(segment.number)
            Output.result("segment \(segment.number) dropped\n")
        }
    }
}
