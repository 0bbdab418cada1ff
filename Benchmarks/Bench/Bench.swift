import Glibc

/// Measures what the log, the scheduler and the workers can do, one scenario after the other.
///
///     bench list
///     bench run [--quick] [NAME...]
///
/// `--tracectl`, `--countsync` and `--folder` say where things are, `--batch` which batch alone.
/// Figures go to standard output as lines of JSON; `Benchmarks/report.py` sets them beside the
/// floor and the peers.
@main
struct Bench {
    static let scenarios: [any Scenario.Type] = [
        Append.self, GroupCommitting.self, Replay.self, Opening.self, BulkRequest.self,
        Completing.self, PickUp.self, Failover.self, LoneTrace.self, WaitingTraces.self,
        Syncs.self, Footprint.self, Storage.self, TagUse.self, Matrix.self,
        MatrixGrowth.self, Sweeping.self, Slots.self, CronSlots.self, Asking.self, Capturing.self,
        Serving.self,
    ]

    static func main() {
        do {
            try run(Array(CommandLine.arguments.dropFirst()))
        } catch {
            Output.note("error: \(error)")
            exit(3)
        }
    }

    private static func run(_ arguments: [String]) throws {
        switch arguments.first {
        case "list":
            for scenario in scenarios { Output.line("\(scenario.name)  \(scenario.summary)") }
        case "run": try run(scenarios: Array(arguments.dropFirst()))
        case "child": try Part.run(Array(arguments.dropFirst()))
        default: throw BenchError("usage: bench list | bench run [--quick] [NAME...]")
        }
    }

    private static func run(scenarios arguments: [String]) throws {
        var rest = arguments
        let setting = try Setting(&rest)
        let known = Set(scenarios.map { $0.name })
        if let unknown = rest.first(where: { !known.contains($0) }) {
            throw BenchError("there is no scenario \"\(unknown)\"; `bench list` shows them")
        }
        var hasFailed = false
        for scenario in scenarios where rest.isEmpty || rest.contains(scenario.name) {
            Output.note("\(scenario.name): \(scenario.summary)")
            do {
                try scenario.run(setting)
            } catch {
                // The others still say what they can.
                Output.note("\(scenario.name): \(error)")
                hasFailed = true
            }
        }
        if hasFailed { throw BenchError("not everything could be measured") }
    }
}

/// One thing that is measured.
protocol Scenario: SendableMetatype {
    static var name: String { get }
    static var summary: String { get }
    static func run(_ setting: Setting) throws
}

/// Why a scenario could not be measured.
struct BenchError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
