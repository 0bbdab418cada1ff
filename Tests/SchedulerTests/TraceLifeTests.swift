import Scheduler
import Testing
import Traceflow

struct TraceLifeTests {
    @Test func aNormalTraceRunsWithATagAndEndsWithoutOne() {
        var scenario = Scenario()
        scenario.given(1, request(timeout: 2))
        let started = scenario.decide()
        #expect(started.count == 1)
        #expect(scenario.state.life(of: TraceID(1))?.phase == .running)
        #expect(scenario.state.allocation(of: TraceID(1))?.tag == 7)
        #expect(scenario.state.runningCount == 1)

        scenario.given(1, report("SpoofGuard/Forwarded"), at: 1)
        scenario.given(1, report(node: "node-2", "Forwarding/Delivered"), at: 1)
        let ended = scenario.decide(at: Scenario.at(1))

        #expect(ended.map(\.event) == [.succeeded(attempt: 1, verdict: .delivered)])
        #expect(scenario.state.tags.heldCount == 0)
        #expect(scenario.state.runningCount == 0)
    }

    @Test func aTraceWithoutResultsFailsOnceItsTimeIsOver() {
        var scenario = Scenario()
        scenario.given(1, request(timeout: 2))
        scenario.decide()
        #expect(scenario.decide(at: Scenario.at(2)).isEmpty, "now must be later than the deadline")
        let ended = scenario.decide(at: Scenario.at(2, 1))
        #expect(ended.map(\.event) == [.timedOut(attempt: 1, verdict: .unknown)])
        #expect(scenario.trace(1)?.phase == .failed)
        #expect(scenario.trace(1)?.reason == "Traceflow timeout")
        #expect(scenario.state.tags.heldCount == 0)
    }

    @Test func aTraceIsDueAfterItsDeadlineAndNotAtIt() {
        let deadline = Scenario.at(20)
        let life = TraceLife(
            facts: SchedulingFacts(
                priority: 5, retries: 0, scope: .allNodes, timeoutSeconds: 20, droppedOnly: false,
                needsSender: true),
            allocation: TagAllocation(
                attempt: 1, tag: 7, scope: .allNodes, executor: "w", deadline: deadline))
        #expect(life.ending(overdueAt: deadline) == nil)
        #expect(
            life.ending(overdueAt: deadline.advanced(byMicroseconds: 1))
                == .timedOut(attempt: 1, verdict: .unknown))
    }

    @Test func theNextMomentIsJustAfterTheEarliestDeadline() {
        var scenario = Scenario()
        scenario.given(1, request(timeout: 20))
        scenario.given(2, request(timeout: 3))
        scenario.decide()
        #expect(scenario.state.nextMoment == Scenario.at(3, 1))
    }

    @Test func deadlinesRestWhileAJumpOfTheClockIsWaitedOut() {
        var scenario = Scenario()
        scenario.given(1, request(timeout: 2))
        scenario.decide()
        #expect(scenario.decide(at: Scenario.at(3600), overdueAt: Scenario.at(1)).isEmpty)
    }

    @Test func aNodesErrorFailsTheTraceWithItsName() {
        var scenario = Scenario()
        scenario.given(1, request())
        scenario.decide()
        scenario.given(
            1, .nodeFailed(ReportID(attempt: 1, node: "n1", sequence: 1), error: "no such Pod"))
        scenario.decide(at: Scenario.at(1))
        #expect(scenario.trace(1)?.reason == "Node: n1, error: no such Pod")
        #expect(scenario.trace(1)?.phase == .failed)
    }

    @Test func aReportCountsOnce() {
        var scenario = Scenario()
        scenario.given(1, request())
        scenario.decide()
        scenario.given(1, report("SpoofGuard/Forwarded"))
        scenario.given(1, report("SpoofGuard/Forwarded"))
        #expect(scenario.trace(1)?.results.count == 1)
    }

    @Test func whatComesAfterTheEndChangesNothing() {
        var scenario = Scenario()
        scenario.given(1, request(timeout: 1))
        scenario.decide()
        scenario.decide(at: Scenario.at(2))
        let before = scenario.trace(1)
        scenario.given(1, report("SpoofGuard/Forwarded", "Forwarding/Delivered"), at: 3)
        scenario.given(1, .succeeded(attempt: 1, verdict: .delivered), at: 3)
        #expect(scenario.trace(1)?.phase == before?.phase)
        #expect(scenario.trace(1)?.verdict == before?.verdict)
        #expect(scenario.decide(at: Scenario.at(4)).isEmpty)
    }

    @Test func aReportOfAnOlderAttemptIsIgnored() {
        var scenario = Scenario()
        scenario.given(1, request())
        scenario.decide()
        scenario.executors = [Executor(id: "worker-2", inFlightMax: 8)]
        scenario.decide(at: Scenario.at(1))
        scenario.given(1, report("SpoofGuard/Forwarded", "Forwarding/Delivered"))
        #expect(scenario.decide(at: Scenario.at(2)).isEmpty)
        #expect(scenario.trace(1)?.results.isEmpty == true)
    }

    @Test func anAttemptWhoseExecutorIsGoneStartsAnewWithTheSameTag() {
        var scenario = Scenario()
        scenario.given(1, request(timeout: 10))
        scenario.decide()
        scenario.executors = [Executor(id: "worker-2", inFlightMax: 8)]
        let decisions = scenario.decide(at: Scenario.at(5))
        guard case .tagAllocated(let allocation) = decisions.first?.event else {
            Issue.record("no takeover in \(decisions)")
            return
        }
        #expect(allocation.attempt == 2)
        #expect(allocation.tag == 7)
        #expect(allocation.executor == "worker-2")
        #expect(allocation.deadline == Scenario.at(15))
        #expect(scenario.state.tags.heldCount == 1)
    }

    @Test func aCancelledTraceFailsWhetherItRanOrNot() {
        var scenario = Scenario()
        scenario.given(1, request())
        scenario.decide()
        scenario.executors = []
        scenario.given(2, request())
        scenario.given(1, .cancelRequested)
        scenario.given(2, .cancelRequested)
        scenario.executors = [Executor(id: "worker-1", inFlightMax: 8)]
        scenario.decide(at: Scenario.at(1))
        for id in [Int64(1), 2] {
            #expect(scenario.trace(id)?.phase == .failed)
            #expect(scenario.trace(id)?.reason == "Cancelled")
        }
        #expect(scenario.state.tags.heldCount == 0)
        #expect(scenario.state.pendingCount == 0)
    }

    @Test func deletingARunningTraceCancelsItAndFreesItsTag() {
        var scenario = Scenario()
        scenario.given(1, request())
        scenario.decide()
        scenario.given(1, .deleted)
        let decisions = scenario.decide(at: Scenario.at(1))
        #expect(decisions.map(\.event) == [.failed(attempt: 1, reason: "Cancelled")])
        #expect(scenario.state.tags.heldCount == 0)
        #expect(scenario.trace(1)?.isDeleted == true)
    }
}

