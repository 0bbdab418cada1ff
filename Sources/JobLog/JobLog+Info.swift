/// What a log consists of.
public struct LogInfo: Hashable, Sendable {
    public enum State: String, Sendable {
        /// Appended to.
        case open
        /// Never written again.
        case sealed
        /// Compressed: has to be restored before it can be read.
        case archived
        /// Not in the log's folder: archived elsewhere, dropped, or missing.
        case absent
    }

    public struct Segment: Hashable, Sendable {
        public var number: Int64
        /// The file's name; of an absent segment the one that it had.
        public var file: String
        public var state: State
        public var bytes: Int64
        public var firstPosition: Int64
        public var lastPosition: Int64
        /// Microseconds since 1970; nil of the open segment.
        public var sealedAt: Int64?
    }

    public var logID: String
    public var formatVersion: Int64
    /// Microseconds since 1970.
    public var createdAt: Int64
    public var lastPosition: Int64
    public var segments: [Segment]
    /// What events of the open segment refer to by digest.
    public var contentBytes: Int64
}

extension JobLog {
    /// What the log consists of now.
    public func info() throws(JobLogError) -> LogInfo {
        try readingAll { reader in
            try reader.moveOn()
            let newest = reader.newest
            let earlier = try reader.earlierEntries()
            let last = try newest.end().base.position
            let segments = earlier.map { entry in
                var segment = describe(entry.number, entry.base.position, entry.end.position)
                segment.sealedAt = entry.sealedAt
                return segment
            }
            var current = describe(newest.number, newest.base.position, last)
            current.state = reader.isAtEnd ? .sealed : .open
            return LogInfo(
                logID: logID,
                formatVersion: try newest.connection.number("pragma user_version") ?? 0,
                createdAt: earlier.first?.createdAt ?? newest.createdAt, lastPosition: last,
                segments: segments + [current],
                contentBytes: try newest.connection.number("select sum(length(bytes)) from content")
                    ?? 0)
        }
    }

    private func describe(_ number: Int64, _ before: Int64, _ last: Int64) -> LogInfo.Segment {
        let storage = options.storage
        let file = SegmentFile.name(number)
        let archive = file + SegmentFile.archiveEnding
        var segment = LogInfo.Segment(
            number: number, file: file, state: .absent, bytes: 0, firstPosition: before + 1,
            lastPosition: last)
        if let bytes = storage.size(folder + "/" + file) {
            (segment.state, segment.bytes) = (.sealed, bytes)
        } else if let bytes = storage.size(folder + "/" + archive) {
            (segment.file, segment.state, segment.bytes) = (archive, .archived, bytes)
        }
        return segment
    }
}
