import Glibc
import JobLog

/// Traces from request to verdict, all durable: requests are recorded while workers work.
enum Completing: Scenario {
    static let name = "completion"
    static let summary = "traces/s from request to verdict, in process and with 1, 2, 4 workers"

    static func run(_ setting: Setting) throws {
        let count = try inProcess(setting)
        for workers in [1, 2, 4] { try processes(workers, count, setting) }
    }

    /// Traces enough for the time a case may take, by a first look at the rate.
    private static func inProcess(_ setting: Setting) throws -> Int {
        let folder = try setting.newFolder("completion")
        let log = try Subject.newLog(folder)
        let stage = try Stage(log)
        let worker = Subject.worker(log, id: "bench")
        let thread = Crew { Stage.work(worker, log) }
        let first = try stage.complete(setting.pick(quick: 1000, full: 4000))
        let count = first.count(for: setting.seconds * 2)
        let cpu = Stage.cpuSeconds
        let done = try stage.complete(count)
        Output.figure(name, "in process", done.rate, "traces/s")
        let spent = Stage.cpuSeconds - cpu
        Output.figure("completion-cpu", "in process", spent / Double(count) * 1e6, "us/trace")
        worker.stop()
        thread.join()
        setting.remove(folder)
        return count
    }

    private static func processes(_ workers: Int, _ count: Int, _ setting: Setting) throws {
        let folder = try setting.newFolder("completion")
        let log = try Subject.newLog(folder)
        let stage = try Stage(log)
        let crew = try (0..<workers).map { try Stage.worker(setting, folder, "w\($0)") }
        defer { for child in crew { child.signal(SIGKILL) } }
        try stage.awaitWorkers(workers)
        let cpu = Stage.cpuSeconds
        let done = try stage.complete(count)
        let title = workers == 1 ? "1 worker" : "\(workers) workers"
        Output.figure(name, title, done.rate, "traces/s")
        var spent = Stage.cpuSeconds - cpu
        for child in crew { spent += try child.end() }
        Output.figure("completion-cpu", title, spent / Double(count) * 1e6, "us/trace")
        setting.remove(folder)
    }
}
