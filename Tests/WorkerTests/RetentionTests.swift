import Foundation
import History
@testable import JobLog
import Scheduler
import Testing
import TraceLog
import Traceflow
import Worker

/// Segments are put away by rule, and history keeps answering.
struct RetentionTests {
    private static let day: Int64 = 86_400_000_000

    private static func segment(
        _ number: Int64, _ state: LogInfo.State, sealedDaysAgo days: Int64?
    ) -> LogInfo.Segment {
        LogInfo.Segment(
            number: number, file: "", state: state, bytes: 1, firstPosition: 10 * number,
            lastPosition: 10 * number + 9, sealedAt: days.map { 1000 * day - $0 * day })
    }

    /// Segments: dropped, archived and two sealed ones, and the open one.
    private static let segments = [
        segment(1, .absent, sealedDaysAgo: 400), segment(2, .archived, sealedDaysAgo: 100),
        segment(3, .sealed, sealedDaysAgo: 31), segment(4, .sealed, sealedDaysAgo: 2),
        segment(5, .open, sealedDaysAgo: nil),
    ]

    private static let rules:
        [(archive: Int64?, drop: Int64?, folded: Int64, due: [RetentionPolicy.Step])] = [
            (nil, nil, 99, []),
            (30, nil, 99, [.archive(3)]),
            (1, nil, 99, [.archive(3), .archive(4)]),
            (1, 90, 99, [.drop(2), .archive(3), .archive(4)]),
            (nil, 10, 99, [.drop(2), .drop(3)]),
            // Nothing before the history has it.
            (1, 10, 38, [.drop(2)]),
            (1, 10, 0, []),
        ]

    @Test(arguments: rules.indices)
    func whatIsDueFollowsFromAgeAndFromTheHistory(number: Int) {
        let rule = Self.rules[number]
        let policy = RetentionPolicy(
            archiveAfterMicroseconds: rule.archive.map { $0 * Self.day },
            dropAfterMicroseconds: rule.drop.map { $0 * Self.day })
        let due = policy.due(
            Self.segments, [1: .dropped], folded: rule.folded,
            at: Moment(microseconds: 1000 * Self.day))
        #expect(due == rule.due)
    }

