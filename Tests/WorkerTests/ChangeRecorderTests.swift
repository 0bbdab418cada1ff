import JobLog
import Scheduler
import Synchronization
import Testing
import TraceLog
import Traceflow
import Worker

/// Changes that people ask for while others ask for changes of the same trace.
struct ChangeRecorderTests {
    /// A recorder that others get ahead of: once, after it has read the trace.
    private func recorder(
        _ log: JobLog, overtakenBy others: @escaping @Sendable () throws -> Void
    ) -> ChangeRecorder {
        let isOvertaken = Atomic(false)
        let clock = Clock(
            now: {
                if !isOvertaken.exchange(true, ordering: .relaxed) {
                    #expect(throws: Never.self) { try others() }
                }
                return Clock.system.now()
            }, monotonicMicroseconds: Clock.system.monotonicMicroseconds)
        return ChangeRecorder(log: log, clock: clock)
    }

    @Test func aRetryAfterAnotherThatHasEndedIsAnAttemptMore() throws {
        let stage = try Stage()
        let id = try stage.request([stage.manifest("t")])[0]
        try stage.finish(stage.worker())
        let slow = recorder(stage.log) {
            try ChangeRecorder(log: stage.log).record(.retry, of: id)
            try stage.finish(stage.worker("other"))
        }
        #expect(try slow.record(.retry, of: id) != nil)
        try stage.finish(stage.worker("last"))
        #expect(try stage.endings(id) == [1: 1, 2: 1, 3: 1])
    }

    @Test func aTraceThatWasDeletedMeanwhileIsNotRetried() throws {
        let stage = try Stage()
        let id = try stage.request([stage.manifest("t")])[0]
        try stage.finish(stage.worker())
        let slow = recorder(stage.log) {
            try ChangeRecorder(log: stage.log).record(.delete(name: "t"), of: id)
        }
        #expect(try slow.record(.retry, of: id) == nil)
        #expect(try stage.trace(id)?.phase == .succeeded)
    }

    @Test func aSecondDeletionLeavesTheNameToWhoTookItSince() throws {
        let stage = try Stage()
        let id = try stage.request([stage.manifest("t")])[0]
        let slow = recorder(stage.log) {
            try ChangeRecorder(log: stage.log).record(.delete(name: "t"), of: id)
            try stage.request([stage.manifest("t")])
        }
        #expect(try slow.record(.delete(name: "t"), of: id) == nil)
        #expect(try stage.log.stream(named: "t", family: StreamFamily.trace.rawValue) != nil)
        #expect(throws: JobLogError.self) {
            try stage.log.append(
                AppendRequest(newStreams: [
                    NewStream(family: StreamFamily.trace.rawValue, name: "t")
                ]))
        }
    }

    @Test func whatIsFinishedCannotBeCancelledAndWhatIsNotCannotBeRetried() throws {
        let stage = try Stage()
        let id = try stage.request([stage.manifest("t")])[0]
        #expect(try ChangeRecorder(log: stage.log).record(.retry, of: id) == nil)
        try stage.finish(stage.worker())
        #expect(try ChangeRecorder(log: stage.log).record(.cancel, of: id) == nil)
        #expect(try stage.endings(id) == [1: 1])
    }
}
