import JobLog
import Scheduler
import TraceLog

/// The last requests that went by in the log, so that those that start soon after they were made
/// need not be looked up.
///
/// Streams are numbered in the order they begin, so a request's place is its number's rest: a newer
/// one takes the place of one that is `places` streams older.
struct RecentRequests {
    private var requests: [RecordedEvent?] = []

    /// A longer request (labels, annotations) is looked up, which bounds what is kept.
    private static let bytesMax = 256
    /// More than a sweep has members open.
    private static let places = 32_768

    mutating func keep(_ row: EventRow) {
        if requests.isEmpty { requests = Array(repeating: nil, count: Self.places) }
        requests[place(of: row.stream)] =
            row.payload.count <= Self.bytesMax ? row.recorded : nil
    }

    /// Nil when it is not among them, or cannot be read any more: what it names may lie in a
    /// segment that was put away meanwhile. To be asked once.
    mutating func take(_ stream: Int64, _ coding: TraceCoding) -> TraceRequest? {
        guard !requests.isEmpty, let kept = requests[place(of: stream)], kept.stream == stream
        else {
            return nil
        }
        requests[place(of: stream)] = nil
        return try? kept.withRow { try coding.request($0) }
    }

    private func place(of stream: Int64) -> Int {
        Int(truncatingIfNeeded: stream) & (Self.places - 1)
    }
}
