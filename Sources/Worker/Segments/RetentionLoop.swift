import Dispatch
import Foundation
import JobLog
import Synchronization
import TraceLog

/// Applies standing policies to a log, beside a worker.
///
///     resting ──a minute──▶ looking ──something is due──▶ putting away ──▶ resting
///        └──────────────────── stop() ─────────────────────▶ stopped
///
/// On a thread of its own, since it reads and writes files.
public final class RetentionLoop: Sendable {
    /// Does what is due now, as long as it may; `tell` hears of it.
    public typealias Step =
        @Sendable (
            _ log: JobLog, _ mayGoOn: () -> Bool, _ tell: (String) -> Void
        ) throws -> Void

    private let folder: String
    private let steps: [(name: String, step: Step)]
    private let tell: @Sendable (String) -> Void
    private let isStopped = Mutex(false)
    private let wake = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)

    private let restSeconds: Double

    /// Begins at once. `tell` hears of what was put away, and why what should have been was not;
    /// of the same reason once. `name` says what a step is about: segments, captures.
    public init(
        folder: String, steps: [(name: String, step: Step)], restSeconds: Double = 60,
        tell: @escaping @Sendable (String) -> Void
    ) {
        self.folder = folder
        self.steps = steps
        self.tell = tell
        self.restSeconds = restSeconds
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
        func say(_ line: String) { if said.insert(line).inserted { tell(line) } }
        while !isStopped.withLock({ $0 }) {
            for (name, step) in steps {
                do {
                    let log = try JobLog.openTraces(folder, access: .readWrite)
                    try step(log, { !isStopped.withLock { $0 } }, say)
                } catch {
                    say("\(name) are not put away: \(error)")
                }
            }
            _ = wake.wait(timeout: .now() + restSeconds)
        }
    }
}
