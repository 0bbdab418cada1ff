import CSQLite
import Foundation
import SimulatedDisk
import Synchronization
import Testing

@testable import JobLog

/// A compression that is none: a mark, and every byte turned over.
let archiving = Archiving(
    compress: { _, source in
        var isBegun = false
        return {
            if !isBegun {
                isBegun = true
                return [0x42]
            }
            return try source()?.map { ~$0 }
        }
    },
    expand: { source in
        var isBegun = false
        return {
            var piece = try source()
            if !isBegun {
                isBegun = true
                guard piece?.first == 0x42 else { throw JobLogError(.damaged, "no mark") }
                piece?.removeFirst()
            }
            return piece?.map { ~$0 }
        }
    },
    archived: { note(Type.archived, $0.segment) }, restored: { note(Type.restored, $0) },
    dropped: { note(Type.dropped, $0) })

private func note(_ type: Int32, _ segment: Int64) -> Draft {
    Draft(
        stream: .existing(1), type: type, schema: 1,
        payload: [UInt8(truncatingIfNeeded: segment)])
}

/// Sealed segments that are put away and brought back.
struct ArchiveTests {
    let sandbox: Sandbox
    let clock = ManualClock()
    let log: JobLog

    init() throws {
        sandbox = try Sandbox()
        log = try JobLog.open(sandbox.log, access: .create, options: rollingOptions(clock))
        try log.append(asking("a"))
        try log.roll()
        try log.append(asking("b"))
    }

    private var files: [String] {
        Storage.fileSystem.files(sandbox.log).filter { $0.hasPrefix("000001") }.sorted()
    }

    private func refusal(_ body: () throws -> Void) -> JobLogError.Code? {
        do {
            try body()
            return nil
        } catch {
            return (error as? JobLogError)?.code
        }
    }

    @Test func anArchivedSegmentComesBackAsItWas() throws {
        let before = try log.read(after: 0, limit: 99)
        let facts = try log.archive(1, as: "me", archiving)
        #expect(files == ["000001.db.lz4"])
        #expect(facts.archivedBytes > 0 && facts.archivedBytes < facts.bytes)
        #expect(try log.info().segments.map(\.state) == [.archived, .open])
        #expect(try log.verifyArchive(1, facts.digest, archiving))
        let reader = try JobLog.open(
            sandbox.log, access: .readOnly, options: rollingOptions(clock))
        #expect(try reader.firstPosition() == 4)
        #expect(try reader.verify().faults == [])
        #expect(throws: JobLogError.self) { try reader.refuseArchived(2) }
        try log.restore(1, as: "me", archiving)
        #expect(files == ["000001.db"])
        let after = try log.read(after: 0, limit: 99)
        #expect(Array(after.prefix(before.count)) == before)
        #expect(after.dropFirst(before.count).map(\.type) == [Type.archived, Type.restored])
        #expect(try log.verify().faults == [])
        try log.archive(1, as: "me", archiving)
        #expect(files == ["000001.db.lz4"])
    }

