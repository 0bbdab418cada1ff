import Foundation
import JobLog
import Scheduler
import Testing
import TraceLog
import Traceflow
import Worker

/// Segments of a log of traces, put away and brought back.
struct SegmentArchiveTests {
    let stage: Stage
    let archive: SegmentArchive

    init() throws {
        stage = try Stage()
        archive = SegmentArchive(log: stage.log, holder: "keeper")
    }

    private func roll() throws {
        let lease = try #require(
            try stage.log.acquireLease(
                role: "decider", holder: "roller", durationMicroseconds: 10_000_000))
        var decider = Decider(
            log: stage.log, coding: stage.coding, clock: .system, leaseMicroseconds: 10_000_000)
        try decider.roll(holding: lease)
        try stage.log.releaseLease(lease)
    }

    private func finished(_ names: [String]) throws -> [TraceID] {
        let ids = try stage.request(names.map { stage.manifest($0) })
        try stage.finish(stage.worker("w-\(names[0])"))
        return ids
    }

    @Test func anArchiveIsAnLZ4FileAFewTimesSmallerAndComesBack() throws {
        let ids = try finished((1...100).map { "t\($0)" })
        try roll()
        let before = try ids.map { try stage.trace($0) }
        let facts = try archive.archive(1)
        #expect(facts.archivedBytes * 4 < facts.bytes, "\(facts.archivedBytes) of \(facts.bytes)")
        let lz4 = Process()
        lz4.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        lz4.arguments = ["lz4", "-t", stage.folder + "/000001.db.lz4"]
        lz4.standardError = FileHandle.nullDevice
        try lz4.run()
        lz4.waitUntilExit()
        // 127: no `lz4` here; where there is one it must read the file.
        #expect([0, 127].contains(lz4.terminationStatus))
        let reader = try JobLog.openTraces(stage.folder, access: .readOnly)
        #expect(try reader.read(stream: ids[0].rawValue) == [])
        try archive.restore(1)
        #expect(try ids.map { try stage.trace($0) } == before)
        #expect(try SegmentArchive.fates(in: stage.log) == [:])
    }

    @Test func aSegmentStaysUntilItsTracesHaveEnded() throws {
        _ = try finished(["done"])
        let waiting = try stage.request([stage.manifest("waits")])
        try roll()
        for act in [{ _ = try archive.archive(1) }, { try archive.drop(1) }] {
            #expect {
                try act()
            } throws: { error in
                let error = error as? JobLogError
                return error?.code == .refused && error?.message.contains("not finished") == true
            }
        }
        try stage.finish(stage.worker())
        #expect(try stage.trace(waiting[0])?.verdict == .delivered)
        try archive.archive(1)
    }

    @Test func aTraceWhoseEndIsArchivedIsNotTakenForAnOpenOne() throws {
        let long = try stage.request([stage.manifest("long")])[0]
        try roll()
        try stage.finish(stage.worker())
        let events = try stage.log.read(stream: long.rawValue)
        #expect(try !stage.log.isCutShort(events, isOpen: false))
        try roll()
        try archive.archive(2)
        // Who has read the segment may have it open still.
        let fresh = try JobLog.openTraces(stage.folder, access: .readWrite)
        let left = try fresh.read(stream: long.rawValue)
        #expect(left.map(\.version) == [1])
        #expect(try fresh.isCutShort(left, isOpen: true))
        for change in [ChangeRecorder.Change.cancel, .retry, .delete(name: "long")] {
            #expect {
                try ChangeRecorder(log: fresh).record(change, of: long)
            } throws: {
                ($0 as? JobLogError)?.code == .archived
            }
        }
        try archive.restore(2)
        #expect(try stage.trace(long)?.verdict == .delivered)
    }

    @Test func aWaitingTraceIsNotTakenForAnArchivedOne() throws {
        let waiting = try stage.request([stage.manifest("waits")])[0]
        try roll()
        try roll()
        try archive.archive(2)
        let events = try stage.log.read(stream: waiting.rawValue)
        #expect(try !stage.log.isCutShort(events, isOpen: true))
        #expect(try ChangeRecorder(log: stage.log).record(.cancel, of: waiting) != nil)
    }

    @Test func whereASegmentWentIsKnownForEver() throws {
        _ = try finished(["a"])
        try roll()
        _ = try finished(["b"])
        try roll()
        _ = try finished(["c"])
        try roll()
        let other = stage.folder + "-elsewhere"
        defer { try? FileManager.default.removeItem(atPath: other) }
        let facts = try archive.archive(1, to: other)
        try archive.drop(2)
        try roll()
        // Not even the segment in which it was said is here any more.
        try archive.drop(4)
        let known = SegmentArchived(
            segment: 1, bytes: facts.bytes, archivedBytes: facts.archivedBytes,
            digest: facts.digest, folder: other)
        let fates = try SegmentArchive.fates(in: stage.log)
        #expect(fates == [1: .archived(known), 2: .dropped, 4: .dropped])
        try archive.restore(1)
        #expect(try SegmentArchive.fates(in: stage.log)[1] == nil)
        #expect(try stage.log.verify().faults == [])
    }

    @Test func aDroppedTracesNameIsFreeAndAnArchivedOnesIsHeld() throws {
        _ = try finished(["old"])
        try roll()
        try archive.archive(1)
        #expect(throws: (any Error).self) { try stage.request([stage.manifest("old", live: true)]) }
        let fresh = try JobLog.openTraces(stage.folder, access: .readWrite)
        #expect {
            try RequestRecorder(log: fresh).known([
                .init(manifest: stage.manifest("old"), priority: 5, retries: 0)
            ])
        } throws: {
            ($0 as? JobLogError)?.code == .archived
        }
        try archive.drop(1)
        #expect(try stage.log.stream(named: "old", family: "trace") == nil)
        try roll()
        let again = try finished(["old"])
        #expect(try stage.trace(again[0])?.verdict == .delivered)
    }
}
