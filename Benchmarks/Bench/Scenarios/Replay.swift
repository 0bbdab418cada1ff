import JobLog
import Scheduler
import TraceLog

/// From bytes on disk to scheduling state, on one thread.
enum Replay: Scenario {
    static let name = "replay"
    static let summary = "events/s read, decoded and folded on one thread"

    static func run(_ setting: Setting) throws {
        let folder = try setting.newFolder("replay")
        let log = try Subject.newLog(folder, durability: .off)
        var world = try World()
        try world.observe(in: log)
        var history = WrittenPast(log: log, world: world)
        try history.grow(to: setting.pick(quick: 50_000, full: 1_000_000))
        try measure("read", setting) {
            var count = 0
            try Subject.pages(of: log) { _ in count += 1 }
            return count
        }
        let coding = TraceCoding(log: log)
        try measure("decode", setting) { try log.scan(after: 0) { _ = try coding.event($0) } }
        try measure("decode and fold", setting) {
            var state = SchedulerState()
            let count = try Subject.fold(log, into: &state)
            guard state.isIdle else { throw BenchError("finished traces are left") }
            return count
        }
        setting.remove(folder)
    }

    private static func measure(
        _ name: String, _ setting: Setting, _ turn: () throws -> Int
    ) throws {
        let rate = try Stopwatch.rate(seconds: setting.seconds, turn)
        Output.figure(Self.name, name, rate, "events/s")
    }
}

/// How long a log of N events takes to be opened and its scheduling state to be known.
enum Opening: Scenario {
    static let name = "open"
    static let summary = "milliseconds to open a log of N events and recover its scheduling state"

    static func run(_ setting: Setting) throws {
        let folder = try setting.newFolder("open")
        let sizes = setting.pick(
            quick: [10_000, 100_000], full: [10_000, 100_000, 1_000_000, 10_000_000])
        var world = try World()
        var log: JobLog? = try Subject.newLog(folder, durability: .off)
        if let log { try world.observe(in: log) }
        log = nil
        for size in sizes {
            // Closed in between, as the one that is measured has nobody else on the log.
            log = try Subject.log(folder, durability: .off)
            if let log {
                var history = WrittenPast(log: log, world: world)
                try history.grow(to: size)
            }
            log = nil
            // The first recovery may write a checkpoint that the others find.
            let first = try recovery(folder)
            var times: [Double] = []
            let watch = Stopwatch()
            repeat {
                times.append(first > 10_000 ? first : try recovery(folder))
            } while times.count < 5 && watch.seconds < setting.seconds
            Output.figure(name, "\(size) events", times.percentile(0.5), "ms")
        }
        setting.remove(folder)
    }

    private static func recovery(_ folder: String) throws -> Double {
        let watch = Stopwatch()
        try Subject.recover(folder)
        return watch.milliseconds
    }
}
