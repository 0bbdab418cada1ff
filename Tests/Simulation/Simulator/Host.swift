import JobLog
import SimulatedDisk
import TraceLog
import Worker

/// A place where one process at a time works: a worker, as `tracectl worker` has it.
final class Host {
    let number: Int
    /// How many processes have run here.
    var incarnation = 0
    var body: Body?
    /// It does nothing before this moment.
    var pausedUntil: Int64 = 0
    /// How far its clock is from the others'.
    let skew: Int64

    init(number: Int, skew: Int64) {
        self.number = number
        self.skew = skew
    }
}

/// A process of a worker. Its threads take turns with everybody else's.
final class Body {
    let process: SimulatedProcess
    let clock: Clock
    let name: String
    let options: Worker.Options
    let outbox = Execution.Outbox()
    let chores = Chores()
    let plane: PlaneOfWorker
    /// Nil until its first step has opened it.
    var log: JobLog?
    var coding: TraceCoding?
    /// Nil while it takes a step.
    var deciding: Deciding?
    var execution: Execution?
    var opensAt: Int64
    var decidesAt = Int64.max
    var executesAt = Int64.max
    var choresAt = Int64.max
    /// In the middle of a step, perhaps while others go on.
    var isBusy = false
    var isDecider = false
    var isDraining = false
    var drainsUntil = Int64.max
    /// Reports that were handed to it and must reach the log unless it dies.
    var handed: [Ledger.ReportKey] = []
    /// How many of those it has appended.
    var checkable = 0

    init(
        process: SimulatedProcess, clock: Clock, options: Worker.Options, plane: Plane,
        opensAt: Int64
    ) {
        self.process = process
        self.clock = clock
        self.options = options
        self.opensAt = opensAt
        name = options.id
        self.plane = PlaneOfWorker(plane)
    }

    /// The next moment at which one of its threads wants to run.
    var nextAt: Int64 { isBusy ? .max : min(opensAt, decidesAt, executesAt, choresAt) }

    func take(_ report: BackendReport) {
        handed.append(Ledger.ReportKey(trace: report.trace, id: report.id))
        outbox.put(report)
    }
}

/// A process that asks for things.
final class Client {
    let number: Int
    let clock: Clock
    /// Whether it opens the log for each thing it does, as a command does.
    let isCommand: Bool
    var process: SimulatedProcess?
    var log: JobLog?
    var coding: TraceCoding?
    var isBusy = false
    var incarnation = 0

    init(number: Int, clock: Clock, isCommand: Bool) {
        self.number = number
        self.clock = clock
        self.isCommand = isCommand
    }

    var name: String { "client\(number).\(incarnation)" }

    func leave() {
        (log, coding) = (nil, nil)
        process?.kill()
        process = nil
    }
}