    private func roll(_ stage: Stage) throws {
        let lease = try #require(
            try stage.log.acquireLease(
                role: "decider", holder: "roller", durationMicroseconds: 10_000_000))
        var decider = Decider(
            log: stage.log, coding: stage.coding, clock: .system, leaseMicroseconds: 10_000_000)
        try decider.roll(holding: lease)
        try stage.log.releaseLease(lease)
    }

    /// Three segments of finished traces and an open one.
    private func stage() throws -> Stage {
        let stage = try Stage()
        for number in 0..<4 {
            if number > 0 { try roll(stage) }
            let names = (0..<30).map { "s\(number)-\($0)" }
            try stage.request(names.map { stage.manifest($0) })
            try stage.finish(stage.worker("w\(number)"))
        }
        return stage
    }

    /// As a process sees it that opens the log now.
    private func history(_ stage: Stage) throws -> History {
        let history = try History(of: JobLog.openTraces(stage.folder, access: .readOnly))
        try history.catchUp()
        return history
    }

    private func told(_ stage: Stage) throws -> [TraceRecord] {
        try history(stage).traces(HistoryFilter(), limit: .max)
    }

    @Test(arguments: [false, true])
    func historyAnswersAfterSegmentsWereArchivedAndIsMadeAnewFromThem(elsewhere: Bool) throws {
        let stage = try stage()
        let before = try told(stage)
        #expect(before.count == 120)
        let folder = stage.folder + "/elsewhere"
        var lines: [String] = []
        try SegmentRetention.apply(
            RetentionPolicy(
                archiveAfterMicroseconds: 0, archiveFolder: elsewhere ? folder : nil),
            to: stage.log, holder: "keeper"
        ) { lines.append($0) }
        #expect(lines.count == 3 && lines.allSatisfy { $0.contains("archived") })
        #expect(try told(stage).map(\.name) == before.map(\.name))
        let history = try history(stage)
        let rows = try history.dump()
        try history.clear()
        try history.catchUp()
        let again = try history.dump()
        #expect(again.filter { !rows.contains($0) } == [])
        #expect(rows.filter { !again.contains($0) } == [])
        #expect(try history.missed() == 0)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: stage.folder)
                .filter { $0.contains("expanded") || $0.hasSuffix(".plain") } == [])
        // A second time there is nothing to do.
        lines = []
        try SegmentRetention.apply(
            RetentionPolicy(archiveAfterMicroseconds: 0), to: stage.log, holder: "keeper"
        ) { lines.append($0) }
        #expect(lines == [])
    }

    /// Traces that are asked for in one segment and end in the next, some after a retry.
    @Test func tracesThatCrossSegmentsAreToldWhenTheseAreArchived() throws {
        let stage = try Stage()
        for number in 0..<3 {
            try stage.request((0..<10).map { stage.manifest("c\(number)-\($0)") })
            try stage.request([stage.manifest("r\(number)", to: "nobody", timeout: 1)], retries: 0)
            try roll(stage)
            try stage.finish(stage.worker("w\(number)"))
            let retried = try #require(
                try stage.log.stream(named: "r\(number)", family: StreamFamily.trace.rawValue))
            try roll(stage)
            _ = try ChangeRecorder(log: stage.log).record(.retry, of: TraceID(retried))
            try stage.finish(stage.worker("x\(number)"))
        }
        try roll(stage)
        // But how far it goes: putting segments away is recorded too.
        func rows(_ history: History) throws -> [String] {
            try history.dump().filter { !$0.hasPrefix("progress: ") }
        }
        let before = try rows(history(stage))
        try SegmentRetention.apply(
            RetentionPolicy(archiveAfterMicroseconds: 0), to: stage.log, holder: "keeper"
        ) { _ in }
        let whole = try history(stage)
        try whole.clear()
        try whole.catchUp()
        #expect(try whole.missed() == 0)
        #expect(try rows(whole) == before)
        // The same by processes that are all killed after a few events.
        try whole.clear()
        let log = try JobLog.openTraces(stage.folder, access: .readOnly)
        while true {
            let archive = SegmentArchive(log: log, holder: "h")
            let short = try History(
                log: log,
                expand: { segment, file in
                    try archive.expand(segment, to: file)
                    return true
                }, rowsABlock: 8192, chunk: 25)
            guard try short.lag() > 0 else { break }
            try short.catchUp { _ in false }
        }
        #expect(try rows(history(stage)) == before)
    }

    @Test func historyAnswersAfterSegmentsWereDropped() throws {
        let stage = try stage()
        let before = try told(stage)
        try SegmentRetention.apply(
            RetentionPolicy(dropAfterMicroseconds: 0), to: stage.log, holder: "keeper"
        ) { _ in }
        let after = try told(stage)
        #expect(after.map(\.name) == before.map(\.name))
        #expect(after.map(\.results) == before.map(\.results))
        // Only making it anew loses what nobody has any more.
        let history = try history(stage)
        try history.clear()
        try history.catchUp()
        #expect(try history.traces(HistoryFilter(), limit: .max).count == 30)
    }

    @Test func aSegmentWithAnUnfinishedTraceStaysUntilItEnds() throws {
        let stage = try Stage()
        try stage.request([stage.manifest("waits")])
        try roll(stage)
        var lines: [String] = []
        let policy = RetentionPolicy(archiveAfterMicroseconds: 0)
        try SegmentRetention.apply(policy, to: stage.log, holder: "keeper") { lines.append($0) }
        #expect(lines.count == 1 && lines[0].contains("segment 1 stays: "))
        try stage.finish(stage.worker())
        try SegmentRetention.apply(policy, to: stage.log, holder: "keeper") { lines.append($0) }
        #expect(lines.last?.contains("segment 1 archived") == true)
        #expect(try told(stage).map(\.name) == ["waits"])
    }
}
