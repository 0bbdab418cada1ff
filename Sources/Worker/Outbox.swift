import Synchronization

extension Execution {
    /// What the backend reported and the log does not have yet.
    package final class Outbox: Sendable {
        private let reports = Mutex<[BackendReport]>([])

        package init() {}

        /// Returns whether it was empty.
        @discardableResult
        package func put(_ report: BackendReport) -> Bool {
            reports.withLock { reports in
                reports.append(report)
                return reports.count == 1
            }
        }

        /// Keeps `more` before what came since.
        func putBack(_ more: [BackendReport]) { reports.withLock { $0 = more + $0 } }

        func takeAll() -> [BackendReport] {
            reports.withLock { reports in
                let taken = reports
                reports = []
                // As many are likely to come again.
                reports.reserveCapacity(taken.count)
                return taken
            }
        }

        package var isEmpty: Bool { reports.withLock { $0.isEmpty } }
    }
}
