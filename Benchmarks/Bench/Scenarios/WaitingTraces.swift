import Glibc
import Scheduler
import Traceflow

/// What allocating costs with many traces waiting, and how much memory they take.
enum WaitingTraces: Scenario {
    static let name = "waiting"
    static let summary = "microseconds an allocation and MiB with N traces waiting"
    /// A size that would take more is not tried.
    static let mebibytesMax = 6144.0

    static func run(_ setting: Setting) throws {
        var sizes = [1000, 10_000, 100_000, 1_000_000, 10_000_000]
        if setting.isQuick { sizes.removeLast(2) }
        for order in Order.allCases {
            for size in sizes {
                // In a process of its own, so that memory is that size's alone.
                try Child.part(["waiting", order.rawValue, String(size), String(setting.seconds)])
                    .wait()
            }
        }
    }

    /// How the pairs of nodes follow each other among the requests.
    enum Order: String, CaseIterable {
        /// They take turns, as in a sweep.
        case sweep
        /// By chance, so that nothing repeats.
        case scattered
    }

    /// Measures one size in this process.
    static func measure(_ size: Int, _ order: Order, seconds: Double) throws {
        let before = try mebibytes("VmRSS")
        var queue = try Queue(order)
        for count in 1...size {
            queue.ask()
            // A first part tells what the whole would take.
            guard count == size / 20, size > 1_000_000 else { continue }
            let whole = (try mebibytes("VmRSS") - before) * 20
            if whole > mebibytesMax {
                Output.note("waiting: \(size) \(order) would take \(Int(whole)) MiB; left out")
                return
            }
        }
        let suffix = order == .sweep ? "" : "-scattered"
        Output.figure("waiting-memory\(suffix)", "\(size) waiting", try mebibytes("VmHWM"), "MiB")
        queue.turn()
        queue.spent = 0
        queue.allocated = 0
        let watch = Stopwatch()
        repeat { queue.turn() } while watch.seconds < seconds
        guard queue.allocated > 0 else { throw BenchError("nothing was allocated") }
        let cost = Double(queue.spent) / Double(queue.allocated)
        Output.figure(name + suffix, "\(size) waiting", cost, "us/allocation")
    }

    private static func mebibytes(_ key: String) throws -> Double {
        Double(try Child.kilobytes(key, of: getpid())) / 1024
    }

    /// A scheduling state that as many traces join as leave.
    private struct Queue {
        let world: World
        let order: Order
        var generator = Chance()
        var state = SchedulerState()
        var asked = 0
        var position: Int64 = 0
        /// Microseconds spent in deciding.
        var spent: Int64 = 0
        var allocated = 0

        init(_ order: Order) throws {
            self.order = order
            world = try World()
        }

        mutating func ask() {
            asked += 1
            position += 1
            let pair =
                switch order {
                case .sweep: asked % world.pairs
                case .scattered: Int.random(in: 0..<world.pairs, using: &generator)
                }
            state.evolve(
                TraceID(Int64(asked)), .requested(world.request(asked, pair: pair)),
                position: position, at: Moment(microseconds: position))
        }

        /// Allocates, ends what was allocated, and refills the queue.
        mutating func turn() {
            let context = DecisionContext(
                now: Moment(microseconds: position),
                executors: [Executor(id: "bench", inFlightMax: 64)])
            let start = Stopwatch.now
            let decisions = state.decide(context, position: position + 1)
            spent += Stopwatch.now - start
            for decision in decisions {
                position += 1
                guard case .tagAllocated = decision.event else { continue }
                allocated += 1
                state.evolve(
                    decision.trace, .succeeded(attempt: 1, verdict: .delivered),
                    position: position, at: Moment(microseconds: position))
                ask()
            }
        }
    }
}

/// The same numbers in every run (a linear congruential generator with Knuth's constants).
private struct Chance: RandomNumberGenerator {
    private var state: UInt64 = 7

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ (state >> 32)
    }
}
