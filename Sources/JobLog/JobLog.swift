import Dispatch
import Synchronization

/// An append-only log of events in a folder of SQLite segments, shared by several processes.
///
///     append ──▶ pending ──leader takes all──▶ transaction ──commit──▶ acknowledged
///                   ▲                               │
///                   └──── leader takes again ◀──────┘ (a refusal fails its own caller only)
///
/// Invariants:
/// - what `append` and `decide` return is committed, and synced as `durability` says;
/// - positions and versions have no gaps; `recordedAt` never falls;
/// - writer and reader are used under their locks, by one thread at a time.
///
/// All calls block. `JobLog+Async.swift` has the ones for Swift concurrency.
public final class JobLog: Sendable {
    /// When a commit counts as done.
    public enum Durability: String, Sendable, CaseIterable {
        /// Survives a power cut.
        case full
        /// Survives a crash of the process; a power cut may take the last commits.
        case normal
        case off
    }

    public enum Access: Sendable {
        /// Never creates or changes anything.
        case readOnly
        case readWrite
        /// Makes the folder and the log when there is none.
        case create
    }

    public struct Options: Sendable {
        public var durability: Durability
        /// The time in microseconds since 1970.
        public var now: @Sendable () -> Int64
        /// Microseconds of a clock that nobody sets; nil for the system's.
        public var monotonic: (@Sendable () -> Int64)?
        public var eventTypes: [EventType]
        /// The first event of a new log, made of its id; in the first stream, family `log`.
        public var firstEvent: (@Sendable (_ logID: String) -> Draft)?
        public var storage: Storage
        /// How the log goes on in a new segment; without it, it never does.
        public var rolling: Rolling?
        /// Names a new log; nil for a random name.
        public var newLogID: (@Sendable () -> String)?

        public init(
            durability: Durability = .full, now: @escaping @Sendable () -> Int64,
            monotonic: (@Sendable () -> Int64)? = nil, eventTypes: [EventType] = [],
            firstEvent: (@Sendable (String) -> Draft)? = nil, storage: Storage = .fileSystem,
            rolling: Rolling? = nil, newLogID: (@Sendable () -> String)? = nil
        ) {
            self.durability = durability
            self.now = now
            self.monotonic = monotonic
            self.eventTypes = eventTypes
            self.firstEvent = firstEvent
            self.storage = storage
            self.rolling = rolling
            self.newLogID = newLogID
        }
    }

    public let folder: String
    public let logID: String
    let options: Options
    let isReadOnly: Bool
    let time: LogTime
    let writer: Guarded<WriterPlace>
    let reader: Guarded<SegmentReader>
    let symbolReader: Guarded<SegmentReader>
    let pending = GroupCommit()
    /// Leads for callers that must not block.
    let leaders = DispatchQueue(label: "tracectl.joblog.leader", qos: .userInitiated)
    /// How many callers the last transaction answered.
    let companions = Atomic(0)
    let symbols = SymbolCache()
    let news = News()
    let recent: RecentRows

    /// A log whose newest segment has the number. `writer` is nil when it is only read.
    init(
        readingAt number: Int64, folder: String, isReadOnly: Bool, options: Options,
        writer: SegmentWriter? = nil, recent: RecentRows = RecentRows(),
        beside other: JobLog? = nil
    ) throws(JobLogError) {
        let file = SegmentFile.path(number, in: folder)
        func open(
            _ companion: Guarded<SegmentReader>? = nil
        ) throws(JobLogError) -> SegmentReader {
            SegmentReader(
                try Segment(SegmentFile.open(file, isReadOnly: isReadOnly, options.storage)),
                folder: folder, storage: options.storage, isReadOnly: isReadOnly,
                companion: companion)
        }
        symbolReader = Guarded(try open())
        let reader = try open(symbolReader)
        self.folder = folder
        logID = reader.newest.logID
        self.isReadOnly = isReadOnly
        time = LogTime(clock: options.now, monotonic: options.monotonic ?? Self.monotonic)
        self.options = options
        if let other, writer == nil, other.logID == logID, other.folder == folder {
            self.recent = other.recent
        } else {
            self.recent = recent
        }
        self.writer = Guarded(WriterPlace(writer))
        self.reader = Guarded(reader)
    }

    /// The moment that an event would carry now, in microseconds since 1970.
    public func now() -> Int64 { time.now }
}
