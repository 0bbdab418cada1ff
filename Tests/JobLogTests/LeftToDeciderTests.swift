@testable import JobLog
import Synchronization
import Testing

/// Appends that may wait for the next decision, so that one commit records both.
struct LeftToDeciderTests {
    let sandbox: Sandbox
    let clock = ManualClock()
    let log: JobLog
    let lease: Lease

    /// What the caller of an append was told, and a way to wait for it.
    final class Told: Sendable {
        private let answers = Mutex<[Result<Appended, JobLogError>]>([])
        private let log: JobLog
        private let waker = Waker()

        init(_ log: JobLog) { self.log = log }

        @Sendable func put(_ answer: Result<Appended, JobLogError>) {
            answers.withLock { $0.append(answer) }
            log.wake(waker)
        }

        var all: [Result<Appended, JobLogError>] { answers.withLock { $0 } }

        func wait() throws -> [Result<Appended, JobLogError>] {
            while all.isEmpty {
                _ = try log.waitForNews(
                    after: .max, timeoutMicroseconds: 60_000_000, waker: waker)
            }
            return all
        }
    }

    init() throws {
        sandbox = try Sandbox()
        log = try JobLog.open(sandbox.log, access: .create, options: options(clock))
        lease = try #require(
            try log.acquireLease(role: "decider", holder: "a", durationMicroseconds: 10))
    }

    private func leave(_ request: AppendRequest) -> Told {
        let told = Told(log)
        log.append(request, leavesToDecider: true, tell: told.put)
        return told
    }

    @Test func withoutADeciderNothingWaits() throws {
        #expect(try leave(beginning("x")).wait().first?.get().positions.first == 1)
        #expect(!log.hasLeftToDecider)
    }

    @Test func aDecisionRecordsWhatWasLeftToItAndSeesIt() throws {
        log.setDecider(Waker())
        let told = leave(beginning("x"))
        #expect(try log.lastPosition() == 0)
        #expect(log.hasLeftToDecider)
        var seen: [Int64] = []
        let appended = try log.decide(holding: lease, after: 0, takesAlong: true) { news, _ in
            try news.forEach { seen.append($0.position) }
            return AppendRequest(drafts: [draft(.existing(1), expecting: 1)])
        }
        #expect(seen == [1])
        #expect(appended.positions.first == 2)
        #expect(try told.all.map { try $0.get().positions.first } == [1])
        #expect(!log.hasLeftToDecider)
        #expect(try log.read(after: 0, limit: 9).map(\.version) == [1, 2])
    }

    @Test func theDecidersThreadIsWokenForIt() throws {
        let waker = Waker()
        log.setDecider(waker)
        _ = leave(beginning("x"))
        #expect(
            try !log.waitForNews(after: 0, timeoutMicroseconds: 60_000_000, waker: waker))
    }

    @Test func aDecisionThatFailsLeavesItToBeAppendedWithoutIt() throws {
        struct Failure: Error {}
        log.setDecider(Waker())
        let told = leave(beginning("x"))
        #expect(throws: Failure.self) {
            try log.decide(holding: lease, after: 0, takesAlong: true) { news, _ in
                #expect(try news.forEach { _ in } == 1)
                throw Failure()
            }
        }
        #expect(try told.wait().map { try $0.get().positions.first } == [1])
        #expect(try log.lastPosition() == 1)
    }

    @Test func whatIsRefusedIsItsCallersAloneAndTheDecisionStands() throws {
        try log.append(beginning("x"))
        log.setDecider(Waker())
        let (refused, taken) = (leave(beginning("x")), leave(beginning("y")))
        try log.decide(holding: lease, after: 1, takesAlong: true) { _, _ in
            AppendRequest(drafts: [draft(.existing(1))])
        }
        #expect(refused.all.count == 1)
        #expect {
            for answer in refused.all { _ = try answer.get() }
        } throws: {
            ($0 as? JobLogError)?.code == .nameTaken
        }
        #expect(try taken.all.map { try $0.get().positions.first } == [2])
        #expect(try log.read(after: 0, limit: 9).map(\.stream) == [1, 2, 1])
    }

    @Test func whoDecidesNoMoreLeavesNothingWaiting() throws {
        let waker = Waker()
        log.setDecider(waker)
        let told = leave(beginning("x"))
        log.removeDecider(waker)
        #expect(try told.wait().first?.get().positions.first == 1)
    }

    /// Of two workers in one process the first ends.
    @Test func whoEndsLeavesTheOneThatDecidesNowInItsPlace() throws {
        let (first, second) = (Waker(), Waker())
        log.setDecider(first)
        log.setDecider(second)
        log.removeDecider(first)
        let told = leave(beginning("x"))
        #expect(log.hasLeftToDecider)
        log.removeDecider(second)
        #expect(try told.wait().first?.get().positions.first == 1)
    }

    /// What a thread has taken and not yet committed came before.
    @Test func whileAThreadLeadsTheDeciderTakesNothingThatCameLater() {
        let queue = GroupCommit()
        func ticket() -> GroupCommit.Ticket {
            GroupCommit.Ticket(beginning(), tell: { _ in })
        }
        queue.setDecider(Waker())
        let (first, later) = (ticket(), ticket())
        guard case .lead = queue.enter(first) else {
            Issue.record("the first is to lead")
            return
        }
        #expect(queue.takeAll().map(ObjectIdentifier.init) == [ObjectIdentifier(first)])
        guard case .nothing = queue.enter(later, leavesToDecider: true) else {
            Issue.record("the later one is led already")
            return
        }
        #expect(queue.takeForDecider(eventsMax: 100).isEmpty)
        #expect(queue.takeAll().map(ObjectIdentifier.init) == [ObjectIdentifier(later)])
        #expect(queue.takeAll().isEmpty)
        // Nobody leads any more.
        guard case .wake = queue.enter(ticket(), leavesToDecider: true) else {
            Issue.record("the next one is left to the decider")
            return
        }
        #expect(queue.takeForDecider(eventsMax: 100).count == 1)
    }

    @Test func whoLosesTheLeaseRecordsNothingOfIt() throws {
        let waker = Waker()
        log.setDecider(waker)
        let told = leave(beginning("x"))
        clock.now += 10
        #expect {
            try log.decide(holding: lease, after: 0, takesAlong: true) { _, _ in beginning() }
        } throws: {
            ($0 as? JobLogError)?.code == .leaseLost
        }
        #expect(told.all.isEmpty)
        log.removeDecider(waker)
        #expect(try told.wait().first?.get().positions.first == 1)
    }

    @Test func anAppendThatDoesNotWaitRecordsWhatWasLeftAsWell() throws {
        log.setDecider(Waker())
        let told = leave(beginning("x"))
        #expect(try log.append(beginning("y")).positions.first == 2)
        #expect(try told.wait().first?.get().positions.first == 1)
        #expect(!log.hasLeftToDecider)
    }

    @Test func moreThanOneDecisionTakesStaysForTheNext() throws {
        log.setDecider(Waker())
        let first = leave(beginning("x", 2500))
        let second = leave(beginning("y"))
        try log.decide(holding: lease, after: 0, takesAlong: true) { _, _ in AppendRequest() }
        #expect(first.all.count == 1 && second.all.isEmpty)
        #expect(log.hasLeftToDecider)
        try log.decide(holding: lease, after: 0, takesAlong: true) { _, _ in AppendRequest() }
        #expect(second.all.count == 1)
    }

    @Test func aSymbolThatWasTakenBackIsNobodys() throws {
        struct Failure: Error {}
        var asking = beginning("x")
        asking.drafts[0].symbols = [log.symbol([7])]
        log.setDecider(Waker())
        // The one that is left is appended alone, but behind another process' commit.
        let other = try JobLog.open(sandbox.log, access: .readWrite, options: options(clock))
        let told = leave(asking)
        #expect(throws: Failure.self) {
            try log.decide(holding: lease, after: 0, takesAlong: true) { news, _ in
                #expect(news.newSymbols == [1: [7]])
                throw Failure()
            }
        }
        var others = beginning("y")
        others.drafts[0].symbols = [other.symbol([8])]
        try other.append(others)
        _ = try told.wait()
        let numbers: [Int64] = [1, 2]
        let bytes = try numbers.map { try log.symbol(number: $0) }
        #expect(try bytes == numbers.map { try other.symbol(number: $0) })
        #expect(Set(bytes) == [[7], [8]])
    }
}