    @Test func archivesThatHaveARowForEachEventComeBackToo() throws {
        let before = try log.read(after: 0, limit: 3)
        let rows = sandbox.log + "/rows.db"
        do {
            let old = try Connection(
                file: rows, flags: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs: nil)
            try old.execute("attach '\(sandbox.log)/000001.db' as segment")
            for table in SegmentFacts.tables {
                try old.execute(
                    "create table \(table.name) as select \(table.list) from segment.\(table.name)")
            }
        }
        try log.archive(1, as: "me", archiving)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: rows))
        try Data([0x42] + bytes.map { ~$0 }).write(
            to: URL(fileURLWithPath: sandbox.log + "/000001.db.lz4"))
        try log.restore(1, as: "me", archiving)
        #expect(try log.read(after: 0, limit: 3) == before)
        #expect(try log.verify().faults == [])
    }

    /// Rolls twice and puts away what somebody else may still be at.
    private func goOnElsewhere() throws -> JobLog {
        let other = try JobLog.open(sandbox.log, access: .create, options: rollingOptions(clock))
        try other.roll()
        try other.append(asking("c"))
        try other.roll()
        for segment in [Int64(2), 3] { try other.archive(segment, as: "me", archiving) }
        return other
    }

    @Test func whoReadsFindsWhatCameAfterSegmentsThatWereArchivedMeanwhile() throws {
        let begin = try log.lastPosition()
        let other = try goOnElsewhere()
        let end = try other.lastPosition()
        #expect(try log.read(after: begin, limit: 99).last?.position == end)
        #expect(try log.lastPosition() == end)
    }

    @Test func symbolsOfWhatIsReadStayThereWhileItsSegmentIsArchived() throws {
        let reader = try JobLog.open(
            sandbox.log, access: .readOnly, options: rollingOptions(clock))
        var seen = 0
        for segment in Int64(2)...4 {
            let bytes = [UInt8(segment)]
            try log.append(asking("s\(segment)", [log.symbol(bytes)]))
            try reader.scan(after: 0) { row in
                guard row.type == Type.asked, row.payload.last == UInt8(segment - 1),
                    row.payload.count > 2
                else { return }
                try log.roll()
                try log.archive(segment, as: "me", archiving)
                #expect(try reader.symbol(number: segment - 1) == bytes)
                seen += 1
            }
        }
        #expect(seen == 3)
    }

    @Test func whoWritesGoesOnAfterSegmentsThatWereArchivedMeanwhile() throws {
        let other = try goOnElsewhere()
        let end = try other.lastPosition()
        #expect(try log.append(asking("d")).positions.first == end + 1)
        #expect(try other.read(after: end, limit: 99).map(\.position) == [end + 1])
        #expect(!Storage.fileSystem.exists(sandbox.log + "/000003.db"))
        #expect(try log.verify().faults == [])
    }

    @Test func anArchiveMayGoToAnotherFolder() throws {
        let other = sandbox.path + "/other"
        try log.archive(1, to: other, as: "me", archiving)
        #expect(files == [])
        #expect(Storage.fileSystem.files(other) == ["000001.db.lz4"])
        #expect(try log.info().segments.map(\.state) == [.absent, .open])
        #expect(refusal { try log.restore(1, as: "me", archiving) } == .refused)
        try log.restore(1, from: other, as: "me", archiving)
        #expect(files == ["000001.db"])
        #expect(Storage.fileSystem.files(other) == ["000001.db.lz4"])
    }

    @Test func anotherLogsArchiveIsNotOverwritten() throws {
        let other = sandbox.path + "/other"
        let second = try JobLog.open(
            sandbox.path + "/second", access: .create, options: rollingOptions(clock))
        try second.append(asking("else"))
        try second.roll()
        try second.archive(1, to: other, as: "me", archiving)
        #expect(refusal { try log.archive(1, to: other, as: "me", archiving) } == .refused)
        #expect(files.contains("000001.db"))
        #expect(refusal { try log.restore(1, from: other, as: "me", archiving) } == .refused)
        try log.archive(1, as: "me", archiving)
        #expect(refusal { try log.restore(1, from: other, as: "me", archiving) } == .damaged)
        #expect(files == ["000001.db.lz4"])
    }

    @Test func aDroppedSegmentFreesTheNamesOfItsStreams() throws {
        try log.drop(1, as: "me", archiving)
        #expect(files == [])
        #expect(try log.stream(named: "a", family: family) == nil)
        #expect(try log.stream(named: "b", family: family) == 3)
        try log.append(asking("a"))
        #expect(try log.verify().faults == [])
        #expect(refusal { try log.restore(1, as: "me", archiving) } == .refused)
    }

    @Test func theOpenSegmentAndUnknownOnesAreRefused() throws {
        for number: Int64 in [0, 2, 3, -1] {
            #expect(refusal { try log.archive(number, as: "me", archiving) } == .refused)
            #expect(refusal { try log.restore(number, as: "me", archiving) } == .refused)
            #expect(refusal { try log.drop(number, as: "me", archiving) } == .refused)
        }
        try log.archive(1, as: "me", archiving)
        #expect(refusal { try log.archive(1, as: "me", archiving) } == .refused)
    }

    @Test func onlyOneAtATimeHandlesSegments() throws {
        let isTried = Mutex(false)
        let slow = Archiving(
            compress: { bytes, source in
                #expect(refusal { try log.drop(1, as: "other", archiving) } == .refused)
                isTried.withLock { $0 = true }
                return try archiving.compress(bytes, source)
            }, expand: archiving.expand, archived: archiving.archived,
            restored: archiving.restored, dropped: archiving.dropped)
        try log.archive(1, as: "me", slow)
        #expect(isTried.withLock { $0 })
        #expect(files == ["000001.db.lz4"])
    }

    @Test func whatDoesNotReadBackDoesNotReplaceTheSegment() throws {
        let lossy = Archiving(
            compress: { bytes, source in
                let next = try archiving.compress(bytes, source)
                return { try next().map { $0.count > 1 ? $0.dropLast() : $0 } }
            }, expand: archiving.expand, archived: archiving.archived,
            restored: archiving.restored, dropped: archiving.dropped)
        #expect(refusal { try log.archive(1, as: "me", lossy) } == .damaged)
        #expect(files.contains("000001.db"))
        #expect(try log.info().segments.map(\.state) == [.sealed, .open])
        #expect(try log.verify().faults == [])
        try log.archive(1, as: "me", archiving)
        try log.restore(1, as: "me", archiving)
    }

    /// SQLite's file layer cuts the length of a call off at 128 KiB.
    @Test(arguments: [100_000, 300_000])
    func segmentsOfAnySizeAreDigestedCopiedAndArchived(bytes: Int) throws {
        let big = try JobLog.open(
            sandbox.path + "/big", access: .create, options: rollingOptions(clock))
        let noise = (0..<bytes).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7) }
        try big.append(
            AppendRequest(
                newStreams: [NewStream(family: family)],
                drafts: [Draft(stream: .new(0), type: Type.asked, schema: 1, payload: noise)]))
        try big.roll()
        #expect(try big.recordDigests() == 1)
        #expect(try big.verify().faults == [])
        try big.backup(to: sandbox.path + "/copy")
        let copy = try JobLog.open(
            sandbox.path + "/copy", access: .readOnly, options: rollingOptions(clock))
        #expect(try copy.verify().faults == [])
        #expect(try copy.read(stream: 2).first?.payload == noise)
        try big.archive(1, as: "me", archiving)
        try big.restore(1, as: "me", archiving)
        #expect(try big.read(stream: 2).first?.payload == noise)
    }

    /// The mark, SQLite's, a row, less than there was, far more.
    enum Forgery: CaseIterable { case mark, header, row, shorter, huge }

    @Test(arguments: Forgery.allCases)
    func aForgedArchiveIsRefusedAndKept(forgery: Forgery) throws {
        let digest = try log.archive(1, as: "me", archiving).digest
        let file = sandbox.log + "/000001.db.lz4"
        var bytes = try readFile(file)
        switch forgery {
        case .mark: bytes[0] ^= 1
        case .header: bytes[5] ^= 1
        case .row:
            // The payload of the only request, an "a" at the end of its row.
            let row = try #require(bytes.indices.last { bytes[$0] == ~UInt8(ascii: "a") })
            bytes[row] ^= 1
        case .shorter: bytes.removeLast(bytes.count / 2)
        case .huge: bytes += [UInt8](repeating: 0xff, count: 3 << 20)
        }
        try writeFile(file, bytes)
        #expect(try !log.verifyArchive(1, digest, archiving))
        #expect(refusal { try log.restore(1, as: "me", archiving) } == .damaged)
        #expect(files == ["000001.db.lz4"])
    }
}

