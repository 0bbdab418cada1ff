import ArgumentParser
import Captures
import Foundation
import Glibc
import JobLog
import Packets
import TraceLog
import Traceflow
import Worker

/// Makes a pcapng file of captures.
struct CaptureExport: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write captures as one pcapng file, in the order of time.",
        discussion: """
            Each export is an event of the log: which captures, and where to. A file whose name \
            ends with .lz4 is compressed; - is standard output: \
            `tracectl capture export NAME -o - | tshark -r -`.
            """)

    @OptionGroup var log: LogOptions
    @OptionGroup var choice: CaptureChoice

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("file.pcapng, file.pcapng.lz4, or -.", valueName: "file"))
    var output: String

    @Flag(help: "Write over a file that is there.")
    var force = false

    /// Captures that one event names.
    private static let namedMax = 10_000

    func run() throws {
        if output == "-", isatty(STDOUT_FILENO) == 1 {
            throw CommandFailure(
                "packets are not for a terminal; pipe them into tshark -r -, or use `capture show`",
                status: CommandFailure.usage)
        }
        let log = try log.writing()
        try Self.export(choice.asked(log), to: output, force: force)
    }

    /// `output` is a file, or - for standard output.
    static func export(_ asked: CaptureChoice.Asked, to output: String, force: Bool) throws {
        let toPipe = output == "-"
        let captures = try asked.all()
        let target = try ExportTarget(toPipe ? nil : output, force: force)
        let reading = CaptureReading(asked.book)
        do {
            // Before the first byte: what left is known, whatever becomes of it.
            for first in stride(from: 0, to: captures.count, by: namedMax) {
                let named = captures[first..<min(first + namedMax, captures.count)]
                try asked.book.record(
                    .exported(
                        CapturesExported(
                            path: toPipe ? "" : URL(fileURLWithPath: output).path,
                            captures: named.map { .init(trace: $0.trace, position: $0.position) },
                            packets: named.reduce(0) { $0 + $1.archived.place.packets })))
            }
            var written = try CaptureOutput(isCompressed: output.hasSuffix(".lz4")) { bytes in
                try target.write(bytes)
            }
            var merge = CaptureMerge(captures.map(\.archived.place))
            try merge.forEach(read: reading.packets(of:)) { try written.add($0) }
            try written.end()
            if written.packets == 0 { throw reading.failure }
            try target.finish()
            Output.note(
                "\(counted(written.packets, "packet")) of \(counted(captures.count, "capture"))"
                    + (toPipe ? "" : " in \(output)"))
        } catch {
            target.giveUp()
            throw error
        }
        if reading.faults > 0 { throw reading.failure }
    }
}

/// Where an export goes: a new file under an unfinished name until it is whole, since half of one
/// would look like all there is; or, as it is, what is no file.
private struct ExportTarget {
    private let descriptor: Int32
    private let path: String?
    /// Nil where bytes go straight to where they are meant to be.
    private let unfinished: String?
    private let force: Bool

    /// Nil for standard output.
    init(_ path: String?, force: Bool) throws {
        self.path = path
        self.force = force
        guard let path else {
            (descriptor, unfinished) = (STDOUT_FILENO, nil)
            return
        }
        var status = stat()
        let exists = stat(path, &status) == 0
        if exists, status.st_mode & S_IFMT != S_IFREG {
            unfinished = nil
            descriptor = open(path, O_WRONLY | O_CLOEXEC)
        } else {
            if exists, !force { throw Self.taken(path) }
            let name = "\(path).unfinished-\(getpid())"
            unfinished = name
            descriptor = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        }
        if descriptor < 0 { throw Self.failure(path, CommandFailure.refused) }
    }

    func write(_ bytes: [UInt8]) throws {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress.map { $0 + done }, bytes.count - done)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                throw Self.failure(path ?? "standard output", CommandFailure.system)
            }
            done += count
        }
    }

    /// Gives the file its name.
    func finish() throws {
        guard let path, let unfinished else { return }
        guard fsync(descriptor) == 0 else { throw Self.failure(path, CommandFailure.system) }
        // Linking fails where somebody else was faster; renaming would not.
        if !force, link(unfinished, path) == 0 {
            unlink(unfinished)
        } else {
            if !force, errno == EEXIST { throw Self.taken(path) }
            // Some file systems have no links.
            guard rename(unfinished, path) == 0 else {
                throw Self.failure(path, CommandFailure.system)
            }
        }
        close(descriptor)
    }

    func giveUp() { if let unfinished { unlink(unfinished) } }

    private static func taken(_ path: String) -> CommandFailure {
        CommandFailure("\(path) is there already; choose another name, or give --force")
    }

    private static func failure(_ path: String, _ status: Int32) -> CommandFailure {
        CommandFailure(
            "\(path) cannot be written (\(String(cString: strerror(errno))))", status: status)
    }
}

/// Checks every capture that the log speaks of.
struct CaptureVerify: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Read every capture again and check it against the log.")
    @OptionGroup var log: LogOptions
    @OptionGroup var choice: CaptureChoice

    func run() throws {
        var asked = try choice.asked(log.reading())
        // An attempt that was given up has its packets as well.
        asked.allAttempts = true
        let reading = CaptureReading(asked.book)
        var (captures, packets) = (0, 0)
        try asked.forEach { entry in
            captures += 1
            packets += try reading.packets(of: entry.archived.place, named: entry.traceName).count
            return true
        }
        guard reading.faults == 0 else { throw reading.failure }
        Output.result("ok: \(counted(captures, "capture")), \(counted(packets, "packet"))\n")
    }
}

/// Reads captures, and goes on where one is lost: what is left of many is worth having.
final class CaptureReading {
    private let book: CaptureBook
    private(set) var faults = 0

    init(_ book: CaptureBook) { self.book = book }

    func packets(of place: ArchivedCapture) throws -> [PacketFile.Record] {
        try packets(of: place, named: "")
    }

    func packets(of place: ArchivedCapture, named name: String) throws -> [PacketFile.Record] {
        do {
            return try book.packets(of: place)
        } catch let error as CaptureError where error.code == .damaged || error.code == .missing {
            faults += 1
            Output.error((name.isEmpty ? "" : "\(name): ") + "\(error)")
            return []
        }
    }

    var failure: CommandFailure {
        CommandFailure(
            "\(counted(faults, "capture")) cannot be read",
            status: CommandFailure.system)
    }
}
