import Foundation
import JobLog
import Worker

/// A log with a cluster in it, and traces that are asked for and waited for.
final class Stage {
    let log: JobLog
    let world: World
    private var asked = 0

    init(_ log: JobLog, pairs: Int = 200) throws {
        self.log = log
        var world = try World(pairs: pairs)
        try world.observe(in: log)
        self.world = world
    }

    /// So many traces, and how long from the first request to the last verdict.
    struct Completed {
        var count: Int
        var seconds: Double

        var rate: Double { Double(count) / seconds }

        /// How many would take so long.
        func count(for seconds: Double) -> Int {
            min(500_000, max(count, Int(rate * seconds)))
        }
    }

    /// Records requests and waits until each has its verdict.
    ///
    /// Waiting costs the workers nothing: only when the log stands still are its events counted,
    /// and the end is the moment stamped on the last verdict.
    func complete(_ count: Int) throws -> Completed {
        var counted = try log.lastPosition()
        let start = Clock.system.now().microseconds
        try Subject.request(asked..<(asked + count), world, in: log)
        asked += count
        var ended = 0
        var end = start
        var last = counted
        var still = 0
        while ended < count {
            sleep(milliseconds: 10)
            let position = try log.lastPosition()
            still = position == last ? still + 1 : 0
            last = position
            guard still > 30 else { continue }
            if still > 3000 { throw BenchError("\(count - ended) traces never ended") }
            try Subject.pages(of: log, after: counted) { recorded in
                counted = recorded.position
                guard Subject.isEnd(recorded.type) else { return }
                ended += 1
                end = recorded.recordedAt
            }
        }
        return Completed(count: count, seconds: Double(max(1, end - start)) / 1e6)
    }

    /// Waits until one decides and so many take part.
    func awaitWorkers(_ count: Int) throws {
        let watch = Stopwatch()
        while try Subject.decider(of: log) == nil
            || log.leases(rolePrefix: "executor/").count < count
        {
            if watch.seconds > 10 { throw BenchError("no worker began to work") }
            sleep(milliseconds: 10)
        }
    }

    /// A worker as a user starts it.
    static func worker(
        _ setting: Setting, _ folder: String, _ id: String, environment: [String: String] = [:]
    ) throws -> Child {
        try Child.start(
            [
                setting.tracectl, "worker", "--log", folder, "--id", id, "--in-flight",
                String(Subject.inFlight),
            ], environment: environment)
    }

    /// Works until the worker is stopped.
    static func work(_ worker: Worker, _ log: JobLog) {
        do {
            try worker.run(after: try log.lastPosition(), observe: { _ in }, isDone: { _ in false })
        } catch {
            Output.note("worker: \(error)")
        }
    }

    /// CPU time of this process so far.
    static var cpuSeconds: Double {
        var usage = rusage()
        getrusage(RUSAGE_SELF.rawValue, &usage)
        return usage.ru_utime.seconds + usage.ru_stime.seconds
    }
}
