import Captures
import History
import JobLog
import Packets
import Scheduler
import TraceLog
import Traceflow

/// The captures of a log: finds them, reads their packets, notes that they were exported.
public struct CaptureBook: CaptureIndex {
    public struct Entry: Sendable {
        /// Of the event that told of it.
        public var position: Int64
        public var recordedAt: Moment
        public var trace: TraceID
        /// Nil when the segment that knows is not here.
        public var name: TraceName?
        public var archived: CaptureArchived
        /// Whether it was given up.
        public var isPruned = false

        /// What people call the trace.
        public var traceName: String { name?.text ?? "trace \(trace.rawValue)" }
    }

    private let log: JobLog
    private let history: History
    private let coding: TraceCoding
    private let reader: CaptureReader
    /// The last time that captures were given up.
    public let lastPruning: (at: Moment, what: CapturesPruned)?
    /// The copies of files in remote archives, by the file's number.
    public let pushed: [Int64: [CaptureFilePushed]]

    private static let page = 1000

    /// As far as the history is folded. Files that are not here are read from where they were
    /// pushed to, if somebody knows the way.
    public init(log: JobLog, history: History, remote: RemoteArchives? = nil) throws {
        self.log = log
        self.history = history
        coding = TraceCoding(log: log)
        var pushed: [Int64: [CaptureFilePushed]] = [:]
        for recorded in try history.events(ofType: .captureFilePushed) {
            if case .captures(.filePushed(let copy)) = try coding.event(recorded) {
                pushed[copy.file, default: []].append(copy)
            }
        }
        self.pushed = pushed
        reader = CaptureReader(folder: Self.folder(of: log)) { file in
            guard let copies = pushed[file] else { return nil }
            return try remote?.bytes(of: copies)
        }
        var last: (at: Moment, what: CapturesPruned)?
        for recorded in try history.events(ofType: .capturesPruned, before: .max, limit: 1) {
            if case .captures(.pruned(let pruned)) = try coding.event(recorded) {
                last = (Moment(microseconds: recorded.recordedAt), pruned)
            }
        }
        lastPruning = last
    }

    /// What was archived up to this position is given up.
    public var prunedThrough: Int64 { lastPruning?.what.through ?? 0 }

    /// Where the archive of a log lies.
    public static func folder(of log: JobLog) -> String { log.folder + "/captures" }

    /// The captures that are left, the latest first, until the body returns false.
    public func forEach(_ body: (Entry) throws -> Bool) throws {
        try forEachPage(before: .max) { events in
            for entry in try entries(events) where try entry.isPruned || !body(entry) {
                return false
            }
            return true
        }
    }

    /// The same without what they are of.
    func forEachPlace(
        _ body: (_ position: Int64, _ recordedAt: Int64, ArchivedCapture) throws -> Bool
    ) throws {
        try forEachPage(before: .max) { events in
            for event in events {
                guard event.position > prunedThrough else { return false }
                if let place = try place(event),
                    try !body(event.position, event.recordedAt, place)
                {
                    return false
                }
            }
            return true
        }
    }

    /// The captures that were given up, the latest first.
    func forEachPruned(_ body: (ArchivedCapture) throws -> Bool) throws {
        try forEachPage(before: prunedThrough + 1) { events in
            for event in events {
                if let place = try place(event), try !body(place) { return false }
            }
            return true
        }
    }

    private func forEachPage(
        before position: Int64, _ body: ([RecordedEvent]) throws -> Bool
    ) throws {
        var before = position
        while true {
            let events = try history.events(
                ofType: .captureArchived, before: before, limit: Self.page)
            guard let last = events.last else { return }
            before = last.position
            guard try body(events) else { return }
        }
    }

    private func place(_ recorded: RecordedEvent) throws -> ArchivedCapture? {
        guard case .trace(.captureArchived(let archived)) = try coding.event(recorded) else {
            return nil
        }
        return archived.place
    }

    /// The captures of one trace in the order of the log, those that were given up too.
    public func entries(of trace: TraceID) throws -> [Entry] {
        try entries(
            history.events(ofStream: trace.rawValue).filter {
                $0.type == LogEventType.captureArchived.rawValue
            })
    }

    private func entries(_ events: [RecordedEvent]) throws -> [Entry] {
        var names: [Int64: TraceName] = [:]
        try log.scanFirsts(of: Array(Set(events.map(\.stream)))) { row in
            guard LogEventType(rawValue: row.type) == .traceRequested else { return }
            names[row.stream] = try coding.request(row).naming
        }
        return try events.compactMap { recorded in
            guard case .trace(.captureArchived(let archived)) = try coding.event(recorded) else {
                return nil
            }
            return Entry(
                position: recorded.position, recordedAt: Moment(microseconds: recorded.recordedAt),
                trace: TraceID(recorded.stream), name: names[recorded.stream], archived: archived,
                isPruned: recorded.position <= prunedThrough)
        }
    }

    /// Whether a capture is of a trace of the sweep.
    public func isOf(_ sweep: SweepID) throws -> (Entry) -> Bool {
        let ended = try history.traces(of: sweep)
        return { entry in entry.name?.sweep == sweep || ended.contains(entry.trace) }
    }

    /// Checks the frames the capture lies in, and returns its packets.
    public func packets(of place: ArchivedCapture) throws -> [PacketFile.Record] {
        try reader.packets(of: place)
    }

    /// Whether a copy of the file was pushed, which must stay one.
    public func isClosed(_ file: Int64) -> Bool { pushed[file] != nil }

    public func highestFile() throws -> Int64 {
        max(lastPruning?.what.highestFile ?? 0, pushed.keys.max() ?? 0)
    }

    /// Up to which byte of a file the log speaks of captures; all of it where that is damaged.
    public func promisedEnd(ofFile file: Int64) throws -> Int64 {
        var last: ArchivedCapture?
        try forEachPlace { _, _, place in
            if place.file == file,
                last.map({ ($0.frame, $0.offset) < (place.frame, place.offset) }) ?? true
            {
                last = place
            }
            return true
        }
        guard let last else { return 0 }
        return (try? reader.end(of: last)) ?? .max
    }

    /// Notes in the log what became of captures.
    public func record(_ event: CapturesEvent) throws {
        let draft = try TraceCoding.draftOfLog(.captures(event), JobLog.ownStream)
        try log.append(AppendRequest(drafts: [draft]))
    }
}
