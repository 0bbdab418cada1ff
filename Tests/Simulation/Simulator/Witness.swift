import JobLog
import Scheduler
import SimulatedDisk
import TraceLog
import Traceflow
import Worker

/// Looks at the log from a process of its own to which nothing happens but power cuts, and holds
/// each event against the rules as soon as it can be seen.
final class Witness {
    private let disk: SimulatedDisk
    private let time: Timeline
    private let narrator: Narrator
    private(set) var ledger = Ledger()
    /// The fold of everything seen: what any decider must come to.
    private(set) var follower = SchedulerState()
    private var eyes: Eyes?
    private var acknowledged: [Acknowledged] = []
    private(set) var acknowledgedCount = 0

    /// The process and what it holds open.
    private struct Eyes {
        var process: SimulatedProcess
        var log: JobLog
        var coding: TraceCoding
    }

    /// What a caller was told is recorded.
    private struct Acknowledged {
        var position: Int64
        var draft: Draft
        var stream: Int64
    }

    init(disk: SimulatedDisk, time: Timeline, narrator: Narrator) {
        self.disk = disk
        self.time = time
        self.narrator = narrator
    }

    /// The process that is only looking.
    var processNumber: Int? { eyes?.process.number }
    var isOpen: Bool { eyes?.process.isDead == false }

    func setRoom(_ room: Int, of worker: String) { ledger.rooms[worker] = room }

    /// Takes in what was committed since, all of it by `author` if that is known.
    func catchUp(by author: Author?) throws {
        guard let eyes, !eyes.process.isDead else { return }
        try eyes.log.scan(after: ledger.last) { row in
            let event = try eyes.coding.event(row)
            narrator.say("  event \(row.position) of stream \(row.stream): \(Self.summary(event))")
            try ledger.take(row, event, by: author)
            try eyes.coding.fold(row, into: &follower)
            if case .checkpoint(let snapshot) = event, snapshot != follower.snapshot {
                throw Violation("the checkpoint \(row.position) is not the fold of the log")
            }
        }
        try checkAcknowledged(eyes)
    }

    private static func summary(_ event: LogEvent) -> String {
        if case .checkpoint = event { return "checkpoint" }
        return "\(event)"
    }

    /// Opens the log if there is one by now; what was seen before must still be there.
    ///
    /// `start` tells the number of the process before it does anything.
    func open(_ started: (Int) -> Void) throws {
        guard !isOpen else { return }
        eyes = nil
        let process = disk.startProcess()
        started(process.number)
        let log: JobLog
        do {
            log = try Self.open(process, time)
        } catch let error as JobLogError where ledger.last == 0 {
            switch error.code {
            case .noLog, .notALog, .readOnly, .failed: return process.kill()
            case .damaged, .newerVersion, .diskFull, .versionConflict, .nameTaken, .leaseLost,
                .sealed, .archived, .refused:
                throw error
            }
        }
        eyes = Eyes(process: process, log: log, coding: TraceCoding(log: log))
        try confirm()
    }

    static func open(_ process: SimulatedProcess, _ time: Timeline) throws -> JobLog {
        let clocks = ProcessClocks(time, skew: 0, booted: 0)
        return try JobLog.openTraces(
            "/log", access: .readOnly, clock: clocks.clock, storage: process.storage)
    }

    /// Looks away, so that others may be the last to close the log.
    func close() {
        eyes?.process.kill()
        eyes = nil
    }

    // MARK: what stays

    func acknowledge(_ drafts: [Draft], at positions: NumberRun, streams: NumberRun) {
        for (draft, position) in zip(drafts, positions) {
            let stream: Int64 =
                switch draft.stream {
                case .existing(let number): number
                case .new(let index): streams[index]
                }
            acknowledged.append(Acknowledged(position: position, draft: draft, stream: stream))
            acknowledgedCount += 1
        }
    }

