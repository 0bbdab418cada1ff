/// Since when traces wait, by their streams.
///
/// Requests come in runs of rising numbers that carry the same moment, so millions that wait are
/// some numbers. Beyond `runsMax` runs neighbours are joined, and count as waiting since the
/// earlier of them. Invariant: a run's `left` counts those of its numbers that still wait.
struct WaitingTraces: Hashable, Sendable {
    private struct Run: Hashable, Sendable {
        var first: Int64
        var last: Int64
        var left: Int
        /// Microseconds since 1970.
        var since: Int64
    }

    private var runs: [Run] = []
    /// Runs before this one have nothing left.
    private var head = 0
    /// Those that came out of order: retries.
    private var loose: [Int64: Int64] = [:]
    private let runsMax: Int

    static let runsMax = 65_536

    init(runsMax: Int = WaitingTraces.runsMax) { self.runsMax = runsMax }

    /// How much is kept.
    var entryCount: Int { runs.count - head + loose.count }

    mutating func add(_ stream: Int64, since: Int64) {
        guard let newest = runs.last else {
            runs.append(Run(first: stream, last: stream, left: 1, since: since))
            return
        }
        if stream <= newest.last {
            loose[stream] = since
        } else if newest.since == since, newest.left > 0 {
            runs[runs.count - 1].last = stream
            runs[runs.count - 1].left += 1
        } else {
            runs.append(Run(first: stream, last: stream, left: 1, since: since))
            if runs.count - head > runsMax { join() }
        }
    }

    /// Takes the trace out; nil if it is not known since when it waits.
    mutating func remove(_ stream: Int64) -> Int64? {
        if !loose.isEmpty, let since = loose.removeValue(forKey: stream) { return since }
        guard let place = place(of: stream), runs[place].left > 0 else { return nil }
        let since = runs[place].since
        runs[place].left -= 1
        if place == head { skip() }
        return since
    }

    private func place(of stream: Int64) -> Int? {
        var (low, high) = (head, runs.count)
        while low < high {
            let middle = (low + high) / 2
            if runs[middle].last < stream { low = middle + 1 } else { high = middle }
        }
        return low < runs.count && runs[low].first <= stream ? low : nil
    }

    /// Goes on to the first run with something left; gives back what lies before, in large parts.
    private mutating func skip() {
        while head < runs.count, runs[head].left == 0 { head += 1 }
        if head == runs.count {
            (runs, head) = ([], 0)
        } else if head > 1024, head > runs.count / 2 {
            runs.removeFirst(head)
            head = 0
        }
    }

    /// Makes one of every two neighbours.
    private mutating func join() {
        var joined: [Run] = []
        var isOdd = false
        for run in runs[head...] where run.left > 0 {
            if isOdd {
                joined[joined.count - 1].last = run.last
                joined[joined.count - 1].left += run.left
            } else {
                joined.append(run)
            }
            isOdd.toggle()
        }
        (runs, head) = (joined, 0)
    }
}
