import Glibc
import SimulatedDisk
import Simulator

/// Runs simulations one after the other and says how they went.
///
///     simulate FIRST LAST [HOURS]
///
/// With TRACE=1 each step is told.
@main
struct Simulate {
    static func main() {
        let arguments = CommandLine.arguments.dropFirst().compactMap { UInt64($0) }
        guard let first = arguments.first else {
            print("usage: simulate FIRST [LAST [HOURS]]")
            exit(2)
        }
        let last = arguments.count > 1 ? arguments[1] : first
        let hours = arguments.count > 2 ? Int(arguments[2]) : 1
        let narrate: (@Sendable (String) -> Void)? =
            getenv("TRACE") == nil ? nil : { @Sendable line in say(line) }
        var total = Tally()
        var failed = 0
        for seed in first...max(first, last) {
            SimulatedDisk.seedSQLite(Int32(truncatingIfNeeded: seed))
            let outcome = Simulation(Plan(seed: seed, hours: hours), narrate: narrate).run()
            say("\(outcome)")
            total.add(outcome.tally)
            if outcome.violation != nil { failed += 1 }
        }
        say(total.summary)
        exit(failed == 0 ? 0 : 1)
    }

    /// Each line at once, also into a pipe.
    @Sendable private static func say(_ line: String) {
        print(line)
        fflush(nil)
    }
}
