import Traceflow

extension SchedulerState {
    /// Takes in a schedule's event.
    public mutating func evolve(_ id: ScheduleID, _ event: ScheduleEvent, at moment: Moment) {
        unplanned.insert(id)
        if case .deleted = event {
            schedules[id] = nil
        } else if case .changed(let spec) = event, schedules[id] == nil {
            schedules[id] = ScheduleLife(spec: spec, decidedThrough: moment)
        } else {
            schedules[id]?.evolve(event, at: moment)
        }
        attend(id)
    }

    /// Keeps in mind whether the schedule has something to be done whatever the time is.
    mutating func attend(_ id: ScheduleID) {
        if let life = schedules[id],
            life.runsRequested > 0 || life.change != nil || life.pathChange != nil
        {
            attentive.insert(id)
        } else {
            attentive.remove(id)
        }
        if schedules[id]?.untold.isEmpty == false { untold.insert(id) } else { untold.remove(id) }
    }

    /// Works out the next slots of schedules that have changed; who knows the zones does it before
    /// asking for slots. A zone that is not known has no slots.
    public mutating func plan(_ zones: (String) -> ZoneOffsets?) {
        guard !unplanned.isEmpty else { return }
        for id in unplanned {
            guard let life = schedules[id], let zone = zones(life.spec.zone) else {
                planned[id] = nil
                continue
            }
            let next = life.next(in: zone)
            planned[id] = next?.begin
            if let next {
                slotAgenda.insert(PlannedSlot(begin: next.begin.microseconds, schedule: id))
            }
        }
        unplanned = []
        // What was planned before and is not any more is dropped when it comes to the front.
        if slotAgenda.count > 2 * planned.count + 64 {
            let planned = planned
            slotAgenda.keep { planned[$0.schedule]?.microseconds == $0.begin }
        }
    }

    /// The moment at which the next slot is to begin; nil when none is planned.
    var nextSlot: Moment? {
        slotAgenda.first.map { Moment(microseconds: $0.begin) }
    }

    /// Whether a slot has come, or somebody wants a schedule to begin.
    public func hasSlot(at now: Moment) -> Bool {
        !attentive.isEmpty || nextSlot.map { $0 <= now } ?? false
    }

    /// Decides about slots whose moment has come: who knows what they begin records the decisions
    /// with it, and takes in what was recorded.
    ///
    /// `zones` are those that `plan` was given; `countMax` bounds the slots that begin.
    public mutating func slots(
        at now: Moment, countMax: Int, _ zones: (String) -> ZoneOffsets?
    ) -> [ScheduleDecision] {
        var decisions: [ScheduleDecision] = []
        for id in attentive.sorted() where decisions.count < countMax {
            guard let life = schedules[id] else { continue }
            // Moments of their own, so that their names differ.
            for number in 0..<min(life.runsRequested, countMax - decisions.count) {
                let slot = now.advanced(byMicroseconds: Int64(number))
                let firing = SlotFiring(
                    slot: slot, isByHand: true,
                    maintenance: life.spec.maintenanceWindow(at: now, zones)?.window)
                decisions.append(ScheduleDecision(schedule: id, event: .fired(firing)))
            }
        }
        var seen: Set<ScheduleID> = []
        while decisions.count < countMax, let entry = slotAgenda.first,
            entry.begin <= now.microseconds
        {
            slotAgenda.removeFirst()
            guard planned[entry.schedule]?.microseconds == entry.begin,
                seen.insert(entry.schedule).inserted, let life = schedules[entry.schedule],
                let zone = zones(life.spec.zone)
            else { continue }
            // Planned anew, even if nothing of this is recorded.
            unplanned.insert(entry.schedule)
            let due = life.due(
                at: now, in: zone, beginMax: countMax - decisions.count,
                isBegun: decisions.contains { $0.schedule == entry.schedule })
            if let missed = due.missed {
                decisions.append(ScheduleDecision(schedule: entry.schedule, event: .missed(missed)))
            }
            let maintenance = life.spec.maintenanceWindow(at: now, zones)?.window
            for slot in due.begin {
                let firing = SlotFiring(slot: slot, maintenance: maintenance)
                decisions.append(
                    ScheduleDecision(schedule: entry.schedule, event: .fired(firing)))
            }
        }
        return decisions
    }

    /// Decides which probes have changed, and takes the decisions in.
    public mutating func probeChanges(at now: Moment) -> [ScheduleDecision] {
        var decisions: [ScheduleDecision] = []
        for id in attentive.sorted() {
            guard let life = schedules[id] else { continue }
            for change in [life.change, life.pathChange].compactMap({ $0 }) {
                let event: ScheduleEvent =
                    switch change.kind {
                    case .broken: .probeBroken(change)
                    case .healthy: .probeHealthy(change)
                    case .pathChanged: .pathChanged(change)
                    }
                evolve(id, event, at: now)
                decisions.append(ScheduleDecision(schedule: id, event: event))
            }
        }
        return decisions
    }

    /// The changes of probes that nobody was told of yet.
    public var notices: [ProbeNotice] {
        untold.sorted().flatMap { id -> [ProbeNotice] in
            guard let life = schedules[id] else { return [] }
            return life.untold.enumerated().map { place, change in
                ProbeNotice(
                    schedule: id, name: life.spec.name, labels: life.spec.labels,
                    number: life.changesSaid - life.untold.count + 1 + place, change: change)
            }
        }
    }

    /// Takes in that the cluster is another since the moment, as somebody saw it.
    public mutating func evolve(clusterChangedAt moment: Moment) { clusterChangedAt = moment }

    /// The schedule of which the trace is a run.
    mutating func tell(
        _ id: TraceID, _ life: TraceLife, ended event: TraceEvent, by path: PathDigest,
        at moment: Moment
    ) {
        guard let schedule = life.facts.schedule, schedules[schedule] != nil, !life.isRetried else {
            return
        }
        let verdict: Verdict? =
            switch event {
            case .succeeded(_, let verdict), .timedOut(_, let verdict): verdict
            case .failed where life.isCancelRequested: nil
            case .failed: .unknown
            case .requested, .tagAllocated, .begun, .nodeReported, .nodeFailed, .packetCaptured,
                .captureArchived, .retryRequested, .cancelRequested, .deleted, .metadataChanged:
                nil
            }
        // Whoever ran out of time, or failed, has not seen all of the packet's way.
        let isWhole = if case .succeeded = event { true } else { false }
        schedules[schedule]?.end(
            .trace(id), verdict.map { RunResult(verdict: $0, path: isWhole ? path : nil) },
            at: moment, clusterChangedAt: clusterChangedAt)
        attend(schedule)
    }
}

/// When a schedule's next slot is to begin.
struct PlannedSlot: Comparable, Sendable {
    var begin: Int64
    var schedule: ScheduleID

    static func < (a: PlannedSlot, b: PlannedSlot) -> Bool {
        a.begin != b.begin ? a.begin < b.begin : a.schedule < b.schedule
    }
}
