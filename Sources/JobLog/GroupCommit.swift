import Synchronization

/// The requests that wait for the next transaction.
///
/// A caller enters its request, then waits for the writer. Whoever gets the writer first commits
/// everything entered so far; the others find theirs settled.
final class GroupCommit: Sendable {
    final class Ticket: Sendable {
        let request: AppendRequest
        private let outcome = Mutex<Result<Appended, JobLogError>?>(nil)

        init(_ request: AppendRequest) { self.request = request }

        var isSettled: Bool { outcome.withLock { $0 != nil } }

        func settle(_ result: Result<Appended, JobLogError>) { outcome.withLock { $0 = result } }

        func result() throws(JobLogError) -> Appended {
            guard let result = outcome.withLock({ $0 }) else {
                throw JobLogError(.failed, "an append was left without an answer")
            }
            return try result.get()
        }
    }

    private let waiting = Mutex<[Ticket]>([])

    func enter(_ request: AppendRequest) -> Ticket {
        let ticket = Ticket(request)
        waiting.withLock { $0.append(ticket) }
        return ticket
    }

    func takeAll() -> [Ticket] {
        waiting.withLock { tickets in
            defer { tickets = [] }
            return tickets
        }
    }
}
