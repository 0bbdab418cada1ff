import Scheduler
import Testing
import Traceflow

@testable import API

/// What is counted of a log, as a fold of its events.
struct MetricsFoldTests {
    private typealias Step = (at: Int64, stream: Int64, fact: MetricsFact)

    /// Moments in milliseconds.
    private func fold(_ steps: [Step], into start: MetricsFold = MetricsFold()) -> MetricsFold {
        var fold = start
        for (at, stream, fact) in steps {
            fold.evolve(
                fact, of: stream, position: fold.position + 1,
                at: Moment(microseconds: at * 1000))
        }
        return fold
    }

    @Test func aTraceIsCountedFromItsRequestToItsVerdict() {
        let fold = fold([
            (0, 1, .requested(of: nil)), (40, 1, .allocated), (45, 1, .other),
            (50, 1, .succeeded(.dropped)),
        ])
        #expect(fold.position == 4)
        #expect((fold.requested, fold.started) == (1, 1))
        #expect(fold.ended == [.init(phase: .succeeded, verdict: .dropped): 1])
        #expect((fold.queueWait.count, fold.queueWait.sum) == (1, 40_000))
        #expect((fold.runTime.count, fold.runTime.sum) == (1, 10_000))
        #expect(fold.lastDecision == Moment(microseconds: 50_000))
    }

    @Test(arguments: [
        (MetricsFact.succeeded(.delivered), Phase.succeeded, Verdict.delivered, 0, 0),
        (.timedOut(.lost), .failed, .lost, 1, 0),
        (.failed(isCancelled: false), .failed, .unknown, 0, 0),
        (.failed(isCancelled: true), .failed, .unknown, 0, 1),
    ])
    func eachEndHasItsPhaseAndItsVerdict(
        _ fact: MetricsFact, _ phase: Phase, _ verdict: Verdict, _ late: Int64, _ cancelled: Int64
    ) {
        let fold = fold([(0, 1, .requested(of: nil)), (1, 1, .allocated), (2, 1, fact)])
        #expect(fold.ended == [.init(phase: phase, verdict: verdict): 1])
        #expect((fold.timedOut, fold.cancelled) == (late, cancelled))
    }

    @Test func aTraceThatIsCancelledWhileItWaitsNeitherWaitedNorRan() {
        let fold = fold([
            (0, 1, .requested(of: nil)), (9, 1, .failed(isCancelled: true)),
            (10, 1, .retried(isAutomatic: false, of: nil)), (13, 1, .allocated),
        ])
        #expect((fold.queueWait.count, fold.queueWait.sum) == (1, 3000), "since the retry")
        #expect(fold.runTime.count == 0)
    }

    @Test func aTakenOverAttemptDoesNotWaitAgain() {
        let fold = fold([
            (0, 1, .requested(of: nil)), (5, 1, .allocated), (30, 1, .allocated),
            (32, 1, .succeeded(.delivered)),
        ])
        #expect((fold.queueWait.count, fold.started) == (1, 2))
        #expect(fold.runTime.sum == 2000, "of the attempt that ended")
    }

    @Test func retriesAreCountedByWhoWantedThem() {
        let fold = fold([
            (0, 1, .requested(of: nil)), (1, 1, .allocated), (2, 1, .timedOut(.lost)),
            (2, 1, .retried(isAutomatic: true, of: nil)), (3, 1, .allocated),
            (4, 1, .timedOut(.lost)), (9, 1, .retried(isAutomatic: false, of: nil)),
        ])
        #expect((fold.retriesAutomatic, fold.retriesByHand, fold.timedOut) == (1, 1, 2))
    }

    @Test func whatCameBeforeTheCountingTellsOnlySinceWhen() {
        var before = fold([
            (0, 1, .requested(of: nil)), (0, 2, .requested(of: nil)), (10, 1, .allocated),
        ])
        before.beginCounting()
        #expect((before.requested, before.started, before.queueWait.count) == (0, 0, 0))
        #expect(before.position == 3)
        let fold = fold([(15, 1, .succeeded(.delivered)), (20, 2, .allocated)], into: before)
        #expect((fold.runTime.sum, fold.queueWait.sum) == (5000, 20_000))
    }

    @Test func endsOfTracesNobodySawBeginAreCountedWithoutTheirTimes() {
        let fold = fold([(5, 1, .allocated), (6, 2, .succeeded(.delivered))])
        #expect((fold.started, fold.ended.values.reduce(0, +)) == (1, 1))
        #expect((fold.queueWait.count, fold.runTime.count) == (0, 0))
    }

    @Test func theLastRunOfAScheduleIsKeptUntilItIsDeleted() {
        let schedule = ScheduleID(7)
        let ran = fold([
            (0, 7, .slotFired(isByHand: false)), (0, 8, .requested(of: schedule)),
            (1, 8, .allocated), (4, 8, .timedOut(.lost)),
        ])
        #expect(ran.lastRuns == [schedule: Moment(microseconds: 4000)])
        let retried = fold(
            [
                (5, 8, .retried(isAutomatic: true, of: schedule)), (6, 8, .allocated),
                (7, 8, .succeeded(.delivered)),
            ], into: ran)
        #expect(retried.lastRuns == [schedule: Moment(microseconds: 7000)])
        #expect(fold([(9, 7, .scheduleDeleted)], into: retried).lastRuns.isEmpty)
    }

    @Test func slotsProbesAndDecidersAreCounted() {
        let fold = fold([
            (0, 7, .slotFired(isByHand: false)), (1, 7, .slotFired(isByHand: true)),
            (2, 7, .slotMissed(.late, count: 3)), (3, 7, .slotMissed(.late, count: 1)),
            (4, 7, .probeChanged(isBroken: true)), (5, 7, .probeChanged(isBroken: false)),
            (6, 7, .notified), (7, 1, .tookOver), (8, 1, .other),
        ])
        #expect((fold.slotsFiredByClock, fold.slotsFiredByHand) == (1, 1))
        #expect(fold.slotsMissed == [.late: 4])
        #expect((fold.probesBroken, fold.probesHealed, fold.notified) == (1, 1, 1))
        #expect(fold.takeovers == 1)
        #expect(fold.lastDecision == Moment(microseconds: 7000), "others write, too")
    }
}
