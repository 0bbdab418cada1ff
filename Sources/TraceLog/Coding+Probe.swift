import Scheduler
import SwiftProtobuf
import Traceflow

extension PBMaintenance {
    init(_ maintenance: Maintenance) {
        self.init()
        switch maintenance.beginning {
        case .cron(let expression, let zone): (cron, timeZone) = (expression.text, zone)
        case .once(let moment): beginMicroseconds = moment.microseconds
        }
        durationSeconds = maintenance.durationSeconds
        reason = maintenance.reason
    }
}

extension Maintenance {
    init(_ message: PBMaintenance) throws {
        let beginning: Beginning
        if message.cron.isEmpty {
            beginning = .once(try Moment(slot: message.beginMicroseconds))
        } else {
            do {
                beginning = .cron(try CronExpression(message.cron), zone: message.timeZone)
            } catch {
                throw Malformed(what: "maintenance \"\(message.cron)\": \(error)")
            }
        }
        self.init(
            beginning: beginning,
            durationSeconds: try message.durationSeconds.within(
                1...Maintenance.secondsMax, "maintenance"), reason: message.reason)
    }
}

extension PBMomentRange {
    init(_ range: Range<Moment>) {
        self.init()
        beginMicroseconds = range.lowerBound.microseconds
        endMicroseconds = range.upperBound.microseconds
    }
}

extension Range<Moment> {
    init(_ message: PBMomentRange) throws {
        let begin = Moment(microseconds: message.beginMicroseconds)
        let end = Moment(microseconds: message.endMicroseconds)
        guard begin < end else { throw Malformed(what: "a time that ends before it begins") }
        self = begin..<end
    }
}

extension PBProbeChanged {
    init(_ change: ProbeChange) {
        self.init()
        slotMicroseconds = change.slot.microseconds
        verdict = PBVerdict(change.verdict)
        expected = PBVerdict(change.expected)
        mismatches = Int64(change.mismatches)
        if let turn = change.path {
            path = .with {
                $0.before = turn.before.rawValue
                $0.after = turn.after.rawValue
                $0.beforeSlotMicroseconds = turn.beforeSlot.microseconds
            }
        }
    }
}

extension ProbeChange {
    init(_ message: PBProbeChanged) throws {
        self.init(
            slot: Moment(microseconds: message.slotMicroseconds),
            verdict: try Verdict(message.verdict), expected: try Verdict(message.expected),
            mismatches: Int(message.mismatches),
            path: message.hasPath
                ? PathTurn(
                    before: PathDigest(rawValue: message.path.before),
                    after: PathDigest(rawValue: message.path.after),
                    beforeSlot: Moment(microseconds: message.path.beforeSlotMicroseconds)) : nil)
    }
}

extension PBScheduleRun {
    init(_ run: ScheduleLife.Run) {
        self.init()
        switch run.subject {
        case .trace(let id): trace = id.rawValue
        case .sweep(let id): sweep = id.rawValue
        }
        slotMicroseconds = run.slot.microseconds
        if let expected = run.expected { self.expected = PBVerdict(expected) }
        if let moment = run.begunAt { begunAtMicroseconds = moment.microseconds }
        if let window = run.maintenance { maintenance = PBMomentRange(window) }
        isOfOtherWork = run.isOfOtherWork
    }
}

extension ScheduleLife.Run {
    init(_ message: PBScheduleRun) throws {
        self.init(
            subject: message.trace > 0
                ? .trace(TraceID(message.trace)) : .sweep(SweepID(message.sweep)),
            slot: Moment(microseconds: message.slotMicroseconds),
            expected: message.expected == .unspecified ? nil : try Verdict(message.expected),
            begunAt: message.hasBegunAtMicroseconds
                ? Moment(microseconds: message.begunAtMicroseconds) : nil,
            maintenance: message.hasMaintenance ? try Range(message.maintenance) : nil,
            isOfOtherWork: message.isOfOtherWork)
    }
}

extension PBScheduleLife {
    init(_ schedule: SchedulerSnapshot.Schedule) {
        self.init()
        let life = schedule.life
        stream = schedule.id.rawValue
        spec = PBScheduleChanged(life.spec)
        decidedThroughMicroseconds = life.decidedThrough.microseconds
        isPaused = life.isPaused
        runsRequested = Int64(life.runsRequested)
        runs = life.runs.map(PBScheduleRun.init)
        mismatches = Int64(life.mismatches)
        isBroken = life.isBroken
        if let change = life.change { self.change = PBProbeChanged(change) }
        changesSaid = Int64(life.changesSaid)
        untold = life.untold.map(PBProbeChanged.init)
        if let slot = life.lastSlot { lastSlotMicroseconds = slot.microseconds }
        if let change = life.pathChange { pathChange = PBProbeChanged(change) }
        if let last = life.found {
            found = .with {
                $0.verdict = PBVerdict(last.verdict)
                if let path = last.path { $0.path = path.rawValue }
                $0.pathSlotMicroseconds = last.pathSlot.microseconds
            }
        }
        if let all = life.held {
            held = .with {
                $0.sinceMicroseconds = all.since.microseconds
                $0.count = Int64(all.count)
                $0.mismatches = Int64(all.mismatches)
                $0.hasExpected_p = all.hasExpected
            }
        }
    }
}

extension SchedulerSnapshot.Schedule {
    init(_ message: PBScheduleLife) throws {
        self.init(
            id: ScheduleID(message.stream),
            life: ScheduleLife(
                spec: try ScheduleSpec(message.spec),
                decidedThrough: Moment(microseconds: message.decidedThroughMicroseconds),
                isPaused: message.isPaused, runsRequested: Int(message.runsRequested),
                runs: try message.runs.map(ScheduleLife.Run.init),
                mismatches: Int(message.mismatches), isBroken: message.isBroken,
                change: message.hasChange ? try ProbeChange(message.change) : nil,
                changesSaid: Int(message.changesSaid),
                untold: try message.untold.map(ProbeChange.init),
                lastSlot: message.hasLastSlotMicroseconds
                    ? Moment(microseconds: message.lastSlotMicroseconds) : nil,
                pathChange: message.hasPathChange ? try ProbeChange(message.pathChange) : nil,
                found: message.hasFound ? try ScheduleLife.Found(message.found) : nil,
                held: message.hasHeld ? ScheduleLife.Held(message.held) : nil))
    }
}

extension ScheduleLife.Found {
    init(_ message: PBProbeFound) throws {
        self.init(
            verdict: try Verdict(message.verdict),
            path: message.hasPath ? PathDigest(rawValue: message.path) : nil,
            pathSlot: Moment(microseconds: message.pathSlotMicroseconds))
    }
}

extension ScheduleLife.Held {
    init(_ message: PBHeldResults) {
        self.init(
            since: Moment(microseconds: message.sinceMicroseconds), count: Int(message.count),
            mismatches: Int(message.mismatches), hasExpected: message.hasExpected_p)
    }
}
