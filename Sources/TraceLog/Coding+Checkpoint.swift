import Scheduler
import Traceflow

extension PBCheckpoint {
    init(_ snapshot: SchedulerSnapshot) {
        self.init()
        profile = PBTagProfileChanged(snapshot.profile)
        lanes = snapshot.lanes.map { lane in
            .with {
                $0.facts = PBSchedulingFacts(lane.facts)
                $0.ranges = lane.ranges.map { range in
                    .with {
                        $0.position = range.position
                        $0.stream = range.stream
                        $0.stride = range.stride
                        $0.count = Int64(range.count)
                    }
                }
            }
        }
        lives = snapshot.lives.map(PBTraceLife.init)
        sweeps = snapshot.sweeps.map(PBSweepLife.init)
        schedules = snapshot.schedules.map(PBScheduleLife.init)
        shape = snapshot.shape.rawValue
        if let moment = snapshot.clusterChangedAt {
            clusterChangedMicroseconds = moment.microseconds
        }
    }
}

extension SchedulerSnapshot {
    init(_ message: PBCheckpoint) throws {
        guard let shape = Shape(rawValue: message.shape) else {
            throw Malformed(what: "a checkpoint of shape \(message.shape)")
        }
        self.init(
            profile: try TagProfile(message.profile),
            lanes: message.lanes.map { lane in
                WaitingLane(
                    facts: lane.facts.facts,
                    ranges: lane.ranges.map {
                        WaitingRange(
                            position: $0.position, stream: $0.stream, stride: $0.stride,
                            count: Int($0.count))
                    })
            }, lives: try message.lives.map(Life.init), sweeps: try message.sweeps.map(Sweep.init),
            schedules: try message.schedules.map(Schedule.init),
            clusterChangedAt: message.hasClusterChangedMicroseconds
                ? Moment(microseconds: message.clusterChangedMicroseconds) : nil, shape: shape)
    }
}

extension PBTraceLife {
    init(_ entry: SchedulerSnapshot.Life) {
        self.init()
        let life = entry.life
        stream = entry.trace.rawValue
        position = entry.position
        facts = PBSchedulingFacts(life.facts)
        attempt = Int32(clamping: life.attempt)
        if let moment = life.notBefore { notBeforeMicroseconds = moment.microseconds }
        retriesUsed = Int32(clamping: life.retriesUsed)
        isCancelRequested = life.isCancelRequested
        isDeleted = life.isDeleted
        if let held = life.allocation { allocation = PBTagAllocated(held) }
        switch life.outcome {
        case .complete(let verdict): complete = PBVerdict(verdict)
        case .nodeFailed(let reason): failure = reason
        case nil: break
        }
        hasSender_p = life.progress.hasSender
        hasReport_p = life.progress.hasReport
        if let verdict = life.progress.lastVerdict { lastVerdict = PBVerdict(verdict) }
        path = life.progress.path.rawValue
        seen = life.seenReports.map { report in
            .with {
                $0.attempt = Int32(clamping: report.attempt)
                $0.node = report.node
                $0.sequence = Int32(clamping: report.sequence)
            }
        }
    }
}

extension SchedulerSnapshot.Life {
    init(_ message: PBTraceLife) throws {
        var outcome: TraceLife.Outcome?
        if message.hasFailure { outcome = .nodeFailed(reason: message.failure) }
        if message.complete != .unspecified { outcome = .complete(try Verdict(message.complete)) }
        self.init(
            trace: TraceID(message.stream), position: message.position,
            life: TraceLife(
                facts: message.facts.facts, attempt: Int(message.attempt),
                notBefore: message.hasNotBeforeMicroseconds
                    ? Moment(microseconds: message.notBeforeMicroseconds) : nil,
                allocation: message.hasAllocation ? TagAllocation(message.allocation) : nil,
                retriesUsed: Int(message.retriesUsed),
                isCancelRequested: message.isCancelRequested, isDeleted: message.isDeleted,
                outcome: outcome,
                progress: Completion.Progress(
                    hasReport: message.hasReport_p, hasSender: message.hasSender_p,
                    lastVerdict: message.lastVerdict == .unspecified
                        ? nil : try Verdict(message.lastVerdict),
                    path: PathDigest(rawValue: message.path)),
                seenReports: message.seen.map {
                    ReportID(attempt: Int($0.attempt), node: $0.node, sequence: Int($0.sequence))
                }))
    }
}
