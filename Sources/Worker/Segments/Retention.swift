import JobLog
import Traceflow

/// What becomes of sealed segments by themselves.
public struct RetentionPolicy: Hashable, Sendable {
    /// How long after it was sealed a segment is compressed; nil for never.
    public var archiveAfterMicroseconds: Int64?
    /// Where archives go; nil for the log's own folder.
    public var archiveFolder: String?
    /// How long after it was sealed a segment is dropped, archived or not; nil for never.
    public var dropAfterMicroseconds: Int64?

    public init(
        archiveAfterMicroseconds: Int64? = nil, archiveFolder: String? = nil,
        dropAfterMicroseconds: Int64? = nil
    ) {
        self.archiveAfterMicroseconds = archiveAfterMicroseconds
        self.archiveFolder = archiveFolder
        self.dropAfterMicroseconds = dropAfterMicroseconds
    }

    /// One segment and what is to become of it.
    public enum Step: Hashable, Sendable {
        case archive(Int64)
        case drop(Int64)

        public var segment: Int64 {
            switch self {
            case .archive(let segment), .drop(let segment): segment
            }
        }
    }

    /// What is due at the moment, the oldest segment first. What is dropped is not archived before.
    ///
    /// The history must be folded as far as a segment goes before it is put away.
    public func due(
        _ segments: [LogInfo.Segment], _ fates: [Int64: SegmentArchive.Fate], folded: Int64,
        at now: Moment
    ) -> [Step] {
        segments.sorted { $0.number < $1.number }.compactMap { segment in
            guard let sealedAt = segment.sealedAt, segment.lastPosition <= folded else {
                return nil
            }
            let age = now.microseconds - sealedAt
            if let after = dropAfterMicroseconds, age >= after, fates[segment.number] != .dropped {
                return .drop(segment.number)
            }
            if let after = archiveAfterMicroseconds, age >= after, segment.state == .sealed {
                return .archive(segment.number)
            }
            return nil
        }
    }
}
