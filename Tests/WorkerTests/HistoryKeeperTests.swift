import Foundation
import History
import JobLog
import Testing
import TraceLog
import Traceflow
import Worker

/// History is folded beside the work, by one process at a time.
struct HistoryKeeperTests {
    /// Waits until the history of the log has so many traces, at most half a minute.
    private func awaitTraces(_ count: Int64, in folder: String) throws -> Int64 {
        let log = try JobLog.openTraces(folder, access: .readOnly)
        let history = try History(of: log)
        let end = Date().addingTimeInterval(30)
        while try history.count() < count, Date() < end {
            // Woken by every commit to the log, and a few times a second by none.
            _ = try log.waitForNews(after: .max, timeoutMicroseconds: 100_000)
        }
        return try history.count()
    }

    /// With the log of its process, or with one of its own.
    @Test(arguments: [false, true])
    func aKeeperFoldsWhatWorkersRecordAndAnotherTakesItsPlace(isBeside: Bool) throws {
        let stage = try Stage()
        let first = HistoryKeeper(folder: stage.folder, beside: isBeside ? stage.log : nil) {
            Issue.record("\($0)")
        }
        let second = HistoryKeeper(folder: stage.folder) { Issue.record("\($0)") }
        try stage.request((0..<20).map { stage.manifest("a\($0)") })
        try stage.finish(stage.worker("w1"))
        #expect(try awaitTraces(20, in: stage.folder) == 20)
        first.stop()
        try stage.request((0..<20).map { stage.manifest("b\($0)") })
        try stage.finish(stage.worker("w2"))
        #expect(try awaitTraces(40, in: stage.folder) == 40)
        second.stop()
        let history = try History(of: stage.log)
        let rows = try {
            try history.catchUp(); return try history.dump()
        }()
        try history.clear()
        try history.catchUp()
        #expect(try history.dump() == rows)
    }

    @Test func aLogThatIsGoneIsSaidOnceAndEndsNobody() {
        let said = Said()
        let isSaid = DispatchSemaphore(value: 0)
        let keeper = HistoryKeeper(folder: NSTemporaryDirectory() + "no-such-log") {
            said.add($0)
            isSaid.signal()
        }
        isSaid.wait()
        keeper.stop()
        #expect(said.all.map { $0.contains("there is no log here") } == [true])
    }

    final class Said: @unchecked Sendable {
        // Guarded by the lock.
        private let lock = NSLock()
        private var lines: [String] = []
        func add(_ line: String) { lock.withLock { lines.append(line) } }
        var all: [String] { lock.withLock { lines } }
    }
}
