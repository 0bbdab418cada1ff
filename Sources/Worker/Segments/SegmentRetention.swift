import Dispatch
import Foundation
import History
import JobLog
import Synchronization
import Traceflow

/// Applies a retention policy to a log, beside a worker.
///
///     resting ──a minute──▶ looking ──something is due──▶ putting away ──▶ resting
///        └──────────────────── stop() ─────────────────────▶ stopped
///
/// Plan, then execute: what is due follows from the segments, the policy and how far the history
/// is folded (`RetentionPolicy.due`); each step says in the log what it did (`SegmentArchive`). A
/// step that is refused, since a trace of the segment has not ended, is due again at the next look.
public final class SegmentRetention: Sendable {
    private let folder: String
    private let policy: RetentionPolicy
    private let holder: String
    private let tell: @Sendable (String) -> Void
    private let isStopped = Mutex(false)
    private let wake = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)

    private static let restSeconds = 60.0

    /// Begins at once. `tell` hears of what was put away, and why what should have been was not.
    public init(
        folder: String, policy: RetentionPolicy, holder: String,
        tell: @escaping @Sendable (String) -> Void
    ) {
        self.folder = folder
        self.policy = policy
        self.holder = holder
        self.tell = tell
        let thread = Thread { [self] in
            keep()
            ended.signal()
        }
        thread.name = "retention"
        thread.stackSize = 8 << 20
        thread.start()
    }

    /// Returns when the step at hand is done.
    public func stop() {
        isStopped.withLock { $0 = true }
        wake.signal()
        ended.wait()
    }

    private func keep() {
        var said: Set<String> = []
        while !isStopped.withLock({ $0 }) {
            do {
                let log = try JobLog.openTraces(folder, access: .readWrite)
                try Self.apply(
                    policy, to: log, holder: holder, mayGoOn: { !isStopped.withLock { $0 } }
                ) { line in
                    // The same reason each minute is said once.
                    if said.insert(line).inserted { tell(line) }
                }
            } catch {
                if said.insert("\(error)").inserted { tell("segments are not put away: \(error)") }
            }
            _ = wake.wait(timeout: .now() + Self.restSeconds)
        }
    }

    /// Does what is due now.
    public static func apply(
        _ policy: RetentionPolicy, to log: JobLog, holder: String,
        mayGoOn: () -> Bool = { true }, tell: (String) -> Void
    ) throws {
        let history = try History(of: log)
        guard history.isKept else {
            throw WorkerError(
                "\(log.folder)/history.db cannot be written, and would lose what they tell; check"
                    + " who owns it")
        }
        try history.catchUp { _ in mayGoOn() }
        let archive = SegmentArchive(log: log, holder: holder)
        let steps = policy.due(
            try log.info().segments, try SegmentArchive.fates(in: log),
            folded: try history.position(), at: Moment(microseconds: log.now()))
        for step in steps where mayGoOn() {
            do {
                switch step {
                case .archive(let segment):
                    let facts = try archive.archive(segment, to: policy.archiveFolder)
                    tell(
                        "segment \(segment) archived: \(facts.archivedBytes) of \(facts.bytes)"
                            + " bytes")
                case .drop(let segment):
                    try archive.drop(segment)
                    tell("segment \(segment) dropped")
                }
            } catch {
                // The others may fare better.
                let reason = (error as? JobLogError)?.message ?? "\(error)"
                tell("segment \(step.segment) stays: \(reason)")
            }
        }
    }
}
