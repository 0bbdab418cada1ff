import API
import Cluster
import JobLog
import Traceflow
import Worker

enum ClusterReading {
    /// The cluster last recorded in a log.
    static func latest(_ log: JobLog) throws -> Cluster? {
        try ClusterStore(log: log).latest()?.cluster
    }
}

/// Counts down the time a user is willing to wait.
struct WallWait {
    private let end: Int64?

    init(_ timeout: Duration64?) {
        end = timeout.map { Clock.system.monotonicMicroseconds() + $0.microseconds }
    }

    /// Microseconds left; nil when none are.
    func left() -> Int64? {
        guard let end else { return 3_600_000_000 }
        let left = end - Clock.system.monotonicMicroseconds()
        return left > 0 ? left : nil
    }
}

extension TraceReader {
    /// Folds the history, where it is asked, up to the end of the log.
    init(log: JobLog) { self.init(log: log) { try HistoryReading.caughtUp($0) } }
}
