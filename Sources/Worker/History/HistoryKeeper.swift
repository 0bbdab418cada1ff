import Foundation
import History
import JobLog
import Synchronization
import Traceflow

extension History {
    /// The history of a log of traces, which can look into archived segments.
    public convenience init(of log: JobLog) throws {
        let archive = SegmentArchive(log: log, holder: "history")
        try self.init(log: log) { segment, file in
            if try SegmentArchive.fates(in: log)[segment] == .dropped { return false }
            try archive.expand(segment, to: file)
            return true
        }
    }
}

/// Folds a log's history behind it, beside a worker.
///
///     waiting ──events──▶ resting ──a second, or many events──▶ folding ──all of them──▶ waiting
///        │                   └──another process has folded──▶ standby ──▶ waiting
///        └──────────────────── stop() ──────────────────────▶ stopped
///
/// On a thread of its own and on connections of its own, so that nobody who decides waits for it.
/// History is disposable: what fails here is said once, tried again after a minute, and ends no
/// worker.
public final class HistoryKeeper: Sendable {
    private let folder: String
    private let other: JobLog?
    private let complain: @Sendable (String) -> Void
    private let waker = Waker()
    private let isStopped = Mutex(false)
    private let waiting = Mutex<JobLog?>(nil)
    private let ended = DispatchSemaphore(value: 0)
    private let stopping = DispatchSemaphore(value: 0)

    /// Looks between two folds while little happens: a second.
    private static let looksARest = 50
    private static let lookMicroseconds = 20_000
    /// Between two looks while another process folds.
    private static let standbySeconds = 3.0
    /// After what failed: a disk that is full or not there may be back.
    private static let retrySeconds = 60.0

    /// Begins at once; `complain` is told what fails, each reason once. What is committed through
    /// `log`, the same log as this process has it open already, is not read from the disk.
    public init(
        folder: String, beside log: JobLog? = nil, complain: @escaping @Sendable (String) -> Void
    ) {
        self.folder = folder
        other = log
        self.complain = complain
        let thread = Thread { [self] in
            var said: Set<String> = []
            while mayGoOn {
                do {
                    try keep()
                } catch {
                    if said.insert("\(error)").inserted {
                        complain("history is not kept for now: \(error)")
                    }
                    _ = stopping.wait(timeout: .now() + Self.retrySeconds)
                }
            }
            ended.signal()
        }
        thread.name = "history"
        thread.stackSize = 8 << 20
        thread.start()
    }

    /// Returns when the fold at hand is done.
    public func stop() {
        isStopped.withLock { $0 = true }
        stopping.signal()
        waiting.withLock { $0?.wake(waker) }
        ended.wait()
    }

    private var mayGoOn: Bool { !isStopped.withLock { $0 } }

    private func keep() throws {
        let log = try JobLog.openTraces(folder, access: .readOnly, beside: other)
        // Who waits with others of this process is told by them, and has nothing to watch.
        let told = other ?? log
        waiting.withLock { $0 = told }
        let history = try History(of: log)
        guard history.isKept else {
            throw WorkerError("\(folder)/history.db cannot be written; check who owns it")
        }
        while mayGoOn {
            let position = try history.position()
            guard
                try told.waitForNews(
                    after: position, timeoutMicroseconds: 60_000_000, waker: waker)
            else { continue }
            try rest(until: position + Int64(History.eventsAFold), in: told)
            guard mayGoOn else { return }
            if try history.position() == position {
                try history.catchUp { [self] _ in mayGoOn }
            } else {
                // Another process does it: this one looks whether it goes on doing so.
                _ = stopping.wait(timeout: .now() + Self.standbySeconds)
            }
        }
    }

    /// Few large transactions cost less than many small ones. To be told of every commit meanwhile
    /// would cost those who commit more than a look now and then.
    private func rest(until position: Int64, in log: JobLog) throws {
        for _ in 0..<Self.looksARest {
            guard mayGoOn, try log.lastPosition() < position else { return }
            _ = stopping.wait(timeout: .now() + .microseconds(Self.lookMicroseconds))
        }
    }
}
