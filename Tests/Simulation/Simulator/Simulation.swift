import JobLog
import Scheduler
import SimulatedDisk
import TraceLog
import Traceflow
import Worker

/// A world of workers and requesters around one log, on virtual time, from one seed.
///
///     burst of requests ──▶ steps of whoever is due, and faults ──▶ all is done ──▶ time is skipped
///          ▲                                                                             │
///          └─────────────────────────────────────────────────────────────────────────────┘
///
/// Everything runs on the caller's thread. Who may run next is drawn; a process that is stopped
/// inside an operation of the disk lets the others run there (`Simulation+Disk.swift`). After
/// every step the witness reads what was committed and holds it against the rules.
///
/// `@unchecked Sendable` holds because only the disk's closure makes it cross, and that is called
/// on the thread that runs the simulation.
public final class Simulation: @unchecked Sendable {
    public let plan: Plan
    let disk: SimulatedDisk
    let time = Timeline()
    let plane: Plane
    let witness: Witness
    let narrator: Narrator
    var hosts: [Host] = []
    var clients: [Client] = []
    var queue = EventQueue()
    var schedule: Dice
    var load: Dice
    var fate: Dice
    var weather: Weather
    var rolls = RollWatch()
    let progress: Progress
    var tally = Tally()
    var phase = Phase.busy
    /// Traces that requesters know of.
    var known: [(id: Int64, name: String)] = []
    var knownSweeps: [Int64] = []
    var knownSchedules: [Int64] = []
    /// Names that were asked for and not answered for: they may be recorded or not.
    var doubtful: [String] = []
    var requestsMade = 0
    /// What the disk had counted when that was last looked at.
    var seen = DiskCounts()
    var operationsInStep = 0
    /// The last event that workers were told of.
    var told: Int64 = 0
    /// How many processes are stopped inside an operation.
    var depth = 0
    /// Whose step it is.
    var actor: Author?
    var violation: Violation?
    /// The number of the witness's process, to which nothing happens.
    var lookingProcess = 0
    /// Whether the witness looks away until the next burst.
    var witnessRests = false
    /// Operations until the process that does one is stopped in it.
    var overtakeIn = 0
    var mayOvertake = true
    var bursts: ArraySlice<Int64>
    var quietSince: Int64?
    var busySince: Int64 = 0

    enum Phase {
        /// Requesters ask, or there is something left to do.
        case busy
        /// All workers leave, so that time can be skipped.
        case leaving
        /// No more faults: everything has to come to its end.
        case ending
        case ended
    }

    public init(
        _ plan: Plan, progress: Progress = Progress(), narrate: (@Sendable (String) -> Void)? = nil
    ) {
        self.plan = plan
        self.progress = progress
        disk = SimulatedDisk(seed: plan.seed)
        plane = Plane(plan)
        narrator = Narrator(time: time, print: narrate)
        witness = Witness(disk: disk, time: time, narrator: narrator)
        schedule = Dice(plan.seed, .schedule)
        load = Dice(plan.seed, .load)
        fate = Dice(plan.seed, .faults)
        weather = Weather(plan)
        bursts = plan.bursts[...]
        var clocks = Dice(plan.seed, .clocks)
        for number in 0..<plan.hosts {
            let skew = plan.skew > 0 ? clocks.within(-plan.skew...plan.skew) : 0
            if skew != 0 { tally.count(.clockSkewed) }
            hosts.append(Host(number: number, skew: skew))
        }
        for number in 0..<plan.clients {
            let skew = plan.skew > 0 ? clocks.within(-plan.skew...plan.skew) : 0
            let clock = ProcessClocks(time, skew: skew, booted: clocks.within(0...1_000_000_000))
            clients.append(
                Client(number: number, clock: clock.clock, isCommand: clocks.happens(500)))
        }
    }

    public struct Outcome: Sendable {
        public var seed: UInt64
        public var digest: UInt64
        public var tally: Tally
        public var violation: Violation?
    }

    /// Runs to the end, or to the first thing that must not be.
    public func run() -> Outcome {
        progress.begin(plan.seed)
        listenToDisk()
        do {
            nextBurst()
            scheduleFaults()
            while phase != .ended { try step() }
            try checkEnd()
        } catch let fault as Violation {
            violation = violation ?? fault
        } catch {
            violation = violation ?? Violation("unexpected: \(error)")
        }
        disk.onOperation(nil)
        var tally = witness.ledger.tally
        tally.faults = self.tally.faults
        tally.steps = self.tally.steps
        tally.operations = disk.operations
        tally.acknowledged = witness.acknowledgedCount
        return Outcome(
            seed: plan.seed, digest: witness.ledger.digest, tally: tally, violation: violation)
    }

    // MARK: choosing

    private enum Choice {
        case event
        case host(Int)
    }

    /// Lets one of those run that are due about now.
    func step() throws {
        tally.steps += 1
        operationsInStep = 0
        progress.take(step: tally.steps)
        // Nothing is for nothing.
        time.pass(1)
        guard tally.steps < Self.stepsMax else { throw Violation("it does not come to rest") }
        var first = queue.nextAt ?? .max
        for host in hosts { first = min(first, nextAt(of: host)) }
        guard first < .max else { return try nothingIsDue() }
        let until = max(first, time.now) + Self.together
        var choices: [Choice] = []
        if let next = queue.nextAt, next <= until { choices.append(.event) }
        for host in hosts where nextAt(of: host) <= until { choices.append(.host(host.number)) }
        switch choices[schedule.below(choices.count)] {
        case .event:
            time.pass(to: queue.nextAt ?? 0)
            if let occurrence = queue.takeFirst() { try perform(occurrence) }
        case .host(let number):
            time.pass(to: nextAt(of: hosts[number]))
            try step(hosts[number])
        }
        try settle()
        if depth == 0 { try look() }
    }

    /// Moments that are closer than this come in any order.
    private static let together: Int64 = 2000
    private static let stepsMax = 2_000_000

    private func nextAt(of host: Host) -> Int64 {
        guard let body = host.body else { return .max }
        let next = body.nextAt
        return next == .max ? .max : max(next, host.pausedUntil)
    }

    private func nothingIsDue() throws {
        if depth > 0 { return time.pass(Self.together) }
        throw Violation("nothing is due")
    }

    private func perform(_ occurrence: Occurrence) throws {
        switch occurrence {
        case .burst: beginBurst()
        case .act(let client): try act(clients[client])
        case .start(let host): start(hosts[host])
        case .resume: break
        case .report(let host, let incarnation, let report): deliver(host, incarnation, report)
        case .fault(let fault): try strike(fault)
        case .clears(let fault): clear(fault)
        }
    }
}
