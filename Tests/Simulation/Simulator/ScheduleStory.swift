import JobLog
import Scheduler
import TraceLog
import Traceflow
import Worker

/// The rules of one schedule, said a second time and more simply.
struct ScheduleStory {
    var spec: ScheduleSpec
    /// Slots up to here are decided, or are nobody's.
    var through: Int64
    var isPaused = false
    var wishes = 0
    var open: Set<Int64> = []
    /// The slot whose request must follow at once.
    var begun: Int64?
    var probe: ProbeStory

    init(_ spec: ScheduleSpec, at moment: Int64) {
        self.spec = spec
        through = moment
        probe = ProbeStory(spec)
    }

    var step: Int64 {
        if case .every(let seconds) = spec.timing { seconds * 1_000_000 } else { 1 }
    }

    /// The slots after `through` up to the moment.
    func slots(upTo last: Int64) -> Int64 { last / step - through / step }
}

extension Ledger {
    mutating func take(_ event: ScheduleEvent, _ row: EventRow, by author: Author?) throws {
        if case .changed(let spec) = event, schedules[row.stream] == nil {
            schedules[row.stream] = ScheduleStory(spec, at: row.recordedAt)
            return
        }
        guard var story = schedules[row.stream] else {
            // What comes after a deletion changes nothing.
            return
        }
        switch event {
        case .changed(let spec):
            if spec.timing != story.spec.timing {
                story.through = max(story.through, row.recordedAt)
            }
            story.spec = spec
            story.probe.change(to: spec)
        case .paused: story.isPaused = true
        case .resumed:
            story.isPaused = false
            story.through = max(story.through, row.recordedAt)
        case .deleted:
            schedules[row.stream] = nil
            return
        case .runRequested: story.wishes += 1
        case .fired(let firing):
            try checkMayDecide(author)
            try fire(firing, row, &story)
        case .missed(let missed):
            try checkMayDecide(author)
            guard !story.isPaused, missed.last.microseconds <= row.recordedAt,
                missed.first.microseconds / story.step == story.through / story.step + 1,
                Int64(missed.count) == story.slots(upTo: missed.last.microseconds)
            else { throw Violation("event \(row.position): \(event) after \(story)") }
            story.through = missed.last.microseconds
            tally.missedSlots += missed.count
        case .probeBroken(let change), .probeHealthy(let change), .pathChanged(let change):
            try checkMayDecide(author)
            try say(change, row, &story.probe)
        case .notified: break
        }
        schedules[row.stream] = story
    }

    private mutating func fire(
        _ firing: SlotFiring, _ row: EventRow, _ story: inout ScheduleStory
    ) throws {
        let slot = firing.slot.microseconds
        story.begun = slot
        try story.probe.fire(firing, row)
        beginning = row.stream
        tally.slots += 1
        if firing.isByHand {
            guard story.wishes > 0 else {
                throw Violation("event \(row.position): nobody asked for \(firing)")
            }
            story.wishes -= 1
            return
        }
        guard !story.isPaused, slot % story.step == 0, slot <= row.recordedAt,
            story.slots(upTo: slot) == 1,
            story.spec.startingDeadlineSeconds.map({ row.recordedAt - slot <= $0 * 1_000_000 })
                ?? true, story.spec.concurrency != .forbid || story.open.isEmpty
        else { throw Violation("event \(row.position): \(firing) after \(story)") }
        story.through = slot
    }

    /// The request of a slot follows the event that speaks of it.
    mutating func takeRun(_ event: LogEvent, _ row: EventRow) throws {
        guard let schedule = beginning else { return }
        beginning = nil
        guard let slot = schedules[schedule]?.begun, case .trace(.requested(let request)) = event,
            request.naming
                == .slot(
                    schedule: ScheduleID(schedule), name: "probe", at: Moment(microseconds: slot))
        else {
            throw Violation("event \(row.position): the run of schedule \(schedule) is missing")
        }
        schedules[schedule]?.begun = nil
        schedules[schedule]?.open.insert(row.stream)
        schedules[schedule]?.probe.begin(row.stream)
    }

    /// Whether the end is followed by another attempt of its own accord.
    func willBeRetried(_ story: Story, _ event: TraceEvent) -> Bool {
        if case .succeeded = event { return false }
        return !story.isCancelRequested && !story.isDeleted
            && story.retriesUsed < story.facts.retries
    }
}

