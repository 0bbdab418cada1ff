import Glibc
import SimulatedDisk
import Simulator

/// Runs simulations one after the other and says how they went.
///
///     simulate FIRST [LAST [HOURS]]
///
/// Environment: TRACE=1 tells each step, SABOTAGE=kind makes the runs wrong in that way,
/// PATIENCE=seconds is how long a run may stand still before it counts as hung.
@main
struct Simulate {
    static let progress = Progress()

    static func main() {
        let arguments = Array(CommandLine.arguments.dropFirst())
        let sabotage = text("SABOTAGE").map { Sabotage(rawValue: $0) }
        guard let first = arguments.first.flatMap({ UInt64($0) }), sabotage != .some(nil) else {
            print("usage: simulate FIRST [LAST [HOURS]]")
            exit(2)
        }
        let last = arguments.count > 1 ? UInt64(arguments[1]) ?? first : first
        let hours = arguments.count > 2 ? Double(arguments[2]) ?? 1 : 1
        let narrate: (@Sendable (String) -> Void)? =
            text("TRACE") == nil ? nil : { @Sendable line in say(line) }
        Crash.tell(progress)
        let watchdog = Watchdog(progress, seconds: text("PATIENCE").flatMap(Double.init) ?? 60) {
            say(Simulation.report(Violation($0), seed: progress.seed, step: progress.step))
            // The thread that hangs cannot be ended but with the process.
            _exit(1)
        }
        var total = Tally()
        var failed = 0
        for seed in first...max(first, last) {
            SimulatedDisk.seedSQLite(Int32(truncatingIfNeeded: seed))
            let plan = Plan(seed: seed, hours: hours, sabotage: sabotage ?? nil)
            let outcome = Simulation(plan, progress: progress, narrate: narrate).run()
            say("\(outcome)")
            total.add(outcome.tally)
            if outcome.violation != nil { failed += 1 }
        }
        withExtendedLifetime(watchdog) { say(total.summary) }
        exit(failed == 0 ? 0 : 1)
    }

    private static func text(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    /// Each line at once, also into a pipe.
    @Sendable private static func say(_ line: String) {
        print(line)
        fflush(nil)
    }
}
