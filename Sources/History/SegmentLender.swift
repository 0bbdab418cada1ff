import Glibc
import JobLog

/// Brings archived segments to where a fold can read them, for as long as it needs them.
final class SegmentLender {
    private let log: JobLog
    private let expand: History.Expand?
    private var count = 0

    private static let prefix = "history.expanded-"

    init(_ log: JobLog, _ expand: History.Expand?) {
        self.log = log
        self.expand = expand
    }

    /// Where the next events can be read: after which position, and how many at once, so that none
    /// in a segment that is archived are passed over.
    func reach(after position: Int64) throws -> (from: Int64, limit: Int) {
        var from = position
        while let absent = try log.absentSegment(after: from) {
            if absent.base > from { return (from, Int(clamping: absent.base - from)) }
            if try lend(absent.number) { continue }
            // Dropped: what it told is lost to all.
            from = absent.end
        }
        return (from, .max)
    }

    /// Hands over the events of the stream before the position, a segment at a time, each of which
    /// can be read meanwhile.
    func scan(
        stream: Int64, before position: Int64, _ body: ([RecordedEvent]) throws -> Void
    ) throws {
        for home in try log.homes(ofStream: stream) where home.base < position {
            if !home.isHere { _ = try lend(home.number) }
            let events = try log.read(stream: stream).filter {
                $0.position > home.base && $0.position <= home.end && $0.position < position
            }
            if !events.isEmpty { try body(events) }
        }
    }

    func end() {
        // A log that cannot be read says so to the next who asks.
        try? log.lend(nil)
    }

    /// False for a segment that was dropped.
    private func lend(_ segment: Int64) throws -> Bool {
        guard let expand else { return false }
        removeLeftovers()
        count += 1
        let file = "\(log.folder)/\(Self.prefix)\(getpid())-\(count).db"
        defer { try? log.removeFile(file) }
        guard try expand(segment, file) else { return false }
        // An open file stays readable without its name.
        try log.lend(file)
        return true
    }

    /// What processes left that were killed at it.
    private func removeLeftovers() {
        for name in log.filesBeside where name.hasPrefix(Self.prefix) {
            let digits = name.dropFirst(Self.prefix.count).prefix { $0.isNumber }
            guard let process = pid_t(digits), process != getpid(), kill(process, 0) != 0,
                errno == ESRCH
            else { continue }
            try? log.removeFile(log.folder + "/" + name)
        }
    }
}