struct RetryTests {
    @Test func aFailedTraceIsRetriedAfterItsBackoffAsOftenAsAsked() {
        var scenario = Scenario()
        scenario.given(1, request(retries: 2, timeout: 1))
        scenario.decide()
        var now = 0
        var waits: [Int] = []
        for attempt in 1...3 {
            now += 2
            let ended = scenario.decide(at: Scenario.at(now))
            #expect(ended.first?.event == .timedOut(attempt: attempt, verdict: .unknown))
            guard case .retryRequested(let retry) = ended.dropFirst().first?.event else { break }
            waits.append(Int((retry.notBefore.seconds - Int64(now))))
            #expect(scenario.decide(at: Scenario.at(now + 1)).isEmpty, "resting")
            #expect(scenario.state.nextMoment == retry.notBefore)
            now = Int(retry.notBefore.seconds)
            #expect(scenario.decide(at: Scenario.at(now)).count == 1)
        }
        #expect(waits == [5, 10])
        #expect(scenario.state.isIdle)
        #expect(scenario.state.pendingCount == 0)
    }

    @Test func aCancelledTraceIsNotRetried() {
        var scenario = Scenario()
        scenario.given(1, request(retries: 2))
        scenario.decide()
        scenario.given(1, .cancelRequested)
        #expect(scenario.decide(at: Scenario.at(1)).count == 1)
    }

    @Test func aRetryByHandIsANewAttemptOfAFinishedTrace() {
        var scenario = Scenario()
        scenario.given(1, request())
        scenario.decide()
        scenario.given(1, report("SpoofGuard/Forwarded", "Forwarding/Delivered"))
        scenario.decide(at: Scenario.at(1))
        guard let facts = scenario.trace(1)?.facts else {
            Issue.record("the trace is unknown")
            return
        }
        scenario.given(
            1,
            .retryRequested(
                Retry(attempt: 2, notBefore: Scenario.at(2), automaticNumber: 0, facts: facts)),
            at: 2)
        scenario.decide(at: Scenario.at(2))
        #expect(scenario.trace(1)?.phase == .running)
        #expect(scenario.trace(1)?.attempt == 2)
        #expect(scenario.trace(1)?.results.isEmpty == true)
    }

    @Test(arguments: [(1, 5), (2, 10), (3, 20), (7, 300), (99, 300)])
    func backoffDoublesFromFiveSecondsToFiveMinutes(number: Int, seconds: Int) {
        #expect(RetryBackoff.seconds(beforeRetry: number) == seconds)
    }
}
