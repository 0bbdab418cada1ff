import Cluster
import Dispatch
import JobLog
import Scheduler
import SimulatedDisk
import Synchronization
import Testing
import TraceLog
import Traceflow

@testable import Worker

/// Deciding and executing on a disk that fails.
struct FailingDiskTests {
    let disk = SimulatedDisk(seed: 1)
    let log: JobLog
    let coding: TraceCoding
    let id: TraceID

    init() throws {
        log = try JobLog.openTraces(
            "/log", access: .create, storage: disk.startProcess().storage)
        coding = TraceCoding(log: log)
        let request = TraceRequest(
            name: "x", apiVersion: .v1beta1,
            spec: TraceflowSpec(source: .init(namespace: "t", pod: "a")))
        let draft = try coding.draft(.trace(.requested(request)), stream: .new(0))
        let appended = try log.append(
            AppendRequest(newStreams: [NewStream(family: "trace", name: "x")], drafts: [draft]))
        id = TraceID(appended.streams[0])
    }

    private func lease() throws -> Lease {
        try #require(
            try log.acquireLease(
                role: LeaseKeeper.deciderRole, holder: "d", durationMicroseconds: 60_000_000))
    }

    private func failing(_ body: () throws -> Void) {
        disk.onOperation { $0.kind == .sync ? .ioError() : .proceed }
        #expect(throws: JobLogError.self) { try body() }
        disk.onOperation(nil)
    }

    private var decider: Decider {
        Decider(log: log, coding: coding, clock: .system, leaseMicroseconds: 60_000_000)
    }

    @Test func aDecisionWhoseCommitFailedIsMadeAgain() throws {
        let lease = try lease()
        var decider = decider
        let crew = [Executor(id: "e", inFlightMax: 1)]
        failing { _ = try decider.decide(holding: lease, executors: crew, profile: nil) }
        #expect(try decider.decide(holding: lease, executors: crew, profile: nil))
        let types = try log.read(stream: id.rawValue).map(\.type)
        #expect(
            types == [LogEventType.traceRequested.rawValue, LogEventType.tagAllocated.rawValue])
        var fresh = SchedulerState()
        try log.scan(after: 0) { try coding.fold($0, into: &fresh) }
        #expect(decider.state == fresh)
    }

    @Test func theFirstDecisionUnderALeaseSaysWhoTookOver() throws {
        var (lease, decider) = (try lease(), decider)
        failing { _ = try decider.decide(holding: lease, executors: [], profile: nil) }
        for _ in 1...2 { _ = try decider.decide(holding: lease, executors: [], profile: nil) }
        try log.releaseLease(lease)
        lease = try self.lease()
        _ = try decider.decide(holding: lease, executors: [], profile: nil)
        let takeovers = try log.read(stream: JobLog.ownStream)
            .filter { $0.type == LogEventType.deciderTookOver.rawValue }
            .map { try coding.event($0) }
        #expect(
            takeovers == [
                .deciderTookOver(epoch: 1, holder: "d"), .deciderTookOver(epoch: 2, holder: "d"),
            ])
    }

    @Test func reportsThatCouldNotBeAppendedAreAppendedLater() throws {
        let lease = try lease()
        var decider = decider
        _ = try decider.decide(
            holding: lease, executors: [Executor(id: "e", inFlightMax: 1)], profile: nil)
        let outbox = Execution.Outbox()
        var execution = Execution(
            log: log, coding: coding, backend: EagerBackend(), clock: .system,
            options: .init(id: "e"), outbox: outbox, after: 0)
        let report: @Sendable (BackendReport) -> Void = { _ = outbox.put($0) }
        failing { _ = try execution.step(report: report, observe: { _ in }) }
        #expect(try execution.step(report: report, observe: { _ in }))
        let types = try log.read(stream: id.rawValue).map(\.type)
        #expect(types.last == LogEventType.nodeReported.rawValue)
    }

    @Test func manyReportsAreAppendedBesideAndAgainWhereTheyWereRefused() throws {
        let lease = try lease()
        var decider = decider
        _ = try decider.decide(
            holding: lease, executors: [Executor(id: "e", inFlightMax: 1)], profile: nil)
        let (outbox, ended) = (Execution.Outbox(), DispatchSemaphore(value: 0))
        var execution = Execution(
            log: log, coding: coding, backend: EagerBackend(reports: 40), clock: .system,
            options: .init(id: "e"), outbox: outbox, after: 0, whenSettled: { ended.signal() })
        let report: @Sendable (BackendReport) -> Void = { _ = outbox.put($0) }
        // The disk fails when the step is over.
        let gate = DispatchSemaphore(value: 0)
        disk.onOperation {
            guard $0.kind == .sync else { return .proceed }
            gate.wait()
            gate.signal()
            return .ioError()
        }
        #expect(try execution.step(report: report, observe: { _ in }))
        #expect(!execution.isQuiet)
        gate.signal()
        ended.wait()
        #expect(throws: JobLogError.self) {
            try execution.step(report: report, observe: { _ in })
        }
        #expect(!execution.isQuiet)
        disk.onOperation(nil)
        #expect(try execution.step(report: report, observe: { _ in }))
        ended.wait()
        _ = try execution.step(report: report, observe: { _ in })
        #expect(execution.isQuiet)
        let reports = try log.read(stream: id.rawValue)
            .filter { $0.type == LogEventType.nodeReported.rawValue }
        #expect(reports.count == 40)
    }

    @Test func onlyTheNamedWorkerStartsAnAttempt() throws {
        let lease = try lease()
        var decider = decider
        _ = try decider.decide(
            holding: lease, executors: [Executor(id: "e", inFlightMax: 1)], profile: nil)
        let outbox = Execution.Outbox()
        var other = Execution(
            log: log, coding: coding, backend: EagerBackend(), clock: .system,
            options: .init(id: "other"), outbox: outbox, after: 0)
        _ = try other.step(report: { _ = outbox.put($0) }, observe: { _ in })
        #expect(other.isIdle)
        #expect(try log.read(stream: id.rawValue).count == 2)
    }
}