/// What slots begin here: a trace between two of the simulated nodes.
struct SimulatedRuns: ScheduleRunning {
    func zone(_ name: String, around moment: Moment) -> ZoneOffsets? { .utc }

    func prepare() throws {}

    func run(
        of spec: ScheduleSpec, _ id: ScheduleID, at slot: Moment
    ) throws -> ScheduledRun {
        guard case .trace(let template) = spec.work else { throw WorkerError("no trace") }
        var request = TraceRequest(
            name: "", apiVersion: .v1beta1, spec: template.spec, retries: template.retries,
            scope: .of(["n0"]))
        request.naming = .slot(schedule: id, name: spec.name, at: slot)
        let expected: Verdict? =
            if case .verdict(let verdict) = spec.expectation { verdict } else { nil }
        return ScheduledRun(work: .trace(request), expected: expected)
    }
}

extension Simulation {
    func askForSchedule(_ client: Client, _ log: JobLog, _ coding: TraceCoding) throws {
        if load.happens(200) { return try changeCluster(client, log, coding) }
        let event: ScheduleEvent
        var append = AppendRequest()
        if knownSchedules.isEmpty || load.happens(400) {
            event = .changed(scheduleSpec())
            append.newStreams = [NewStream(family: "schedule")]
            append.drafts = [try coding.draft(.schedule(event), stream: .new(0))]
        } else {
            let id = knownSchedules[load.below(knownSchedules.count)]
            event =
                switch load.below(12) {
                case 0: .paused
                case 1: .resumed
                case 2: .deleted
                case 3: .changed(scheduleSpec())
                case _: .runRequested
                }
            append.drafts = [try coding.draft(.schedule(event), stream: .existing(id))]
            // A deleted schedule is not made again by a change.
            if case .deleted = event { knownSchedules.removeAll { $0 == id } }
        }
        narrator.say("\(client.name) asks for a schedule: \(event)")
        let appended = try log.append(append)
        witness.acknowledge(append.drafts, at: appended.positions, streams: appended.streams)
        knownSchedules += appended.streams
        // Often just before or while something of it runs.
        if load.happens(400) { try changeCluster(client, log, coding) }
    }

    private func scheduleSpec() -> ScheduleSpec {
        ScheduleSpec(
            name: "probe", timing: .every(seconds: Int64(20 + load.below(300))),
            work: .trace(
                TraceTemplate(
                    spec: TraceflowSpec(
                        source: .init(namespace: "t", pod: "n0"),
                        destination: .init(namespace: "t", pod: "n0"),
                        timeout: 1 + load.below(8)), retries: load.below(2))),
            startingDeadlineSeconds: load.happens(500) ? nil : Int64(load.below(400)),
            concurrency: ScheduleSpec.Concurrency.allCases[load.below(3)],
            missed: [.none, .latest, .all(max: 1 + load.below(5))][load.below(3)],
            expectation: load.happens(500) ? nil : .verdict(.delivered),
            failureThreshold: 1 + load.below(3),
            settleSeconds: Int64([0, 10, 60, 200][load.below(4)]), maintenance: maintenance())
    }

    private func maintenance() -> [Maintenance] {
        guard load.happens(300), let every = try? CronExpression("*/15 * * * *") else { return [] }
        return [
            Maintenance(
                beginning: .cron(every, zone: "UTC"), durationSeconds: Int64(60 + load.below(600)))
        ]
    }

    /// Somebody saw that the cluster is another.
    private func changeCluster(_ client: Client, _ log: JobLog, _ coding: TraceCoding) throws {
        let observed = ClusterObserved(
            digest: [UInt8(load.below(256))], appeared: [], changed: [], vanished: [])
        let known = try log.stream(named: "cluster", family: StreamFamily.cluster.rawValue)
        let draft = try coding.draft(
            .clusterObserved(observed), stream: known.map { .existing($0) } ?? .new(0))
        let append = AppendRequest(
            newStreams: known == nil
                ? [NewStream(family: StreamFamily.cluster.rawValue, name: "cluster")] : [],
            drafts: [draft])
        narrator.say("\(client.name) sees another cluster")
        let appended = try log.append(append)
        witness.acknowledge(append.drafts, at: appended.positions, streams: appended.streams)
    }
}
