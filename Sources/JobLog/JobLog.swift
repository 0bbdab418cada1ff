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
        public var eventTypes: [EventType]
        /// The first event of a new log, made of its id; in the first stream, family `log`.
        public var firstEvent: (@Sendable (_ logID: String) -> Draft)?
        public var storage: Storage

        public init(
            durability: Durability = .full, now: @escaping @Sendable () -> Int64,
            eventTypes: [EventType] = [], firstEvent: (@Sendable (String) -> Draft)? = nil,
            storage: Storage = .fileSystem
        ) {
            self.durability = durability
            self.now = now
            self.eventTypes = eventTypes
            self.firstEvent = firstEvent
            self.storage = storage
        }
    }

    public let folder: String
    public let logID: String
    let options: Options
    let isReadOnly: Bool
    let writer: Guarded<SegmentWriter>
    let reader: Guarded<Connection>
    let symbolReader: Guarded<Connection>
    let pending = GroupCommit()
    /// Leads for callers that must not block.
    let leaders = DispatchQueue(label: "tracectl.joblog.leader", qos: .userInitiated)
    /// How many callers the last transaction answered.
    let companions = Atomic(0)
    let symbols = SymbolCache()
    let news = News()

    init(
        folder: String, logID: String, isReadOnly: Bool, options: Options,
        writer: SegmentWriter, reader: Connection, symbolReader: Connection
    ) {
        self.folder = folder
        self.logID = logID
        self.isReadOnly = isReadOnly
        self.options = options
        self.writer = Guarded(writer)
        self.reader = Guarded(reader)
        self.symbolReader = Guarded(symbolReader)
    }

    static let segmentName = "000001.db"
}