/// A data plane that reports at once.
private struct EagerBackend: Backend {
    var reports = 1
    let abilities = BackendAbilities(
        liveTraffic: true, droppedOnly: true, takesOurTags: true, inFlightMax: 10)

    func start(_ attempt: StartedAttempt, report: @escaping @Sendable (BackendReport) -> Void) {
        let observations = [
            Observation(.spoofGuard, .forwarded), Observation(.forwarding, .delivered),
        ]
        for sequence in 1...reports {
            report(
                BackendReport(
                    trace: attempt.trace,
                    id: ReportID(attempt: attempt.attempt, node: "n", sequence: sequence),
                    content: .observed(observations, captured: nil)))
        }
    }

    func stop(_ trace: TraceID, attempt: Int) {}
}

struct JumpWatchTests {
    private let hand = HandClock()
    private static let lease: Int64 = 10_000_000

    private func watch() -> JumpWatch {
        JumpWatch(
            clock: hand.clock, now: hand.clock.now(), leaseMicroseconds: Self.lease)
    }

    @Test func timeThatPassesIsNoJump() {
        var watch = watch()
        hand.pass(3600 * 1_000_000)
        let now = hand.clock.now()
        #expect(watch.overdueAt(now) == now)
    }

    @Test func aJumpBeyondTheLeaseHoldsDeadlinesForOneLease() {
        var watch = watch()
        let before = hand.clock.now()
        hand.pass(1000, jump: Self.lease + 1)
        #expect(watch.overdueAt(hand.clock.now()) < hand.clock.now())
        #expect(watch.due(before, now: hand.clock.now().microseconds) > before)
        hand.pass(Self.lease + 1)
        #expect(watch.overdueAt(hand.clock.now()) == hand.clock.now())
    }

    @Test func aSmallJumpChangesNothing() {
        var watch = watch()
        hand.pass(1000, jump: Self.lease)
        #expect(watch.overdueAt(hand.clock.now()) == hand.clock.now())
    }
}
