import Glibc
import History
import JobLog
import TraceLog
import Worker

/// What a worker takes when it has nothing to do, and at most when it has.
enum Footprint: Scenario {
    static let name = "memory"
    static let summary = "MiB of a worker, idle and busy, and its idle share of a core"

    static func run(_ setting: Setting) throws {
        let folder = try setting.newFolder("memory")
        let log = try Subject.newLog(folder)
        let stage = try Stage(log)
        let child = try Stage.worker(setting, folder, "w")
        defer { child.signal(SIGKILL) }
        try stage.awaitWorkers(1)
        _ = try stage.complete(100)
        sleep(milliseconds: 1000)
        let seconds = setting.pick(quick: 4, full: 10)
        let before = try Child.cpuSeconds(of: child.pid)
        sleep(milliseconds: seconds * 1000)
        let spent = try Child.cpuSeconds(of: child.pid) - before
        Output.figure(name, "idle", try mebibytes("VmRSS", child), "MiB")
        Output.figure("idle-cpu", "worker", spent / Double(seconds) * 100, "% of a core")
        _ = try stage.complete(setting.pick(quick: 3000, full: 50_000))
        Output.figure(name, "busy, at most", try mebibytes("VmHWM", child), "MiB")
        try child.end()
        setting.remove(folder)
    }

    private static func mebibytes(_ key: String, _ child: Child) throws -> Double {
        Double(try Child.kilobytes(key, of: child.pid)) / 1024
    }
}

/// What a finished trace leaves on disk.
enum Storage: Scenario {
    static let name = "storage"
    static let summary = "bytes a finished trace, log and history together, live and archived"

    static func run(_ setting: Setting) throws {
        let folder = try setting.newFolder("storage")
        let count = setting.pick(quick: 5000, full: 50_000)
        try Child.part(["complete", folder, String(count)], prints: false).wait()
        try close(folder)
        let bytes = try Setting.bytes(in: folder)
        let history = try readModels(folder)
        Output.figure(name, "live", Double(bytes + history) / Double(count), "bytes/trace")
        let archived = try archive(folder)
        Output.figure(
            name, "archived", Double(archived + Int64(history)) / Double(count), "bytes/trace")
        setting.remove(folder)
    }

    /// Folds the history of the log; how many bytes its files are.
    private static func readModels(_ folder: String) throws -> Int {
        let before = try Setting.bytes(in: folder)
        try History(of: Subject.log(folder)).catchUp()
        return try Setting.bytes(in: folder) - before
    }

    /// Seals the open segment and compresses all; how many bytes the archives are.
    static func archive(_ folder: String) throws -> Int64 {
        let log = try Subject.log(folder)
        let duration: Int64 = 60_000_000
        guard
            let lease = try log.acquireLease(
                role: "decider", holder: "bench", durationMicroseconds: duration)
        else { throw JobLogError(.refused, "somebody else decides") }
        var decider = Decider(
            log: log, coding: TraceCoding(log: log), clock: .system, leaseMicroseconds: duration)
        try decider.roll(holding: lease)
        let archive = SegmentArchive(log: log, holder: "bench")
        return try log.info().segments.filter { $0.state == .sealed }.reduce(0) {
            try $0 + archive.archive($1.number).archivedBytes
        }
    }

    /// Whoever closes a log last folds its WAL into it.
    private static func close(_ folder: String) throws {
        _ = try Subject.log(folder).lastPosition()
    }
}
