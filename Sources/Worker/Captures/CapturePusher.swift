import Captures
import Crypto
import Foundation
import History
import JobLog
import RemoteArchive
import TraceLog
import Traceflow

/// Copies files of captures to a remote archive.
///
///     here ──sent, whole──▶ sent ──CaptureFilePushed──▶ pushed ──CaptureFileDropped──▶ dropped
///       ▲        │            │                            │                             │
///       └─crash──┘            └─crash: found there again   └──────── removed here ◀──────┘
///
/// Invariants:
/// - the log says `CaptureFilePushed` only of a copy that is whole and the same, to the byte;
/// - a file that was pushed is never added to again (`CaptureIndex.isClosed`): whoever sends it
///   holds its lock until the log has said so;
/// - a local file is removed only once the log says both.
///
/// The name has the content's digest, so that what a crash left behind is never taken for something
/// else. Blocks on files and the network; not for the threads of tasks.
public struct CapturePusher {
    /// Which files.
    public enum Choice: Hashable, Sendable {
        /// Those that no writer would add to any more, for their size or age.
        case full
        /// All that nobody writes to now.
        case all
    }

    public struct Pushed: Hashable, Sendable {
        public var file: Int64
        public var bytes: Int64
        /// Nil where it lay there before.
        public var copy: CaptureFilePushed?
        public var isDropped = false
    }

    private let log: JobLog
    private let folder: CaptureFolder
    private let store: any RemoteStore
    private let now: () -> Int64

    /// `now` gives seconds since 1970.
    public init(log: JobLog, store: any RemoteStore, now: @escaping () -> Int64) {
        self.log = log
        self.store = store
        self.now = now
        folder = CaptureFolder(CaptureBook.folder(of: log))
    }

    /// Where the files of a log lie in an archive: several logs may share one.
    public static func location(
        _ archive: RemoteLocation, of log: JobLog
    ) throws -> RemoteLocation { try archive.appending(log.logID) }

    /// Pushes what was not, in the order of the files' numbers; `tell` hears of each. Files that
    /// somebody writes to are passed over.
    public func push(
        _ choice: Choice, dropsLocal: Bool, _ book: CaptureBook,
        watch: (_ file: CaptureFolder.File) -> TransferWatch, tell: (Pushed) throws -> Void
    ) throws {
        for file in try folder.files() {
            let watch = watch(file)
            if watch.isCancelled() { return }
            if case .full = choice,
                try !folder.isFull(file.number, CaptureWriter.Limits(), now: now())
            {
                continue
            }
            guard
                var pushed = try folder.whileNobodyWrites(
                    to: file.number, book, { try push($0, file.number, book, watch) })
            else { continue }
            if dropsLocal, pushed.copy != nil || book.isClosed(file.number) {
                try book.record(.fileDropped(file: file.number))
                pushed.isDropped = try folder.remove(file.number)
            }
            if pushed.copy != nil || pushed.isDropped { try tell(pushed) }
        }
    }

    /// Pushes the full files of a log now.
    public static func apply(
        to log: JobLog, store: any RemoteStore, dropsLocal: Bool, mayGoOn: () -> Bool,
        tell: (String) -> Void
    ) throws {
        let history = try History(of: log)
        try history.catchUp { _ in mayGoOn() }
        guard mayGoOn() else { return }
        let book = try CaptureBook(log: log, history: history)
        let pusher = CapturePusher(log: log, store: store, now: { log.now() / 1_000_000 })
        try withoutActuallyEscaping(mayGoOn) { mayGoOn in
            do {
                try pusher.push(
                    .full, dropsLocal: dropsLocal, book,
                    watch: { _ in TransferWatch(isCancelled: { !mayGoOn() }) }
                ) { pushed in
                    let name = ArchivedCapture.fileName(pushed.file)
                    if let copy = pushed.copy { tell("pushed captures/\(name) to \(copy.archive)") }
                    if pushed.isDropped { tell("dropped captures/\(name)") }
                }
            } catch let error as RemoteError where error.code == .cancelled {
                return
            }
        }
    }

    /// Sends one file, and says so in the log.
    private func push(
        _ path: String, _ number: Int64, _ book: CaptureBook, _ watch: TransferWatch
    ) throws -> Pushed {
        let (bytes, digest) = try Self.digest(of: path)
        let archive = store.location.description
        let known = book.pushed[number]?.last { $0.archive == archive && $0.digest == digest }
        if let known, try store.file(known.name, watch)?.bytes == known.bytes {
            return Pushed(file: number, bytes: bytes, copy: nil)
        }
        let name = Self.name(of: number, digest)
        _ = try store.put(path, as: name, watch)
        let copy = CaptureFilePushed(
            file: number, archive: archive, name: name, bytes: bytes, digest: digest)
        try book.record(.filePushed(copy))
        return Pushed(file: number, bytes: bytes, copy: copy)
    }

    /// `000012-1f2e3d4c5b6a7988.pcapng.lz4`
    private static func name(of number: Int64, _ digest: [UInt8]) -> String {
        let hex = digest.prefix(8).map { byte in
            (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
        let name = ArchivedCapture.fileName(number)
        return name.dropLast(ArchivedCapture.fileEnding.count) + "-" + hex
            + ArchivedCapture.fileEnding
    }

    private static func digest(of path: String) throws -> (bytes: Int64, digest: [UInt8]) {
        guard let handle = FileHandle(forReadingAtPath: path) else {
            throw CaptureError(
                .failed, "\(path) cannot be read", remedy: "check who owns the file")
        }
        defer { try? handle.close() }
        var (hash, bytes) = (SHA256(), Int64(0))
        while let more = try handle.read(upToCount: 1 << 20), !more.isEmpty {
            hash.update(data: more)
            bytes += Int64(more.count)
        }
        return (bytes, Array(hash.finalize()))
    }
}
