import Foundation
import JobLog

/// How often the disk is made to write, counted in the processes themselves.
enum Syncs: Scenario {
    static let name = "fsyncs"
    static let summary = "fsync and fdatasync calls a trace, alone and under load"

    static func run(_ setting: Setting) throws {
        try lone(setting)
        try underLoad(setting)
    }

    private static func lone(_ setting: Setting) throws {
        let folder = try setting.newFolder("syncs")
        let all = try counted(setting) { environment in
            try Child.start(LoneTrace.command(setting, folder), environment: environment)
        }
        Output.figure(name, "lone trace, new log, with making and closing", all, "fsyncs/trace")
        // While somebody else has the log open, neither making nor closing the files is counted.
        let holding = try Subject.log(folder)
        try holding.append(AppendRequest(contents: [Content(digest: [0], bytes: [0])]))
        let alone = try counted(setting) { environment in
            try Child.start(LoneTrace.command(setting, folder), environment: environment)
        }
        _ = try holding.lastPosition()
        Output.figure(name, "lone trace", alone, "fsyncs/trace")
        setting.remove(folder)
    }

    private static func underLoad(_ setting: Setting) throws {
        let folder = try setting.newFolder("syncs")
        let count = setting.pick(quick: 2000, full: 20_000)
        let all = try counted(setting) { environment in
            try Child.part(
                ["complete", folder, String(count)], environment: environment, prints: false)
        }
        Output.figure(name, "under load", all / Double(count), "fsyncs/trace")
        setting.remove(folder)
    }

    /// The calls of the process that is started with the environment.
    private static func counted(
        _ setting: Setting, _ start: ([String: String]) throws -> Child
    ) throws -> Double {
        let file = try setting.newFolder("syncs.count")
        try start(["LD_PRELOAD": setting.countsync, "COUNTSYNC_FILE": file]).wait()
        defer { setting.remove(file) }
        let text = try String(contentsOfFile: file, encoding: .utf8)
        guard let count = Double(text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            throw BenchError("the syncs were not counted")
        }
        return count
    }
}
