import ArgumentParser
import Captures
import Foundation
import Glibc
import JobLog
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
        let toPipe = output == "-"
        if toPipe, isatty(STDOUT_FILENO) == 1 {
            throw CommandFailure(
                "packets are not for a terminal; pipe them into tshark -r -, or use `capture show`",
                status: CommandFailure.usage)
        }
        let log = try log.writing()
        let asked = try choice.asked(log)
        let captures = try asked.all()
        let target = toPipe ? nil : try target()
        do {
            // Before the first byte: what left is known, whatever becomes of it.
            for first in stride(from: 0, to: captures.count, by: Self.namedMax) {
                let named = captures[first..<min(first + Self.namedMax, captures.count)]
                try asked.book.record(
                    CapturesExported(
                        path: toPipe ? "" : URL(fileURLWithPath: output).path,
                        captures: named.map { .init(trace: $0.trace, position: $0.position) },
                        packets: named.reduce(0) { $0 + $1.archived.place.packets }))
            }
            var written = try CaptureOutput(isCompressed: output.hasSuffix(".lz4")) { bytes in
                try Self.write(bytes, to: target ?? STDOUT_FILENO)
            }
            var merge = CaptureMerge(captures.map(\.archived.place))
            try merge.forEach(read: asked.book.packets(of:)) { try written.add($0) }
            try written.end()
            if let target, fsync(target) != 0 { throw Self.failure("cannot be synced") }
            Output.note(
                "\(written.packets) packets of \(captures.count) captures"
                    + (toPipe ? "" : " in \(output)"))
        } catch {
            // Half a file would look like all there is.
            if target != nil { unlink(output) }
            throw error
        }
        if let target { close(target) }
    }

    private func target() throws -> Int32 {
        let flags = O_WRONLY | O_CREAT | O_CLOEXEC | (force ? O_TRUNC : O_EXCL)
        let descriptor = open(output, flags, 0o600)
        guard descriptor < 0 else { return descriptor }
        throw CommandFailure(
            errno == EEXIST
                ? "\(output) is there already; choose another name, or give --force"
                : "\(output) cannot be written (\(String(cString: strerror(errno))))")
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32) throws {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress.map { $0 + done }, bytes.count - done)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failure("cannot be written to") }
            done += count
        }
    }

    private static func failure(_ what: String) -> CommandFailure {
        CommandFailure(
            "the file \(what) (\(String(cString: strerror(errno))))", status: CommandFailure.system)
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
        let asked = try choice.asked(log.reading())
        var (captures, packets, faults) = (0, 0, 0)
        try asked.forEach { entry in
            captures += 1
            do {
                packets += try asked.book.packets(of: entry.archived.place).count
            } catch let error as CaptureError where error.code == .damaged || error.code == .missing
            {
                faults += 1
                Output.error("\(entry.traceName): \(error)")
            }
            return true
        }
        guard faults == 0 else {
            throw CommandFailure(
                "\(faults) of \(captures) captures cannot be read", status: CommandFailure.system)
        }
        Output.result("ok: \(captures) captures, \(packets) packets\n")
    }
}
