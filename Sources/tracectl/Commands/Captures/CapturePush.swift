import ArgumentParser
import Captures
import Foundation
import Glibc
import JobLog
import RemoteArchive
import Synchronization
import Traceflow
import Worker

/// Copies files of captures to a remote archive.
struct CapturePush: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "push",
        abstract: "Copy files of captures to S3 or by SFTP, and drop the local ones if asked.",
        discussion: """
            What was interrupted is gone on with; what lies there already is not sent again. A \
            file that was pushed is not added to any more. `show`, `export` and `verify` read what \
            is not here from where it was pushed to, no more of it than they need. Credentials of \
            S3 are those of AWS: variables, ~/.aws, the container's endpoint.
            """)

    @OptionGroup var log: LogOptions
    @OptionGroup var remote: RemoteOptions

    @Option(
        help: ArgumentHelp(
            "Where to: s3://BUCKET/PREFIX or sftp://[USER@]HOST[:PORT]/PATH.", valueName: "url"),
        transform: { try RemoteLocation($0) })
    var archiveTo: RemoteLocation

    @Flag(help: "Only files that are full or a day old, which nothing would be added to.")
    var fullOnly = false

    @Flag(help: "Remove local files once their copies are whole.")
    var dropLocal = false

    func run() throws {
        let log = try log.writing()
        let store = try remote.store(CapturePusher.location(archiveTo, of: log))
        let book = try CaptureBook(log: log, history: HistoryReading.caughtUp(log))
        let pusher = CapturePusher(log: log, store: store, now: { Clock.system.now().seconds })
        let wasInterrupted = Mutex(false)
        let interrupt = Interrupt { wasInterrupted.withLock { $0 = true } }
        defer { interrupt.cancel() }
        let meter = PushMeter()
        var (count, bytes) = (0, Int64(0))
        do {
            try pusher.push(
                fullOnly ? .full : .all, dropsLocal: dropLocal, book,
                watch: { file in
                    TransferWatch(
                        progress: { meter.show(file.name, $0, $1) },
                        isCancelled: { wasInterrupted.withLock { $0 } })
                },
                tell: { pushed in
                    meter.end()
                    if let copy = pushed.copy {
                        count += 1
                        bytes += copy.bytes
                        Output.result("pushed \(copy.archive)/\(copy.name): \(copy.bytes) bytes\n")
                    }
                    if pushed.isDropped {
                        Output.result("dropped captures/\(ArchivedCapture.fileName(pushed.file))\n")
                    }
                })
        } catch let error as RemoteError where error.code == .cancelled {
            meter.end()
            throw CommandFailure(
                "interrupted; the same command goes on with it",
                status: CommandFailure.interrupted)
        } catch {
            meter.end()
            throw error
        }
        if wasInterrupted.withLock({ $0 }) {
            throw CommandFailure(
                "interrupted; the same command goes on with it",
                status: CommandFailure.interrupted)
        }
        Output.note(
            count == 0
                ? "nothing to push" : "\(counted(count, "file")) with \(bytes) bytes pushed")
    }
}

/// A line that says how far a file is, on a terminal.
final class PushMeter {
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private var shownAt: Int64 = 0
    private var hasLine = false

    private static let interval: Int64 = 200_000

    func show(_ name: String, _ done: Int64, _ total: Int64) {
        guard isTerminal, total > 0 else { return }
        let now = Clock.system.monotonicMicroseconds()
        guard now - shownAt >= Self.interval else { return }
        shownAt = now
        let line = "\(name) \(done * 100 / total) % of \(total) bytes"
        FileHandle.standardError.write(Data(("\r\u{1b}[K" + line).utf8))
        hasLine = true
    }

    func end() {
        guard hasLine else { return }
        FileHandle.standardError.write(Data("\r\u{1b}[K".utf8))
        hasLine = false
    }
}

/// Which captures a worker pushes by itself.
struct StandingPushOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Push full files of captures there: s3://BUCKET/PREFIX or sftp://….",
            valueName: "url"), transform: { try RemoteLocation($0) })
    var archiveCapturesTo: RemoteLocation?

    @Flag(help: "With --archive-captures-to: remove local files once their copies are whole.")
    var dropPushed = false

    func validate() throws {
        if dropPushed, archiveCapturesTo == nil {
            throw ValidationError("--drop-pushed needs --archive-captures-to URL")
        }
    }
}