/// A process that archives, restores or drops a segment, and comes to its end in the middle.
struct ArchiveCrashTests {
    enum Deed: CaseIterable { case archive, restore, drop }

    private struct Stage {
        let disk: SimulatedDisk
        let payloads: [[UInt8]]
        private(set) var operations = 0

        init(_ deed: Deed, endingAt n: Int?, cutsPower: Bool) throws {
            disk = SimulatedDisk(seed: UInt64(n ?? 0))
            let process = disk.startProcess()
            let log = try Self.open(process)
            try log.append(asking("a"))
            try log.append(asking("b"))
            try log.roll()
            payloads = try log.read(after: 0, limit: 3).map(\.payload)
            if deed == .restore { try log.archive(1, as: "me", archiving) }
            let before = process.counts.all
            if let n {
                cutsPower
                    ? disk.cutPower(atOperation: n, seed: UInt64(n))
                    : process.kill(atOperation: n)
            }
            // It ends with an error wherever the end comes.
            try? Self.act(deed, log)
            operations = process.counts.all - before
        }

        static func open(_ process: SimulatedProcess) throws -> JobLog {
            try JobLog.open(
                "/log", access: .create,
                options: rollingOptions(durability: .full, storage: process.storage))
        }

        static func act(_ deed: Deed, _ log: JobLog) throws {
            switch deed {
            case .archive: try log.archive(1, as: "me", archiving)
            case .restore: try log.restore(1, as: "me", archiving)
            case .drop: try log.drop(1, as: "me", archiving)
            }
        }

        /// What is wrong with what the next process finds, and with what it does; nil when nothing.
        func fault(_ deed: Deed) -> String? {
            do {
                let process = disk.startProcess()
                let log = try Self.open(process)
                if let fault = try log.verify().faults.first { return fault }
                let said = try log.read(after: 3, limit: 99).map(\.type)
                var state = try log.info().segments[0].state
                if state == .absent, !said.contains(Type.dropped) { return "the segment is gone" }
                if state == .archived, !said.contains(Type.archived) { return "nobody said so" }
                // The same command again comes to the end that was meant, if it was not reached.
                if deed == .archive, state == .sealed { try Self.act(deed, log) }
                if deed == .restore, state == .archived { try Self.act(deed, log) }
                if deed == .drop, state != .absent { try Self.act(deed, log) }
                state = try log.info().segments[0].state
                if deed == .drop { return state == .absent ? nil : "it is \(state)" }
                if state == .archived { try log.restore(1, as: "me", archiving) }
                guard try log.read(after: 0, limit: 3).map(\.payload) == payloads else {
                    return "other events came back"
                }
                return try log.verify().faults.first
            } catch {
                return "\(error)"
            }
        }
    }

    @Test(arguments: Deed.allCases, [false, true])
    func anEndInAnyOperationLosesNothingAndTheSameCommandGoesOn(
        deed: Deed, cutsPower: Bool
    ) throws {
        let whole = try Stage(deed, endingAt: nil, cutsPower: cutsPower)
        #expect(whole.operations > 10)
        #expect(whole.fault(deed) == nil)
        for n in 1...whole.operations {
            let stage = try Stage(deed, endingAt: n, cutsPower: cutsPower)
            #expect(stage.fault(deed) == nil, "operation \(n)")
        }
    }
}
