import JobLog
import TraceLog

/// Which traces of a log are members of one sweep.
///
/// Members are asked for in chunks, whose streams and numbers both go up by one: a sweep that was
/// alone in its log is one range, however large.
struct SweepMembers {
    private struct Run {
        var stream: Int64
        var member: Int64
        var count: Int64
    }

    private var runs: [Run] = []

    /// Takes in a member's request.
    mutating func add(_ member: Int64, stream: Int64) {
        if let last = runs.last, last.stream + last.count == stream,
            last.member + last.count == member
        {
            runs[runs.count - 1].count += 1
        } else {
            runs.append(Run(stream: stream, member: member, count: 1))
        }
    }

    /// The member whose stream it is; nil when it is none.
    func member(_ stream: Int64) -> Int64? {
        var (low, high) = (0, runs.count)
        while low < high {
            let middle = (low + high) / 2
            if runs[middle].stream <= stream { low = middle + 1 } else { high = middle }
        }
        guard low > 0 else { return nil }
        let run = runs[low - 1]
        let place = stream - run.stream
        return place < run.count ? run.member + place : nil
    }
}
