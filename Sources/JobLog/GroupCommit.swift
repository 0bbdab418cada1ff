import Synchronization

/// The requests that wait for the next transaction, and who writes it.
///
///     idle ──enter──▶ led by a thread ──nothing waits──▶ idle
///       │               │ ▲ ▲
///       │               └─┘ │ the leader takes all that waits, commits it, answers
///       │                   │ somebody enters who does not wait for decisions, or nobody decides
///       └──enter──▶ left to the decider ──it takes what waits into its transaction──▶ idle
///
/// The first caller to come leads: it commits everything that was entered, also what came while
/// it was committing. A caller that blocks leads for one transaction and then hands the rest to
/// a thread of the log. What is to be decided on next may be left to the decider, whose own
/// transaction then records it: one commit for a report and the verdict.
///
/// Invariant: while anything waits it is led by exactly one thread, or left to a decider that was
/// woken for it.
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

    private enum Leader { case nobody, thread, decider }

    private struct Queue {
        var tickets: [Ticket] = []
        var leader = Leader.nobody
        /// Wakes the thread of this process that decides; nil while none does.
        var decider: Waker?
    }

    /// What whoever entered has to do.
    enum Duty {
        case nothing, lead
        case wake(Waker)
    }

    private let queue = Mutex(Queue())

    /// `leavesToDecider`: the request may wait for the decider's next transaction, if this process
    /// decides.
    func enter(_ ticket: Ticket, leavesToDecider: Bool = false) -> Duty {
        queue.withLock { queue in
            queue.tickets.append(ticket)
            switch (queue.leader, leavesToDecider ? queue.decider : nil) {
            case (.thread, _), (.decider, .some): return .nothing
            case (.nobody, .some(let decider)):
                queue.leader = .decider
                return .wake(decider)
            case (.nobody, nil), (.decider, nil):
                queue.leader = .thread
                return .lead
            }
        }
    }

    /// Names the thread that decides from now on.
    func setDecider(_ decider: Waker) { queue.withLock { $0.decider = decider } }

    /// Takes back its name, unless another has been named since; returns whether the caller has to
    /// lead what was left to it.
    func removeDecider(_ decider: Waker) -> Bool {
        queue.withLock { queue in
            guard queue.decider === decider else { return false }
            queue.decider = nil
            guard queue.leader == .decider else { return false }
            queue.leader = queue.tickets.isEmpty ? .nobody : .thread
            return queue.leader == .thread
        }
    }

    /// What was left to the decider, for it to record: the first ones, of so many events at most,
    /// but at least one.
    ///
    /// Nothing while a thread leads: what that has taken and not yet committed came before.
    func takeForDecider(eventsMax: Int) -> [Ticket] {
        queue.withLock { queue in
            guard queue.leader == .decider else { return [] }
            var count = 0
            var events = 0
            while count < queue.tickets.count {
                events += queue.tickets[count].request.drafts.count
                if count > 0, events > eventsMax { break }
                count += 1
            }
            let taken = Array(queue.tickets[..<count])
            queue.tickets.removeFirst(count)
            if queue.tickets.isEmpty { queue.leader = .nobody }
            return taken
        }
    }

    /// Puts back what the decider took and could not record; returns whether the caller has to
    /// lead it.
    func putBack(_ tickets: [Ticket]) -> Bool {
        guard !tickets.isEmpty else { return false }
        return queue.withLock { queue in
            queue.tickets = tickets + queue.tickets
            defer { queue.leader = .thread }
            return queue.leader != .thread
        }
    }

    /// Whether something waits for the decider.
    var isLeftToDecider: Bool { queue.withLock { $0.leader == .decider } }

    /// Everything that waits; nothing when the leader's work is done, and then nobody leads.
    func takeAll() -> [Ticket] {
        queue.withLock { queue in
            defer { queue.tickets = [] }
            if queue.tickets.isEmpty { queue.leader = .nobody }
            return queue.tickets
        }
    }

    /// Ends the leading if nothing waits; returns whether it did.
    func leave() -> Bool {
        queue.withLock { queue in
            if queue.tickets.isEmpty { queue.leader = .nobody }
            return queue.tickets.isEmpty
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
