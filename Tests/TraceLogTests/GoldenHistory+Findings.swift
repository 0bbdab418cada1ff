import Scheduler
import TraceLog
import Traceflow

extension GoldenHistory {
    /// And with what findings need: paths, settling, maintenance.
    static var withFindings: [LogEvent] {
        withSweeps + [
            .schedule(.changed(careful)),
            .schedule(
                .fired(
                    SlotFiring(
                        slot: Moment(microseconds: 9_000_000), expected: .delivered,
                        maintenance: window))),
            .schedule(.pathChanged(turned)),
            .clusterObserved(
                ClusterObserved(
                    digest: [7], appeared: [], changed: [], vanished: [], isWhole: true)),
            .clusterObserved(
                ClusterObserved(digest: [8], appeared: [], changed: [], vanished: [])),
            .checkpoint(snapshotWithFindings),
        ]
    }

    static let window = Moment(microseconds: 5_000_000)..<Moment(microseconds: 65_000_000)

    static var careful: ScheduleSpec {
        var spec = probe
        spec.settleSeconds = 45
        spec.maintenance = [
            Maintenance(
                beginning: .once(Moment(microseconds: 5_000_000)), durationSeconds: 60,
                reason: "move")
        ]
        if let cron = try? CronExpression("0 3 * * 0") {
            spec.maintenance.append(
                Maintenance(
                    beginning: .cron(cron, zone: "Europe/Berlin"), durationSeconds: 7200))
        }
        return spec
    }

    static var turned: ProbeChange {
        ProbeChange(
            slot: Moment(microseconds: 9_000_000), verdict: .delivered, expected: .delivered,
            mismatches: 0,
            path: PathTurn(
                before: PathDigest(rawValue: 0xFEDC_BA98_7654_3210),
                after: PathDigest(rawValue: 5), beforeSlot: Moment(microseconds: 8_000_000)))
    }

    static var snapshotWithFindings: SchedulerSnapshot {
        var snapshot = snapshotWithSweeps
        snapshot.shape = .withFindings
        snapshot.clusterChangedAt = Moment(microseconds: 77)
        snapshot.lives[0].life = TraceLife(
            facts: request.facts, allocation: snapshot.lives[0].life.allocation,
            progress: Completion.Progress(
                hasReport: true, hasSender: true, path: PathDigest(rawValue: 0xABCD)))
        snapshot.schedules[0].life = ScheduleLife(
            spec: careful, decidedThrough: Moment(microseconds: 44),
            runs: [
                .init(
                    subject: .trace(TraceID(9)), slot: Moment(microseconds: 3),
                    expected: .delivered, begunAt: Moment(microseconds: 4), maintenance: window,
                    isOfOtherWork: true)
            ], changesSaid: 4, untold: [change, turned], pathChange: turned,
            found: .init(
                verdict: .delivered, path: PathDigest(rawValue: 5),
                pathSlot: Moment(microseconds: 2)),
            held: .init(
                since: Moment(microseconds: 1), count: 3, mismatches: 2, hasExpected: true))
        return snapshot
    }
}
