import Foundation
import JobLog
import Synchronization
import Testing

/// Several processes at a log that goes on in new segments all the time.
struct RollUnderLoadTests {
    private static let appenders = 4
    private static let each = 150
    private static let rolls = 8

    @Test func followersMissNothingAndRepeatNothing() throws {
        let sandbox = try Sandbox()
        let processes = try (0..<2).map { _ in
            try JobLog.open(sandbox.log, access: .create, options: rollingOptions())
        }
        let told = Mutex<[Int64]>([])
        let total = Int64(1 + Self.appenders * Self.each + 2 * Self.rolls)
        let seen = Mutex<[Int: [RecordedEvent]]>([:])
        inThreads(Self.appenders + 4) { task in
            do {
                let log = processes[task % 2]
                switch task {
                case 0: try decide(processes[0])
                case 1...3:
                    let events = try follow(
                        task == 3
                            ? JobLog.open(
                                sandbox.log, access: .readOnly, options: rollingOptions()) : log,
                        to: total)
                    seen.withLock { $0[task] = events }
                case _:
                    for _ in 0..<Self.each {
                        let position = try log.append(asking()).positions[0]
                        told.withLock { $0.append(position) }
                    }
                }
            } catch {
                Issue.record("\(task): \(error)")
            }
        }
        let all = try processes[1].read(after: 0, limit: .max)
        #expect(all.map(\.position) == Array(1...total))
        for task in 1...3 {
            // Written so that a failure does not print all events.
            let isSame = seen.withLock { $0[task] } == all
            #expect(isSame, "follower \(task)")
        }
        let asked = all.filter { $0.type == Type.asked }.map(\.position)
        #expect(told.withLock { $0.sorted() } == asked)
        #expect(try processes[0].verify() == LogCheck(events: total, faults: []))
        #expect(try processes[0].info().segments.count == Self.rolls + 1)
        #expect(try Count(of: processes[0]).asked == Self.appenders * Self.each)
    }

    /// Each on a thread of its own, however few cores there are.
    private func inThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
        let ended = DispatchSemaphore(value: 0)
        for task in 0..<count {
            Thread {
                body(task)
                ended.signal()
            }.start()
        }
        for _ in 0..<count { ended.wait() }
    }

    /// Rolls each time something was appended since.
    private func decide(_ log: JobLog) throws {
        let lease = try log.lease("decider", 3_600_000_000)
        for _ in 0..<Self.rolls {
            let position = try log.lastPosition()
            _ = try log.waitForNews(after: position, timeoutMicroseconds: 1_000_000)
            try log.roll(lease)
        }
    }

    private func follow(_ log: JobLog, to last: Int64) throws -> [RecordedEvent] {
        var events: [RecordedEvent] = []
        var position: Int64 = 0
        while position < last {
            try log.scan(after: position, limit: 37) {
                events.append($0.recorded)
                position = $0.position
            }
            if position < last {
                let isNew = try log.waitForNews(
                    after: position, timeoutMicroseconds: 30_000_000)
                try #require(isNew, "nothing came after \(position) of \(last)")
            }
        }
        return events
    }
}
