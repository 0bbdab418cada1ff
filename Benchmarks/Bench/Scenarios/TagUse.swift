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

    /// From the first allocation to the last, when nothing waits any more.
    private static func busyPart(of log: JobLog) throws -> Double {
        var started: [Int64: Int64] = [:]
        var held: [Range<Int64>] = []
        var first: Int64?
        var last: Int64 = 0
        try Subject.pages(of: log) { recorded in
            if Subject.isAllocation(recorded.type) {
                started[recorded.stream] = recorded.recordedAt
                first = first ?? recorded.recordedAt
                last = recorded.recordedAt
            } else if Subject.isEnd(recorded.type),
                let start = started.removeValue(forKey: recorded.stream)
            {
                held.append(start..<max(start, recorded.recordedAt))
            }
        }
        guard let first, last > first else { throw BenchError("nothing was allocated") }
        let busy = held.reduce(0) { $0 + max(0, min($1.upperBound, last) - $1.lowerBound) }
        return Double(busy) / Double((last - first) * Int64(tags))
    }
}
