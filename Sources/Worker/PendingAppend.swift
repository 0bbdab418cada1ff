import Dispatch
import JobLog
import Synchronization

/// Reports that are being appended while the thread that took them goes on.
///
///     under way ──committed──▶ settled: the log has them
///         └──────refused─────▶ settled: whoever waits has them back
final class PendingAppend: Sendable {
    let reports: [BackendReport]
    let request: AppendRequest
    private let outcome = Mutex<Result<Appended, JobLogError>?>(nil)
    private let isDone = DispatchSemaphore(value: 0)

    init(_ reports: [BackendReport], as request: AppendRequest) {
        self.reports = reports
        self.request = request
    }

    /// Hands it to the log; `then` is told on another thread whether it is durable.
    func begin(on log: JobLog, then: @escaping @Sendable (_ isCommitted: Bool) -> Void) {
        log.append(request, leavesToDecider: true) { [self] result in
            outcome.withLock { $0 = result }
            isDone.signal()
            if case .success = result { then(true) } else { then(false) }
        }
    }

    var isSettled: Bool { outcome.withLock { $0 != nil } }

    /// Waits until the log has it, or throws why not. To be called once.
    func settle() throws(JobLogError) {
        isDone.wait()
        _ = try outcome.withLock { $0 }?.get()
    }
}
