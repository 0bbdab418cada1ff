import Captures
import History
import JobLog
import Packets
import Scheduler
import TraceLog
import Traceflow

/// The captures of a log: finds them, reads their packets, notes that they were exported.
public struct CaptureBook {
    public struct Entry: Sendable {
        /// Of the event that told of it.
        public var position: Int64
        public var recordedAt: Moment
        public var trace: TraceID
        /// Nil when the segment that knows is not here.
        public var name: TraceName?
        public var archived: CaptureArchived

        /// What people call the trace.
        public var traceName: String { name?.text ?? "trace \(trace.rawValue)" }
    }

    private let log: JobLog
    private let history: History
    private let coding: TraceCoding
    private let reader: CaptureReader

    private static let page = 1000

    /// As far as the history is folded.
    public init(log: JobLog, history: History) {
        self.log = log
        self.history = history
        coding = TraceCoding(log: log)
        reader = CaptureReader(folder: Self.folder(of: log))
    }

    /// Where the archive of a log lies.
    public static func folder(of log: JobLog) -> String { log.folder + "/captures" }

    /// All captures, the latest first, until the body returns false.
    public func forEach(_ body: (Entry) throws -> Bool) throws {
        var before = Int64.max
        while true {
            let events = try history.events(
                ofType: .captureArchived, before: before, limit: Self.page)
            guard let last = events.last else { return }
            before = last.position
            for entry in try entries(events) where try !body(entry) { return }
        }
    }

    /// The captures of one trace, in the order of the log.
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
                trace: TraceID(recorded.stream), name: names[recorded.stream], archived: archived)
        }
    }

    /// Checks the frames the capture lies in, and returns its packets.
    public func packets(of place: ArchivedCapture) throws -> [PacketFile.Record] {
        try reader.packets(of: place)
    }

    /// Up to which byte of a file the log speaks of captures; all of it where that is damaged.
    public func promisedEnd(ofFile file: Int64) throws -> Int64 {
        var last: ArchivedCapture?
        try forEach { entry in
            let place = entry.archived.place
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

    /// Notes in the log that packets left the archive.
    public func record(_ exported: CapturesExported) throws {
        let draft = try TraceCoding.draftOfLog(.capturesExported(exported), JobLog.ownStream)
        try log.append(AppendRequest(drafts: [draft]))
    }
}
