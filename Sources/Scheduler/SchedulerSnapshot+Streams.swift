extension SchedulerSnapshot {
    /// The numbers of all that has not finished, traces and sweeps, as runs in order.
    public var streams: [ClosedRange<Int64>] { streams(withSchedules: true) }

    /// The same without schedules, which never finish: what is known of them goes with each
    /// checkpoint, so that their earlier events may be put away.
    public var streamsOfWork: [ClosedRange<Int64>] { streams(withSchedules: false) }

    private func streams(withSchedules: Bool) -> [ClosedRange<Int64>] {
        var runs = lives.map { $0.trace.rawValue...$0.trace.rawValue }
        runs += sweeps.map { $0.id.rawValue...$0.id.rawValue }
        if withSchedules { runs += schedules.map { $0.id.rawValue...$0.id.rawValue } }
        for range in lanes.lazy.flatMap(\.ranges) where range.count > 0 {
            let last = range.stream + range.stride * Int64(range.count - 1)
            if range.count == 1 || range.stride == 1 {
                runs.append(range.stream...last)
            } else {
                // Lanes of a sweep interleave: what lies between belongs to others.
                for step in 0..<Int64(range.count) {
                    let stream = range.stream + step * range.stride
                    runs.append(stream...stream)
                }
            }
        }
        runs.sort { $0.lowerBound < $1.lowerBound }
        var joined: [ClosedRange<Int64>] = []
        for run in runs {
            if let last = joined.last, last.upperBound + 1 >= run.lowerBound {
                joined[joined.count - 1] =
                    last.lowerBound...max(last.upperBound, run.upperBound)
            } else {
                joined.append(run)
            }
        }
        return joined
    }
}