    /// Once an acknowledged event was seen, `confirm` sees to it that it stays.
    private func checkAcknowledged(_ eyes: Eyes) throws {
        for fact in acknowledged {
            let found = try eyes.log.read(after: fact.position - 1, limit: 1).first
            guard let found, found.position == fact.position, found.stream == fact.stream,
                found.type == fact.draft.type, found.payload.starts(with: fact.draft.payload)
            else {
                throw Violation("event \(fact.position) was acknowledged and is not there")
            }
        }
        acknowledged = []
    }

    /// Reads everything again: nothing that was seen may be gone or changed.
    func confirm() throws {
        guard let eyes, !eyes.process.isDead else { return }
        var digest = Ledger().digest
        var position: Int64 = 0
        try eyes.log.scan(after: 0, limit: Int(ledger.last)) { row in
            digest = Ledger.digest(of: row, digest)
            position += 1
            guard row.position == position, digest == ledger.digests[Int(position) - 1] else {
                throw Violation("event \(position) was seen and is another now")
            }
        }
        guard position == ledger.last else {
            throw Violation("event \(position + 1) was seen and is gone")
        }
    }

    /// Each name leads to the trace that has it, and to none when nobody has it.
    func checkNames() throws {
        guard let eyes, !eyes.process.isDead else { return }
        let names = ledger.names.holders
        for story in ledger.stories {
            guard let name = story?.name, !name.isEmpty else { continue }
            let found = try eyes.log.stream(named: name, family: "trace")
            guard found == names[name] else {
                throw Violation(
                    "\(name) is the name of trace \(names[name] ?? 0), and leads to \(found ?? 0)")
            }
        }
    }

    // MARK: states

    /// What a decider knows must be the fold of the log.
    func check(_ state: SchedulerState, at position: Int64, of name: String, isThorough: Bool)
        throws
    {
        guard let fault = state.invariantFaults().first else {
            guard isThorough, position == ledger.last, isOpen else { return }
            guard state == follower else {
                throw Violation("the state of \(name) at \(position) is not the fold of the log")
            }
            return
        }
        throw Violation("the state of \(name): \(fault)")
    }

    /// The two ways to fold a trace must agree.
    func checkLives() throws {
        for (number, story) in ledger.stories.enumerated() {
            guard let story else { continue }
            let life = follower.life(of: TraceID(Int64(number)))
            let expected = story.phase.isTerminal ? nil : story.phase
            guard life?.phase == expected, life == nil || life?.attempt == story.attempt else {
                throw Violation(
                    "trace \(number) is \(story.phase) in attempt \(story.attempt), and to a"
                        + " decider \(life.map { "\($0.phase) in \($0.attempt)" } ?? "ended")")
            }
        }
        let faults = follower.invariantFaults()
        if let fault = faults.first { throw Violation("the fold of the log: \(fault)") }
    }

    func foldAfresh() throws {
        guard let eyes, !eyes.process.isDead else { return }
        var whole = SchedulerState()
        try eyes.log.scan(after: 0) { try eyes.coding.fold($0, into: &whole) }
        guard whole == follower else { throw Violation("a fresh fold of the log is another") }
        guard let checkpoint = try eyes.log.lastCheckpoint(),
            case .checkpoint(let snapshot) = try eyes.coding.event(checkpoint)
        else { return }
        var later = SchedulerState(snapshot: snapshot)
        try eyes.log.scan(after: checkpoint.position) { try eyes.coding.fold($0, into: &later) }
        guard later == whole else {
            throw Violation("the fold from checkpoint \(checkpoint.position) is another")
        }
    }

    func verify() throws {
        guard let eyes, !eyes.process.isDead else { throw Violation("the log cannot be opened") }
        let check = try eyes.log.verify()
        if let fault = check.faults.first { throw Violation("verify: \(fault)") }
        guard check.events == ledger.last else {
            throw Violation("verify counts \(check.events) events, seen were \(ledger.last)")
        }
    }
}
