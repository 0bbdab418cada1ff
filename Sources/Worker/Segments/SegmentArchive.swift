import JobLog
import Scheduler
import TraceLog
import Traceflow

/// Puts sealed segments of a log of traces away, brings them back, and drops them.
///
/// A segment in which a trace was requested that is not finished stays: its request is needed
/// when the trace starts.
public struct SegmentArchive {
    private let log: JobLog
    private let coding: TraceCoding
    private let holder: String
    private let archiving: Archiving

    /// What became of a segment that was not simply sealed.
    public enum Fate: Hashable, Sendable {
        case archived(SegmentArchived)
        case dropped
    }

    /// `holder` names who does it, as a worker's name does.
    public init(log: JobLog, holder: String) {
        self.log = log
        self.holder = holder
        coding = TraceCoding(log: log)
        archiving = Archiving(
            compress: { try LZ4Frame.compress($0, $1) }, expand: { try LZ4Frame.expand($0) },
            archived: { try Self.draft(.segmentArchived(SegmentArchived($0))) },
            restored: { try Self.draft(.segmentRestored(segment: $0)) },
            dropped: { try Self.draft(.segmentDropped(segment: $0)) })
    }

    /// Compresses the segment; into the folder, if one is given.
    ///
    /// Throws `refused` with the reason when it cannot be put away now.
    @discardableResult
    public func archive(_ segment: Int64, to folder: String? = nil) throws -> ArchivedSegment {
        try checkNothingIsAlive(in: segment)
        return try log.archive(segment, to: folder, as: holder, archiving)
    }

    /// Brings the segment back from where it was put, or from the folder that is given.
    public func restore(_ segment: Int64, from folder: String? = nil) throws {
        var source = folder
        if source == nil, case .archived(let facts) = try Self.fates(in: log)[segment],
            !facts.folder.isEmpty
        {
            source = facts.folder
        }
        try log.restore(segment, from: source, as: holder, archiving)
    }

    /// Makes the segment's file anew somewhere else, from where its archive was put.
    public func expand(_ segment: Int64, to file: String) throws {
        var source: String?
        if case .archived(let facts) = try Self.fates(in: log)[segment], !facts.folder.isEmpty {
            source = facts.folder
        }
        try log.expand(segment, from: source, to: file, archiving)
    }

    /// Removes the segment for good. The names of its traces are free again.
    public func drop(_ segment: Int64) throws {
        try checkNothingIsAlive(in: segment)
        try log.drop(segment, as: holder, archiving)
    }

    /// Whether the archive in the log's folder holds what was sealed.
    public func isGood(_ segment: Int64) throws -> Bool {
        guard case .archived(let facts) = try Self.fates(in: log)[segment] else { return false }
        return try log.verifyArchive(segment, facts.digest, archiving)
    }

    /// What became of the segments that were archived or dropped, by number.
    public static func fates(in log: JobLog) throws -> [Int64: Fate] {
        let coding = TraceCoding(log: log)
        var fates: [Int64: Fate] = [:]
        let types: [LogEventType] = [.segmentArchived, .segmentRestored, .segmentDropped]
        for recorded in try log.read(stream: JobLog.ownStream, types: types.map(\.rawValue)) {
            switch try coding.event(recorded) {
            case .segmentArchived(let facts): fates[facts.segment] = .archived(facts)
            case .segmentRestored(let segment): fates[segment] = nil
            case .segmentDropped(let segment): fates[segment] = .dropped
            default: continue
            }
        }
        return fates
    }

    /// The facts behind `fates`, said again: for a new segment, which may outlive those in which
    /// they were said first.
    static func drafts(saying fates: [Int64: Fate]) throws -> [Draft] {
        try fates.sorted { $0.key < $1.key }.map { segment, fate in
            switch fate {
            case .archived(let facts): try draft(.segmentArchived(facts))
            case .dropped: try draft(.segmentDropped(segment: segment))
            }
        }
    }

    private static func draft(_ event: LogEvent) throws -> Draft {
        try TraceCoding.draftOfLog(event, JobLog.ownStream)
    }

    private func checkNothingIsAlive(in segment: Int64) throws {
        let alive = try coding.replayed().snapshot.streamsOfWork
        guard let trace = try log.firstStream(of: alive, in: segment) else { return }
        throw JobLogError(
            .refused, "segment \(segment) holds events of trace \(trace), which is not finished",
            remedy: "archive it when its traces have ended")
    }
}

extension SegmentArchived {
    init(_ segment: ArchivedSegment) {
        self.init(
            segment: segment.segment, bytes: segment.bytes, archivedBytes: segment.archivedBytes,
            digest: segment.digest, folder: segment.folder)
    }
}
