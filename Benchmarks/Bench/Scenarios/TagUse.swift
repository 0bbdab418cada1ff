import JobLog
import Scheduler

/// How much of the tags' time is used while traces wait for them.
enum TagUse: Scenario {
    static let name = "tag-use"
    static let summary = "part of all tag-seconds that are busy while traces wait"
    private static let pairs = 8
    private static var tags: Int { pairs * TagPool.tags.count }

    static func run(_ setting: Setting) throws {
        let folder = try setting.newFolder("tag-use")
        let log = try Subject.newLog(folder)
        let stage = try Stage(log, pairs: pairs)
        let latency = setting.pick(quick: 300, full: 1000)
        let worker = Subject.worker(log, id: "bench", latencyMilliseconds: latency)
        let thread = Crew { Stage.work(worker, log) }
        _ = try stage.complete(tags * setting.pick(quick: 8, full: 20))
        worker.stop()
        thread.join()
        Output.figure(name, "reports take up to \(latency) ms", try busyPart(of: log), "of 1")
        setting.remove(folder)
    }

    /// What became of the tags of one pair of nodes.
    private struct Use {
        /// The first allocation and the last, when nothing of the pair waits any more.
        var wanted: Range<Int64>?
        var held: [Range<Int64>] = []

        mutating func allocated(at moment: Int64) {
            wanted = (wanted?.lowerBound ?? moment)..<moment
        }

        var busy: Int64 {
            guard let wanted else { return 0 }
            return held.reduce(0) { $0 + Int64($1.clamped(to: wanted).count) }
        }
    }

    /// Of the time in which traces of the same pair of nodes waited: no other tags are theirs, and
    /// which pair is through first is chance.
    private static func busyPart(of log: JobLog) throws -> Double {
        var uses = [Use](repeating: Use(), count: pairs)
        var pair: [Int64: Int] = [:]
        var started: [Int64: Int64] = [:]
        try Subject.pages(of: log) { recorded in
            if Subject.isRequest(recorded.type) {
                pair[recorded.stream] = pair.count % pairs
            } else if Subject.isAllocation(recorded.type), let pair = pair[recorded.stream] {
                started[recorded.stream] = recorded.recordedAt
                uses[pair].allocated(at: recorded.recordedAt)
            } else if Subject.isEnd(recorded.type), let pair = pair[recorded.stream],
                let start = started.removeValue(forKey: recorded.stream)
            {
                uses[pair].held.append(start..<max(start, recorded.recordedAt))
            }
        }
        let wanted = uses.reduce(0) { $0 + Int64($1.wanted?.count ?? 0) }
        guard wanted > 0 else { throw BenchError("nothing was allocated") }
        let busy = uses.reduce(0) { $0 + $1.busy }
        return Double(busy) / Double(wanted * Int64(TagPool.tags.count))
    }
}
