import Synchronization

/// The requests that wait for the next transaction, and who writes it.
///
///     idle ──enter──▶ led ──nothing waits──▶ idle
///                     │ ▲
///                     └─┘ the leader takes all that waits, commits it, answers
///
/// The first caller to come leads: it commits everything that was entered, also what came while
/// it was committing. A caller that blocks leads for one transaction and then hands the rest to
/// a thread of the log. Invariant: while anything waits there is exactly one leader.
final class GroupCommit: Sendable {
    typealias Answer = Result<Appended, JobLogError>

    /// A request, and how its caller is told.
    final class Ticket: Sendable {
        let request: AppendRequest
        private let tell: @Sendable (Answer) -> Void

        init(_ request: AppendRequest, tell: @escaping @Sendable (Answer) -> Void) {
            self.request = request
            self.tell = tell
        }

        func settle(_ answer: Answer) { tell(answer) }
    }

    private struct Queue {
        var tickets: [Ticket] = []
        var isLed = false
    }

    private let queue = Mutex(Queue())

    /// Returns whether the caller has to lead.
    func enter(_ ticket: Ticket) -> Bool {
        queue.withLock { queue in
            queue.tickets.append(ticket)
            guard !queue.isLed else { return false }
            queue.isLed = true
            return true
        }
    }

    /// Everything that waits; nothing when the leader's work is done, and then nobody leads.
    func takeAll() -> [Ticket] {
        queue.withLock { queue in
            defer { queue.tickets = [] }
            if queue.tickets.isEmpty { queue.isLed = false }
            return queue.tickets
        }
    }

    /// Ends the leading if nothing waits; returns whether it did.
    func leave() -> Bool {
        queue.withLock { queue in
            if queue.tickets.isEmpty { queue.isLed = false }
            return !queue.isLed
        }
    }

    var waitingCount: Int { queue.withLock { $0.tickets.count } }
}

/// A place for one answer that a thread waits for.
final class AnswerBox: Sendable {
    private let answer = Mutex<GroupCommit.Answer?>(nil)
    private let isThere = Signal()

    func put(_ value: GroupCommit.Answer) {
        answer.withLock { $0 = value }
        isThere.raise()
    }

    func wait() -> GroupCommit.Answer {
        isThere.wait()
        return answer.withLock { $0 }
            ?? .failure(JobLogError(.failed, "an append was left without an answer"))
    }
}
