import Foundation
import JobLog
import SimulatedDisk
import Synchronization
import Testing

/// A log that goes on in new segments.
struct RollTests {
    let sandbox: Sandbox
    let clock = ManualClock()
    let log: JobLog

    init() throws {
        sandbox = try Sandbox()
        log = try JobLog.open(sandbox.log, access: .create, options: rollingOptions(clock))
    }

    private func another(_ access: JobLog.Access = .readWrite) throws -> JobLog {
        try JobLog.open(sandbox.log, access: access, options: rollingOptions(clock))
    }

    /// Takes the file away, as dropping it does.
    private func drop(_ segment: Int) throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: sandbox.log)
        where name.hasPrefix("00000\(segment).db") {
            try FileManager.default.removeItem(atPath: sandbox.log + "/" + name)
        }
    }

    @Test func aLogGoesOnInTheNextSegmentWithoutAGap() throws {
        try log.append(asking("a"))
        try log.roll()
        try log.append(asking("b"))
        let events = try log.read(after: 0, limit: 100)
        #expect(events.map(\.position) == Array(1...5))
        #expect(
            events.map(\.type) == [
                Type.created, Type.asked, Type.sealed, Type.checkpoint, Type.asked,
            ])
        #expect(events.map(\.version) == [1, 1, 2, 3, 1])
        #expect(events.map(\.stream) == [1, 2, 1, 1, 3])
        #expect(try log.verify() == LogCheck(events: 5, faults: []))
        let again = try another(.readOnly)
        #expect(try again.read(after: 0, limit: 100) == events)
        #expect(try again.read(after: 2, limit: 2) == Array(events[2...3]))
        #expect(try again.info().segments.map(\.state) == [.sealed, .open])
        #expect(try again.lastPosition() == 5)
        #expect(again.logID == log.logID)
    }

    @Test(arguments: [
        "insert into event (stream, version, type, schema, recorded_at, payload)"
            + " values (2, 2, 1, 1, 0, x'')",
        "insert or replace into event values (2, 2, 1, 1, 1, 0, x'')",
        "insert into symbol values (99, x'99')", "insert into content values (x'99', x'')",
        "update lease set epoch = 99", "delete from lease", "delete from name",
        "insert into name values ('trace', 'x', 1)", "insert into carried values (2, 2, 7)",
        "insert into seal values (99, 0)", "delete from seal", "update seal set last_position = 99",
        "insert into earlier_digest values (1, 1, x'')",
        "insert into checkpoint values (1)",
        "insert into event_type values (99, 'x', 'y')",
    ])
    func nothingChangesInASealedSegment(statement: String) throws {
        try log.append(asking("a"))
        try log.roll()
        let before = try log.read(after: 0, limit: 100)
        #expect(PlainSQL(file: sandbox.log + "/000001.db").run(statement) != nil)
        #expect(try another().read(after: 0, limit: 100) == before)
        #expect(try log.verify().faults == [])
    }

    @Test(arguments: [
        "insert into earlier_segment values (3, 0, 0, 0, 0, 0)", "delete from earlier_segment",
        "update earlier_segment set base_position = 1",
        "insert or replace into earlier_segment values (1, 0, 0, 0, 0, 9)",
        "insert or replace into earlier_digest values (1, 0, x'')",
        "insert into earlier_digest values (7, 0, x'')", "delete from earlier_digest",
        "update earlier_digest set digest = x''",
    ])
    func whatIsKnownOfEarlierSegmentsStays(statement: String) throws {
        try log.roll()
        #expect(try log.recordDigests() == 1)
        #expect(PlainSQL(file: sandbox.log + "/000002.db").run(statement) != nil)
        #expect(try log.verify().faults == [])
    }

    @Test func namesAndContentsAndSymbolsOutliveTheirSegment() throws {
        let symbol = log.symbol([1, 2, 3])
        var request = asking("a", [symbol])
        request.contents = [
            Content(digest: keptDigest, bytes: [8]), Content(digest: [5], bytes: [6]),
        ]
        let stream = try log.append(request).streams[0]
        try log.roll()
        #expect(try log.stream(named: "a", family: family) == stream)
        #expect { try log.append(asking("a")) } throws: {
            ($0 as? JobLogError)?.code == .nameTaken
        }
        // The same bytes get a number of the new segment, and both numbers mean them.
        try log.append(asking("b", [symbol, log.symbol([4])]))
        let reader = try another(.readOnly)
        let bytes = try (1...3).map { try reader.symbol(number: $0) }
        #expect(bytes == [[1, 2, 3], [1, 2, 3], [4]])
        #expect(try reader.symbol(number: 4) == nil)
        #expect(try reader.content([5]) == [6])
        try drop(1)
        let left = try another()
        #expect(try left.content(keptDigest) == [8])
        #expect(try left.content([5]) == nil)
        #expect(try left.stream(named: "a", family: family) == stream)
    }

    @Test func aLeaseGoesOnAndAnOlderEpochIsStillRefused() throws {
        let old = try log.lease("a", 10)
        clock.now += 10
        let lease = try log.lease("b")
        try log.roll(lease)
        #expect { try log.decide(holding: old, after: 0) { _, _ in asking() } } throws: {
            ($0 as? JobLogError)?.code == .leaseLost
        }
        #expect { try log.roll(old) } throws: { ($0 as? JobLogError)?.code == .leaseLost }
        try log.decide(holding: lease, after: 0) { _, _ in asking() }
        #expect(try log.renewLease(lease, durationMicroseconds: 99).epoch == 2)
        #expect(try another().leases(rolePrefix: "dec").map(\.epoch) == [2])
        clock.now += 2_000_000
        #expect(try log.lease("c").epoch == 3)
    }

    @Test func aStreamGoesOnWhereItWasWhicheverSegmentThatWas() throws {
        let alive = try log.append(asking("alive")).streams[0]
        let over = try log.append(asking("over")).streams[0]
        try log.append(answer(over))
        try log.roll()
        try log.append(asking())
        try log.roll()
        // One was carried along, the other is looked up.
        try log.append(answer(alive))
        try log.append(answer(over))
        #expect(try log.read(stream: alive).map(\.version) == [1, 2])
        #expect(try log.read(stream: over).map(\.version) == [1, 2, 3])
        #expect {
            try log.append(
                AppendRequest(drafts: [draft(.existing(over), expecting: 2)]))
        } throws: {
            ($0 as? JobLogError)?.code == .versionConflict
        }
        #expect(try log.firsts(ofType: Type.asked).map(\.stream) == [2, 3, 4])
        var firsts: [Int64] = []
        try log.scanFirsts(of: [4, 2, 9, 3]) { firsts.append($0.stream) }
        #expect(firsts == [4, 2, 3])
        #expect(try log.verify().faults == [])
    }

    @Test func anotherProcessMovesOnInTheMiddleOfItsWork() throws {
        let (writer, reader) = (try another(), try another(.readOnly))
        try writer.append(asking("one"))
        #expect(try reader.lastPosition() == 2)
        try log.roll()
        #expect(try reader.lastPosition() == 4)
        try writer.append(asking("two"))
        try log.roll()
        try log.append(asking("three"))
        try log.roll()
        #expect { try writer.append(asking("three")) } throws: {
            ($0 as? JobLogError)?.code == .nameTaken
        }
        let lease = try writer.lease()
        #expect(try reader.leases(rolePrefix: "").map(\.epoch) == [lease.epoch])
        try writer.append(asking("four"))
        #expect(try reader.read(after: 0, limit: 99).map(\.position) == Array(1...11))
        #expect(try reader.verify().faults == [])
    }

    @Test func aDecisionSeesWhatCameBeforeTheOpenSegmentToo() throws {
        try log.append(asking())
        try log.roll()
        try log.append(asking())
        let lease = try log.lease()
        for (limit, expected) in [(Int.max, [2, 3, 4, 5]), (2, [2, 3])] as [(Int, [Int64])] {
            var seen: [Int64] = []
            try log.decide(holding: lease, after: 1) { news, _ in
                let count = try news.forEach(limit: limit) { seen.append($0.position) }
                #expect(count == seen.count)
                return AppendRequest()
            }
            #expect(seen == expected)
        }
    }

    @Test func aRollIsDueBySizeOrByAge() throws {
        #expect(try !log.isRollDue())
        for _ in 1...100 { try log.append(asking()) }
        #expect(try !log.isRollDue())
        let small = try JobLog.open(
            sandbox.log, access: .readWrite, options: rollingOptions(clock, bytesMax: 1000))
        #expect(try small.isRollDue())
        clock.now += 2_000_000_000
        #expect(try log.isRollDue())
        try log.roll()
        #expect(try !small.isRollDue(), "a new segment is left alone until it has events")
    }

    @Test func whatIsDroppedIsPassedOverAndNotInvented() throws {
        let alive = try log.append(asking("alive")).streams[0]
        let over = try log.append(asking("over")).streams[0]
        try log.append(answer(over))
        try log.roll()
        try drop(1)
        let left = try another()
        #expect(try left.firstPosition() == 6)
        #expect(try left.read(after: 0, limit: 99).map(\.position) == [6])
        #expect(try left.read(stream: over) == [])
        #expect(try Count(of: left).alive == [alive])
        #expect { try left.append(answer(over)) } throws: {
            ($0 as? JobLogError)?.code == .archived
        }
        #expect(try left.info().segments.map(\.state) == [.absent, .open])
        #expect(try left.append(answer(alive)).positions.first == 7)
        #expect(try left.append(asking("new")).streams.first == 4)
        #expect(try left.verify() == LogCheck(events: 3, faults: []))
    }

    @Test func aFileThatIsNotTheSealedOneIsNamed() throws {
        try log.append(asking("a"))
        try log.roll()
        #expect(try log.recordDigests() == 1)
        #expect(try log.recordDigests() == 0)
        let file = sandbox.log + "/000001.db"
        #expect(try log.verify().faults == [])
        let forger = PlainSQL(file: file)
        #expect(
            forger.run(
                """
                drop trigger no_update_of_event_in_a_sealed_segment;
                drop trigger an_event_is_never_updated; update event set payload = x'00';
                pragma wal_checkpoint(truncate)
                """) == nil)
        #expect(
            try another().verify().faults == [
                "000001.db: this is not what was sealed"
            ])
    }

    @Test func aBackupHasAllSegments() throws {
        try log.append(asking("a"))
        try log.roll()
        try log.recordDigests()
        try log.append(asking("b"))
        try log.roll()
        try log.append(asking("c"))
        try log.backup(to: sandbox.path + "/copy")
        let copy = try JobLog.open(
            sandbox.path + "/copy", access: .readWrite, options: rollingOptions(clock))
        #expect(try copy.read(after: 0, limit: 99) == log.read(after: 0, limit: 99))
        #expect(try copy.recordDigests() == 1)
        #expect(try copy.verify() == LogCheck(events: 8, faults: []))
        try copy.append(asking("d"))
    }

    @Test func openingALogOfManySegmentsReadsOneOfThem() throws {
        let disk = SimulatedDisk()
        let first = try JobLog.open(
            "/log", access: .create,
            options: rollingOptions(storage: disk.startProcess().storage))
        for _ in 1...20 {
            try first.append(asking())
            try first.roll()
        }
        let process = disk.startProcess()
        let opened = Mutex<Set<String>>([])
        disk.onOperation { operation in
            if operation.kind == .open { opened.withLock { _ = $0.insert(operation.path) } }
            return .proceed
        }
        let log = try JobLog.open(
            "/log", access: .readWrite, options: rollingOptions(storage: process.storage))
        #expect(try Count(of: log).asked == 20)
        try log.append(asking())
        #expect(opened.withLock { $0 } == ["/log/000021.db", "/log/000021.db-wal"])
    }
}
