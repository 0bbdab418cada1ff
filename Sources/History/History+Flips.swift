import Traceflow

extension History {
    /// Where what one schedule finds turned, in order: each run beside the one before it,
    /// whichever ends they had.
    public func flips(ofScheduleIn filter: HistoryFilter) throws -> [PairFlip] {
        Self.flips(in: try traces(filter, limit: .max).reversed())
    }

    /// Where one record says something else than the one before it. Those that somebody stopped
    /// tell nothing.
    public static func flips(in records: some Sequence<TraceRecord>) -> [PairFlip] {
        var flips: [PairFlip] = []
        var last: TraceRecord?
        for record in records where record.tellsOfTheNetwork {
            defer { last = record }
            guard let before = last else { continue }
            if before.verdict != record.verdict {
                flips.append(PairFlip(kind: .verdict, before: before, after: record))
            } else if before.pathDigest != record.pathDigest {
                flips.append(PairFlip(kind: .path, before: before, after: record))
            }
        }
        return flips
    }
}
