import Foundation
import JobLog

/// A single trace as a user asks for it, from the start of the process to its end.
enum LoneTrace: Scenario {
    static let name = "lone-trace"
    static let summary = "milliseconds of `tracectl run`, and of a start that does nothing"

    static func run(_ setting: Setting) throws {
        let existing = try setting.newFolder("lone-existing")
        let large = try setting.newFolder("lone-large")
        let events = setting.pick(quick: 20_000, full: 1_000_000)
        try fill(large, events)
        try once(setting, existing)
        var times: [String: [Double]] = [:]
        for _ in 0..<setting.pick(quick: 8, full: 30) {
            let fresh = try setting.newFolder("lone-new")
            // One after the other, so that a busy moment meets all of them.
            times["process start alone", default: []].append(try start(setting))
            times["new log", default: []].append(try once(setting, fresh))
            times["existing log", default: []].append(try once(setting, existing))
            setting.remove(fresh)
        }
        for _ in 0..<setting.pick(quick: 2, full: 5) {
            times["log of \(events) events", default: []].append(try once(setting, large))
        }
        for (title, all) in times.sorted(by: { $0.key < $1.key }) {
            Output.figure(name, title, all.percentile(0.5), "ms")
        }
        setting.remove(existing)
        setting.remove(large)
    }

    private static func fill(_ folder: String, _ events: Int) throws {
        let log = try Subject.newLog(folder, durability: .off)
        var world = try World()
        try world.observe(in: log)
        var history = WrittenPast(log: log, world: world)
        try history.grow(to: events)
    }

    private static func start(_ setting: Setting) throws -> Double {
        let watch = Stopwatch()
        try Child.start([setting.tracectl, "--version"]).wait()
        return watch.milliseconds
    }

    static func command(_ setting: Setting, _ folder: String) -> [String] {
        [
            setting.tracectl, "run", "--log", folder, "--cluster",
            setting.manifests + "/cluster.yaml", "-S", "pod1", "-D", "pod3", "--flow",
            "tcp,tcp_dst=80",
        ]
    }

    @discardableResult
    private static func once(_ setting: Setting, _ folder: String) throws -> Double {
        let watch = Stopwatch()
        try Child.start(command(setting, folder)).wait()
        return watch.milliseconds
    }
}
