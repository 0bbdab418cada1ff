@testable import JobLog
import Testing

/// Who follows a log reads from memory what its own process committed last, and it is what the
/// database holds.
struct RecentRowsTests {
    let sandbox: Sandbox
    let clock = ManualClock()
    let log: JobLog

    init() throws {
        sandbox = try Sandbox()
        log = try JobLog.open(sandbox.log, access: .create, options: rollingOptions(clock))
    }

    private func another(beside other: JobLog? = nil) throws -> JobLog {
        try JobLog.open(
            sandbox.log, access: .readOnly, options: rollingOptions(clock), beside: other)
    }

    /// What the database holds.
    private func held(after position: Int64 = 0) throws -> [RecordedEvent] {
        try another().read(after: position, limit: .max)
    }

    private func scanned(
        _ log: JobLog, after position: Int64 = 0, limit: Int = .max
    ) throws -> [RecordedEvent] {
        var events: [RecordedEvent] = []
        let count = try log.scan(after: position, limit: limit) { events.append($0.recorded) }
        #expect(count == events.count)
        return events
    }

    /// The events of a stream, with symbols, and each of another length.
    private func many(_ count: Int, from first: Int = 0) -> AppendRequest {
        var request = AppendRequest(newStreams: [NewStream(family: family)])
        for number in first..<first + count {
            request.drafts.append(
                Draft(
                    stream: .new(0), type: Type.asked, schema: 1,
                    payload: Array(String(repeating: "y", count: number % 50).utf8),
                    symbols: number % 3 == 0 ? [] : [log.symbol([UInt8(number % 7)]), nil]))
        }
        return request
    }

    @Test(arguments: [1, 2, 255, 256, 257, 700])
    func whatIsScannedIsWhatTheDatabaseHolds(count: Int) throws {
        try log.append(many(3))
        try log.append(many(count, from: 3))
        let held = try held()
        #expect(held.count == count + 4)
        for after in [0, 1, 2, 3, 4, count / 2 + 3, count + 3, count + 4, count + 9] {
            for limit in [0, 1, 255, 256, 257, Int.max] {
                let seen = try scanned(log, after: Int64(after), limit: limit)
                #expect(seen == Array(held.dropFirst(after).prefix(limit)))
            }
        }
        #expect(log.recent.batches(after: 1).map(\.rows.count).reduce(0, +) == count + 3)
    }

    @Test func whatAnotherProcessAppendedInBetweenIsThereInItsPlace() throws {
        let other = try JobLog.open(
            sandbox.log, access: .readWrite, options: rollingOptions(clock))
        for number in 0..<20 {
            try log.append(many(number % 4 + 1))
            if number % 3 == 0 { try other.append(many(2)) }
            #expect(try held() == scanned(log))
            #expect(try held() == scanned(other))
        }
    }

    @Test func whoReadsBesideNeedsNotAskTheDatabase() throws {
        let beside = try another(beside: log)
        try log.append(many(5))
        #expect(!beside.recent.batches(after: 1).isEmpty)
        #expect(try held() == scanned(beside))
        let alone = try another()
        #expect(alone.recent.batches(after: 1).isEmpty)
    }

    @Test func anotherLogInTheSameFolderIsNotTakenForIt() throws {
        try log.append(many(5))
        let elsewhere = try Sandbox()
        let stranger = try JobLog.open(
            elsewhere.log, access: .create, options: rollingOptions(clock))
        let log = try another(beside: stranger)
        #expect(log.recent !== stranger.recent)
    }

    @Test func whatWasNotCommittedIsNeverSeen() throws {
        struct Stop: Error {}
        let lease = try #require(
            try log.acquireLease(role: "decider", holder: "a", durationMicroseconds: 10))
        try log.append(many(2))
        #expect(throws: Stop.self) {
            try log.writing { transaction in
                try transaction.record(many(300))
                throw Stop()
            }
        }
        #expect(throws: JobLogError.self) {
            try log.append(AppendRequest(drafts: [draft(.existing(2), expecting: 9)]))
        }
        try log.decide(holding: lease, after: 3) { news, _ in
            let count = try news.forEach { _ in }
            #expect(count == 0)
            return AppendRequest(drafts: [draft(.existing(2), "z")])
        }
        #expect(try held() == scanned(log))
        #expect(try held().count == 4)
    }

    @Test func aDecisionSeesWhatOthersCommittedBeforeWhatItTakesAlong() throws {
        let lease = try #require(
            try log.acquireLease(role: "decider", holder: "a", durationMicroseconds: 10))
        let other = try JobLog.open(
            sandbox.log, access: .readWrite, options: rollingOptions(clock))
        try log.append(many(2))
        try other.append(many(3))
        log.setDecider(Waker())
        // More than one batch, and one that is not full.
        log.append(many(600), leavesToDecider: true) { _ in }
        var seen: [RecordedEvent] = []
        try log.decide(holding: lease, after: 2, takesAlong: true) { news, _ in
            let some = try news.forEach(limit: 5) { _ in }
            let all = try news.forEach { seen.append($0.recorded) }
            #expect((some, all) == (5, 604))
            return AppendRequest()
        }
        #expect(try held(after: 2) == seen)
    }

    @Test func aDecisionSeesAlsoMoreThanIsKept() throws {
        let lease = try #require(
            try log.acquireLease(role: "decider", holder: "a", durationMicroseconds: 10))
        log.setDecider(Waker())
        log.append(many(70_000), leavesToDecider: true) { _ in }
        var last: Int64 = 1
        try log.decide(holding: lease, after: 1, takesAlong: true) { news, _ in
            try news.forEach { row in
                #expect(row.position == last + 1)
                last = row.position
            }
            return AppendRequest()
        }
        #expect(last == 70_001)
        #expect(log.recent.batches(after: 70_000).isEmpty)
        #expect(try scanned(log, after: 70_000).map(\.position) == [70_001])
    }

    @Test func onlySoMuchIsKept() throws {
        for _ in 0..<40 { try log.append(many(2000)) }
        let kept = log.recent.batches(after: 80_000)
        #expect(kept.count == 1)
        #expect(log.recent.batches(after: 1).isEmpty)
        let first = (0...80_000).first { !log.recent.batches(after: Int64($0)).isEmpty }
        let all = log.recent.batches(after: Int64(try #require(first)))
        let bytes = all.reduce(0) { $0 + $1.bytesHeld }
        #expect(bytes <= 4 << 20)
        #expect(bytes > 3 << 20)
        #expect(try scanned(log).map(\.position) == Array(1...80_001))
    }

    @Test func smallTransactionsTakeNoMoreThanTheyNeed() throws {
        for number in 0..<3000 { try log.append(asking("a \(number)")) }
        let kept = log.recent.batches(after: 1)
        #expect(kept.count == 3000)
        let held = kept.reduce(0) { bytes, batch in
            bytes + batch.rows.capacity * MemoryLayout<RowBatch.Row>.stride + batch.bytes.capacity
        }
        #expect(held < 1 << 20)
    }

    @Test func aNewSegmentBeginsWithNothingKept() throws {
        try log.append(asking("a"))
        try log.roll()
        #expect(log.recent.batches(after: 0).isEmpty)
        try log.append(asking("b"))
        #expect(try held() == scanned(log))
    }
}
