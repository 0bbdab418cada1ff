import ArgumentParser
import Foundation
import Glibc

/// Real processes on real files, killed, stopped, starved and interfered with.
@main
struct Torture: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "torture",
        abstract: "Kill, stop and starve tracectl, and check every promise it made.",
        subcommands: [Run.self, Foreigner.self], defaultSubcommand: Run.self)
}

/// All phases, one after the other, each with a log of its own.
struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Run the phases.")

    enum Phase: String, CaseIterable, ExpressibleByArgument { case kill, stop, disk, foreign }

    @Option(help: "Decides what happens; how it interleaves, the system decides.")
    var seed: UInt64?

    @Option var kills = 1000
    @Option var traces = 10_000
    @Option var workers = 4

    @Option(parsing: .upToNextOption, help: "Some phases only.")
    var phases: [Phase] = Phase.allCases

    @Option(help: "The binary. Default: the one beside this program.")
    var tracectl: String?

    @Option(help: "Where the logs go. Default: a temporary folder.")
    var folder: String?

    func validate() throws {
        guard kills > 0, traces > 0, workers > 0 else {
            throw ValidationError("kills, traces and workers are at least 1")
        }
    }

    func run() throws {
        Wait.watchForInterrupts()
        let seed = seed ?? UInt64.random(in: 0...999_999_999)
        let plan = Plan(seed: seed, kills: kills, traces: traces, workers: workers)
        let base = folder ?? FileManager.default.temporaryDirectory.path
        let place = "\(base)/tracectl-torture-\(seed)-\(getpid())"
        Self.say("SEED=\(seed) KILLS=\(kills) TRACES=\(traces) WORKERS=\(workers)")
        var reports: [Report] = []
        for phase in phases {
            do {
                let begin = Wait.now()
                guard let report = try play(phase, plan, place + "/\(phase.rawValue)") else {
                    continue
                }
                reports.append(report)
                let seconds = (Wait.now() - begin) / 1000
                Self.say(
                    "\(phase.rawValue): \(report.findings.traces) traces,"
                        + " \(report.findings.attempts) attempts, log verifies, \(seconds) s")
                for line in report.lines { Self.say("  " + line) }
            } catch is Wait.Interruption {
                throw ExitCode(130)
            } catch {
                Self.say("SEED=\(seed), phase \(phase.rawValue): \(error)")
                Self.say("the logs are kept in \(place)")
                throw ExitCode(1)
            }
        }
        Self.say(Report.summary(reports))
        try FileManager.default.removeItem(atPath: place)
    }

    /// Nil when the phase cannot be played here.
    private func play(_ phase: Phase, _ plan: Plan, _ folder: String) throws -> Report? {
        let own = Self.own
        let tracectl = tracectl ?? own.deletingLastPathComponent().path + "/tracectl"
        switch phase {
        case .kill:
            var play = KillPhase(try Arena(folder: folder, tracectl: tracectl), plan)
            return try play.run()
        case .stop:
            var play = StopPhase(try Arena(folder: folder, tracectl: tracectl), plan)
            return try play.run()
        case .disk:
            guard let disk = try SmallDisk(at: folder + "/disk", megabytes: 32) else {
                Self.say("disk: left out, mounting a small file system needs root")
                return nil
            }
            let arena = try Arena(
                folder: folder, log: disk.folder + "/log", tracectl: tracectl)
            var play = FullDiskPhase(arena, plan, disk: disk)
            do {
                return try play.run()
            } catch {
                arena.endAll()
                disk.keep(in: folder + "/kept")
                throw error
            }
        case .foreign:
            let arena = try Arena(folder: folder, tracectl: tracectl)
            var play = ForeignPhase(arena, plan, torture: own.path)
            return try play.run()
        }
    }

    private static func say(_ text: String) {
        FileHandle.standardOutput.write(Data((text + "\n").utf8))
    }

    private static let own = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
}
