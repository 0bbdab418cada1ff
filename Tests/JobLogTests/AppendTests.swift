import Foundation
import JobLog
import Synchronization
import Testing

struct AppendTests {
    let sandbox: Sandbox
    let clock = ManualClock()
    let log: JobLog

    init() throws {
        sandbox = try Sandbox()
        log = try JobLog.open(sandbox.log, access: .create, options: options(clock))
    }

    @Test func eventsHaveGapFreePositionsAndVersions() throws {
        let first = try log.append(beginning("a", 2))
        let stream = try #require(first.streams.first)
        try log.append(beginning("b"))
        try log.append(AppendRequest(drafts: [draft(.existing(stream))]))
        let events = try log.read(after: 0, limit: 100)
        #expect(events.map(\.position) == [1, 2, 3, 4])
        #expect(events.map(\.version) == [1, 2, 1, 3])
        #expect(try log.read(stream: stream).map(\.version) == [1, 2, 3])
    }

    @Test func whatWasAppendedIsThereAfterOpeningAgain() throws {
        try log.append(beginning("a"))
        let again = try JobLog.open(sandbox.log, access: .readOnly, options: options())
        #expect(try again.read(after: 0, limit: 10) == log.read(after: 0, limit: 10))
        #expect(again.logID == log.logID)
    }

    @Test func aNameIsTakenOnceUntilItIsGivenBack() throws {
        try log.append(beginning("a"))
        #expect { try log.append(beginning("a")) } throws: {
            ($0 as? JobLogError)?.code == .nameTaken
        }
        #expect(try log.lastPosition() == 1, "a refused request leaves nothing behind")
        try log.append(
            AppendRequest(releasedNames: [NewStream(family: family, name: "a")]))
        let second = try log.append(beginning("a"))
        #expect(try log.stream(named: "a", family: family) == second.streams.first)
    }

    @Test func anUnexpectedVersionIsAConflict() throws {
        let stream = try #require(try log.append(beginning("a")).streams.first)
        try log.append(AppendRequest(drafts: [draft(.existing(stream), expecting: 1)]))
        #expect {
            try log.append(AppendRequest(drafts: [draft(.existing(stream), expecting: 1)]))
        } throws: {
            ($0 as? JobLogError)?.code == .versionConflict
        }
    }

    @Test func timeNeverFallsAlthoughTheClockDoes() throws {
        clock.now = 5_000_000
        try log.append(beginning())
        clock.now = 3_000_000
        try log.append(beginning())
        #expect(try log.read(after: 0, limit: 9).map(\.recordedAt) == [5_000_000, 5_000_000])
    }

    @Test func contentIsStoredOnce() throws {
        let content = Content(digest: [1, 2], bytes: [3, 4])
        try log.append(AppendRequest(contents: [content]))
        try log.append(AppendRequest(contents: [content]))
        #expect(try log.content([1, 2]) == [3, 4])
        #expect(try log.content([9]) == nil)
    }

    @Test func manyThreadsEachGetTheirOwnAcknowledgement() throws {
        let answers = Mutex<[Int64]>([])
        let refusals = Mutex(0)
        DispatchQueue.concurrentPerform(iterations: 200) { index in
            do {
                // Every second name was taken by the call before it, or is taken after it.
                let appended = try log.append(beginning("name-\(index / 2)"))
                answers.withLock { $0 += appended.positions }
            } catch {
                refusals.withLock { $0 += 1 }
            }
        }
        #expect(answers.withLock { $0.sorted() } == Array(1...100))
        #expect(refusals.withLock { $0 } == 100)
        #expect(try log.verify().faults == [])
    }

    @Test func twoOpenLogsOnOneFolderShareIt() throws {
        let other = try JobLog.open(sandbox.log, access: .readWrite, options: options(clock))
        DispatchQueue.concurrentPerform(iterations: 100) { index in
            let target = index.isMultiple(of: 2) ? log : other
            do {
                try target.append(beginning())
            } catch {
                Issue.record(error)
            }
        }
        #expect(try log.lastPosition() == 100)
        #expect(try other.verify() == LogCheck(events: 100, faults: []))
    }

    @Test func newsOfAnotherConnectionAreSeen() throws {
        let other = try JobLog.open(sandbox.log, access: .readWrite, options: options(clock))
        #expect(try log.waitForNews(after: 0, timeoutMicroseconds: 0) == false)
        let thread = Thread {
            do {
                try other.append(beginning())
            } catch {
                Issue.record(error)
            }
        }
        thread.start()
        #expect(try log.waitForNews(after: 0, timeoutMicroseconds: 30_000_000))
    }

    @Test func wakingEndsAWait() throws {
        let waker = Waker()
        let thread = Thread { log.wake(waker) }
        thread.start()
        #expect(
            try log.waitForNews(after: 0, timeoutMicroseconds: 30_000_000, waker: waker) == false)
    }

    @Test func aBackupIsALogThatVerifies() throws {
        try log.append(beginning("a", 3))
        try log.backup(to: sandbox.path + "/copy")
        let copy = try JobLog.open(sandbox.path + "/copy", access: .readOnly, options: options())
        #expect(try copy.verify() == LogCheck(events: 3, faults: []))
        #expect {
            try log.backup(to: sandbox.path + "/copy")
        } throws: {
            ($0 as? JobLogError)?.code == .refused
        }
    }
}

