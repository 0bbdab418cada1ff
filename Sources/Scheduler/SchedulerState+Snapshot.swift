import Traceflow

extension SchedulerState {
    /// How many traces a snapshot must set down one by one.
    public var knownCount: Int { book.slotCount }

    /// The state set down. Costs a look at each waiting trace.
    public var snapshot: SchedulerSnapshot {
        var lanes: [SchedulerSnapshot.WaitingLane] = []
        for (number, lane) in lines.lanes.enumerated() where !lane.runs.isEmpty {
            let ranges = liveRanges(of: lane, number)
            if !ranges.isEmpty {
                lanes.append(SchedulerSnapshot.WaitingLane(facts: lane.facts, ranges: ranges))
            }
        }
        lanes.sort { ($0.ranges.first?.position ?? 0) < ($1.ranges.first?.position ?? 0) }
        var lives: [SchedulerSnapshot.Life] = []
        for slot in book.slots where slot.isUsed {
            lives.append(
                SchedulerSnapshot.Life(
                    trace: slot.id, position: slot.wait == .none ? 0 : slot.position,
                    life: slot.life))
        }
        lives.sort { $0.trace < $1.trace }
        let sweeps = sweeps.sorted { $0.key < $1.key }.map {
            SchedulerSnapshot.Sweep(id: $0.key, life: $0.value)
        }
        let schedules = schedules.sorted { $0.key < $1.key }.map {
            SchedulerSnapshot.Schedule(id: $0.key, life: $0.value)
        }
        return SchedulerSnapshot(
            profile: tags.profile, lanes: lanes, lives: lives, sweeps: sweeps,
            schedules: schedules, clusterChangedAt: clusterChangedAt)
    }

    /// A state that decides from now on as the one did that the snapshot was taken of.
    ///
    /// A retried trace rests until the first pass sees whether its backoff is over.
    public init(snapshot: SchedulerSnapshot) {
        self.init()
        evolve(snapshot.profile)
        clusterChangedAt = snapshot.clusterChangedAt
        for lane in snapshot.lanes {
            for range in lane.ranges { restore(range, lane.facts) }
        }
        for life in snapshot.lives { restore(life) }
        // What they hold is counted there already.
        for sweep in snapshot.sweeps { sweeps[sweep.id] = sweep.life }
        for schedule in snapshot.schedules {
            schedules[schedule.id] = schedule.life
            unplanned.insert(schedule.id)
            attend(schedule.id)
        }
    }

    private mutating func restore(_ range: WaitingRange, _ facts: SchedulingFacts) {
        let lane = lines.lane(of: facts, &nodes)
        var entry = range
        if lines.lanes[lane].runs.append(range) {
            lines.markDirty(lane)
            pendingCount += range.count
            while entry.count > 0 {
                book.setWaiting(TraceID(entry.stream), lane: lane)
                entry.dropFirst()
            }
        } else {
            while entry.count > 0 {
                evolve(requested: TraceID(entry.stream), facts, position: entry.position)
                entry.dropFirst()
            }
        }
    }

    private mutating func restore(_ kept: SchedulerSnapshot.Life) {
        let slot = book.add(kept.trace, kept.life, position: kept.position)
        if kept.life.phase == .running {
            hold(slot, from: .none)
        } else {
            pendingCount += 1
            if kept.life.isCancelRequested {
                // It waits for nothing but its end.
            } else if let notBefore = kept.life.notBefore {
                rest(slot, until: notBefore)
            } else {
                line(slot)
            }
        }
        touchIfOver(slot)
    }

    private func liveRanges(of lane: Lane, _ number: Int) -> [WaitingRange] {
        var ranges: [WaitingRange] = []
        var open: WaitingRange?
        lane.runs.forEach { range in
            var entry = range
            while entry.count > 0 {
                if lane.staleCount == 0
                    || book.place(of: TraceID(entry.stream)) == .waiting(lane: number)
                {
                    if open?.join(entry.position, entry.stream) != true {
                        if let open { ranges.append(open) }
                        open = WaitingRange(position: entry.position, stream: entry.stream)
                    }
                }
                entry.dropFirst()
            }
        }
        if let open { ranges.append(open) }
        return ranges
    }
}

/// Equal states have equal snapshots, and decide alike for ever after.
extension SchedulerState: Equatable {
    public static func == (a: SchedulerState, b: SchedulerState) -> Bool {
        a.snapshot == b.snapshot
    }
}
