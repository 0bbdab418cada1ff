import Glibc
import JobLog

/// How long nobody decides after the decider is gone.
enum Failover: Scenario {
    static let name = "failover"
    static let summary = "seconds from the end of the decider to the next decision"

    static func run(_ setting: Setting) throws {
        try measure("process killed", SIGKILL, setting.pick(quick: 2, full: 10), setting)
        // Stopped, it still exists, so that only time can take its lease away.
        try measure("process stopped", SIGSTOP, setting.pick(quick: 1, full: 3), setting)
    }

    private static func measure(
        _ title: String, _ signal: Int32, _ samples: Int, _ setting: Setting
    ) throws {
        var times: [Double] = []
        for _ in 0..<samples {
            let folder = try setting.newFolder("failover")
            times.append(try once(folder, signal, setting))
            setting.remove(folder)
        }
        Output.figure(name, "\(title), p50", times.percentile(0.5), "s")
        Output.figure(name, "\(title), most", times.max() ?? 0, "s")
    }

    private static func once(
        _ folder: String, _ signal: Int32, _ setting: Setting
    ) throws -> Double {
        let log = try Subject.newLog(folder)
        let stage = try Stage(log)
        let crew = try ["a", "b"].map { try Stage.worker(setting, folder, $0) }
        defer {
            for child in crew {
                child.signal(SIGKILL)
                _ = try? child.wait()
            }
        }
        try stage.awaitWorkers(2)
        _ = try stage.complete(20)
        guard let holder = try Subject.decider(of: log),
            let decider = crew.first(where: { holder.contains("-\($0.pid)-") })
        else { throw BenchError("none of our workers decides") }
        var watching = try Watcher(folder)
        decider.signal(signal)
        let watch = Stopwatch()
        // Nobody asks until another has taken over: a request would wake it.
        try watching.awaitEvent { Subject.isTakeover($0) }
        try Subject.request(20..<21, stage.world, in: log)
        try watching.awaitEvent { Subject.isAllocation($0) }
        return watch.seconds
    }
}