struct LeaseTests {
    let sandbox: Sandbox
    let clock = ManualClock()
    let log: JobLog

    init() throws {
        sandbox = try Sandbox()
        log = try JobLog.open(sandbox.log, access: .create, options: options(clock))
    }

    private func take(_ holder: String) throws -> Lease? {
        try log.acquireLease(role: "decider", holder: holder, durationMicroseconds: 10)
    }

    @Test func aHeldRoleIsNotGivenToAnother() throws {
        #expect(try take("a")?.epoch == 1)
        #expect(try take("b") == nil)
    }

    @Test func anExpiredLeaseGoesToAnotherWithAHigherEpoch() throws {
        let old = try #require(try take("a"))
        clock.now += 10
        #expect(try take("b")?.epoch == 2)
        #expect { try log.renewLease(old, durationMicroseconds: 10) } throws: {
            ($0 as? JobLogError)?.code == .leaseLost
        }
    }

    @Test func aDecisionUnderALostLeaseIsRefused() throws {
        let old = try #require(try take("a"))
        clock.now += 10
        _ = try take("b")
        #expect {
            try log.decide(holding: old, after: 0) { _, _ in beginning() }
        } throws: {
            ($0 as? JobLogError)?.code == .leaseLost
        }
        #expect(try log.lastPosition() == 0)
    }

    @Test func aDecisionSeesWhatCameBeforeIt() throws {
        let lease = try #require(try take("a"))
        try log.append(beginning("x"))
        var seen: [Int64] = []
        let appended = try log.decide(holding: lease, after: 0) { news, _ in
            try news.forEach { seen.append($0.position) }
            return AppendRequest(drafts: [draft(.existing(1))])
        }
        #expect(seen == [1])
        #expect(try log.read(after: 1, limit: 9).map(\.version) == [2])
        #expect(Array(appended.positions) == [2])
    }

    @Test func aReleasedRoleIsFreeAtOnce() throws {
        let lease = try #require(try take("a"))
        try log.releaseLease(lease)
        #expect(try log.leases(rolePrefix: "dec") == [])
        #expect(try take("b")?.epoch == 2)
    }

    @Test func theRoleOfADeadProcessIsFreeAtOnce() throws {
        // A process that has gone: its row is what a killed worker leaves behind.
        _ = try take("a")
        let child = Process()
        child.executableURL = URL(fileURLWithPath: "/bin/true")
        try child.run()
        child.waitUntilExit()
        let pid = child.processIdentifier
        let fault = PlainSQL(file: sandbox.log + "/000001.db").run(
            "update lease set process = replace(process, ' ' || \(getpid()) || ' ', ' \(pid) ')")
        #expect(fault == nil)
        #expect(try take("b")?.epoch == 2)
    }
}
