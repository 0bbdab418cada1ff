import Glibc
import JobLog

/// How soon an idle worker starts what was just asked for.
enum PickUp: Scenario {
    static let name = "pick-up"
    static let summary = "milliseconds from an acknowledged request to its tag, idle worker"

    static func run(_ setting: Setting) throws {
        try otherProcess(setting)
        try sameProcess(setting)
    }

    private static func otherProcess(_ setting: Setting) throws {
        let folder = try setting.newFolder("pick-up")
        let log = try Subject.newLog(folder)
        let stage = try Stage(log)
        let child = try Stage.worker(setting, folder, "w")
        defer { child.signal(SIGKILL) }
        try stage.awaitWorkers(1)
        try measure("another process", stage, folder, setting)
        try child.end()
        setting.remove(folder)
    }

    private static func sameProcess(_ setting: Setting) throws {
        let folder = try setting.newFolder("pick-up")
        let log = try Subject.newLog(folder)
        let stage = try Stage(log)
        let worker = Subject.worker(log, id: "bench")
        let thread = Crew { Stage.work(worker, log) }
        try stage.awaitWorkers(1)
        try measure("this process", stage, folder, setting)
        worker.stop()
        thread.join()
        setting.remove(folder)
    }

    private static func measure(
        _ title: String, _ stage: Stage, _ folder: String, _ setting: Setting
    ) throws {
        // A connection of its own, so that watching locks nobody out.
        var watching = try Watcher(folder)
        var waits: [Double] = []
        for number in 0..<setting.pick(quick: 40, full: 200) {
            sleep(milliseconds: Int.random(in: 15...45))
            try watching.skip()
            try Subject.request(number..<(number + 1), stage.world, in: stage.log)
            let asked = Stopwatch()
            try watching.awaitEvent { Subject.isAllocation($0) }
            waits.append(asked.milliseconds)
            try watching.awaitEvent { Subject.isEnd($0) }
        }
        Output.figure(name, "\(title), p50", waits.percentile(0.5), "ms")
        Output.figure(name, "\(title), p95", waits.percentile(0.95), "ms")
    }
}

/// Looks at a log every tenth of a millisecond or oftener, to see events as soon as they are there.
struct Watcher {
    private let log: JobLog
    private var position: Int64 = 0

    init(_ folder: String) throws {
        log = try Subject.log(folder)
        position = try log.lastPosition()
    }

    mutating func skip() throws { position = try log.lastPosition() }

    /// Waits for the next event that is meant.
    mutating func awaitEvent(seconds: Double = 60, _ isMeant: (Int32) -> Bool) throws {
        let watch = Stopwatch()
        while watch.seconds < seconds {
            guard try log.lastPosition() > position else {
                usleep(40)
                continue
            }
            for event in try log.read(after: position, limit: 100) {
                position = event.position
                if isMeant(event.type) { return }
            }
        }
        throw BenchError("what was waited for did not come")
    }
}
