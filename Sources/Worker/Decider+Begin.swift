import JobLog
import Scheduler
import TraceLog
import Traceflow

/// What a decider begins: members of sweeps, and runs of schedules. They are recorded behind its
/// own decisions, in the same transaction. Runs are taken in as whatever else comes.
extension Decider {
    /// Reads the clusters of sweeps while no transaction waits for it.
    func makePlans() throws {
        guard let plans, let state else { return }
        plans.keep(state.sweeps.keys)
        for (id, life) in state.sweeps where !life.isCancelled && !life.isExpanded {
            do {
                try plans.prepare(id, life.request)
            } catch let error where !(error is JobLogError) {
                // Its cluster is gone with an archived segment: it is given up when it is expanded.
            }
        }
    }

    /// What a decider has added to its own decisions, in the order in which it is recorded.
    enum Expansion {
        case sweep(SweepID, SweepEvent)
        case member(SchedulingFacts)
    }

    /// Asks for the members of sweeps that may come now; returns what it has added.
    func expand(
        _ state: SchedulerState, at now: Moment, _ request: inout AppendRequest,
        without replaced: Set<SweepID>
    ) throws -> [Expansion] {
        var added: [Expansion] = []
        guard let plans else { return added }
        let room = max(0, Self.eventsMax - request.drafts.count)
        for decision in state.expansions(at: now, countMax: room) {
            guard case .expanded(let first, let count) = decision.event,
                !replaced.contains(decision.sweep), let life = state.sweeps[decision.sweep]
            else { continue }
            let stream = StreamRef.existing(decision.sweep.rawValue)
            let members: [DraftedMember]
            do {
                members = try plans.members(
                    first..<first + Int64(count), of: decision.sweep, life.request, coding)
            } catch let error where !(error is JobLogError) {
                let event = SweepEvent.cancelled(reason: "\(error)")
                request.drafts.append(try coding.draft(.sweep(event), stream: stream))
                added.append(.sweep(decision.sweep, event))
                continue
            }
            request.drafts.append(try coding.draft(.sweep(decision.event), stream: stream))
            added.append(.sweep(decision.sweep, decision.event))
            for member in members {
                request.drafts.append(
                    coding.draft(
                        ofMember: member.number, of: decision.sweep, member.symbols,
                        stream: .new(request.newStreams.count)))
                request.newStreams.append(NewStream(family: StreamFamily.trace.rawValue))
                added.append(.member(member.facts))
            }
        }
        return added
    }

    /// Takes in what was added and committed, as reading it again would.
    static func takeIn(
        _ added: [Expansion], _ appended: Appended, _ state: inout SchedulerState
    ) {
        var position = appended.positions.start + Int64(appended.positions.count - added.count)
        var stream = appended.streams.start
        for expansion in added {
            switch expansion {
            case .sweep(let id, let event):
                state.evolve(id, event, at: Moment(microseconds: appended.recordedAt))
            case .member(let facts):
                state.evolve(requested: TraceID(stream), facts, position: position)
                stream += 1
            }
            position += 1
        }
    }

    /// Looks at the cluster that runs are made against, if one may begin in the next pass.
    ///
    /// Returns whether it did: runs begin only against a cluster that was looked at just before.
    mutating func prepareRuns() throws -> Bool {
        guard let runs, planSlots() else { return false }
        try runs.prepare()
        return true
    }

    /// What a pass has begun of schedules.
    struct Begun {
        /// The sweeps that were cancelled for it.
        var replaced: Set<SweepID> = []
        /// How late each slot is that the clock began.
        var lateMicroseconds: [Int64] = []
    }

    /// Begins what schedules have come to.
    func begin(
        _ state: inout SchedulerState, at now: Moment, _ request: inout AppendRequest
    ) throws -> Begun {
        guard let runs else { return Begun() }
        var begun = Begun()
        let zones = { (name: String) in runs.zone(name, around: now) }
        state.plan(zones)
        let room = max(0, Self.eventsMax - request.drafts.count) / Self.eventsOfARun
        for decision in state.slots(at: now, countMax: room, zones) {
            let stream = StreamRef.existing(decision.schedule.rawValue)
            guard case .fired(var firing) = decision.event,
                let life = state.schedules[decision.schedule]
            else {
                request.drafts.append(try coding.draft(.schedule(decision.event), stream: stream))
                continue
            }
            if life.spec.concurrency == .replace {
                try replace(life, state, &request, &begun.replaced)
            }
            let run: ScheduledRun
            do {
                run = try runs.run(of: life.spec, decision.schedule, at: firing.slot)
            } catch let error where !(error is JobLogError) {
                // Somebody's wish is answered by a firing, even if nothing comes of it.
                if firing.isByHand {
                    request.drafts.append(
                        try coding.draft(.schedule(.fired(firing)), stream: stream))
                }
                let missed = MissedSlots(
                    first: firing.slot, last: firing.slot, count: 1, reason: .unable)
                request.drafts.append(try coding.draft(.schedule(.missed(missed)), stream: stream))
                continue
            }
            if !firing.isByHand {
                begun.lateMicroseconds.append(
                    now.microseconds - life.spec.begin(of: firing.slot).microseconds)
            }
            firing.expected = run.expected
            request.drafts.append(try coding.draft(.schedule(.fired(firing)), stream: stream))
            let own = StreamRef.new(request.newStreams.count)
            switch run.work {
            case .trace(let trace):
                request.drafts.append(
                    try coding.draft(.trace(.requested(trace)), stream: own))
                request.newStreams.append(NewStream(family: StreamFamily.trace.rawValue))
            case .sweep(let sweep):
                request.drafts.append(
                    try coding.draft(.sweep(.requested(sweep)), stream: own))
                request.newStreams.append(NewStream(family: StreamFamily.sweep.rawValue))
            }
        }
        return begun
    }

    /// Ends what the slot before began.
    private func replace(
        _ life: ScheduleLife, _ state: SchedulerState, _ request: inout AppendRequest,
        _ cancelled: inout Set<SweepID>
    ) throws {
        for run in life.runs {
            switch run.subject {
            case .trace(let id):
                guard state.life(of: id)?.isCancelRequested == false else { continue }
                request.drafts.append(
                    try coding.draft(
                        .trace(.cancelRequested), stream: .existing(id.rawValue)))
            case .sweep(let id):
                guard let sweep = state.sweeps[id], !sweep.isCancelled,
                    cancelled.insert(id).inserted
                else { continue }
                request.drafts.append(
                    try coding.draft(
                        .sweep(.cancelled(reason: "replaced by the next slot of its schedule")),
                        stream: .existing(id.rawValue)))
            }
        }
    }

    /// What a slot may take: its own event, its run's, and the end of the one before.
    private static let eventsOfARun = 4
}
