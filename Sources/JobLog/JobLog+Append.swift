import Glibc

extension JobLog {
    /// Records what the request holds, as one, and returns once it is durable.
    ///
    /// Callers that come while a transaction is being synced share the next one. Throws
    /// `nameTaken`, `versionConflict`, or what kept the log from writing; then nothing of the
    /// request is recorded.
    @discardableResult
    public func append(_ request: AppendRequest) throws(JobLogError) -> Appended {
        try checkWritable()
        let box = AnswerBox()
        if case .lead = pending.enter(GroupCommit.Ticket(request, tell: { box.put($0) })) {
            // Ours is among the first; those that came meanwhile need not wait for our thread.
            _ = commitWaiting()
            if !pending.leave() { leaders.async { self.lead() } }
        }
        return try box.wait().get()
    }

    /// Like `append`, for callers that must not block: `tell` is called once, on some thread,
    /// when the request is durable or refused.
    ///
    /// `leavesToDecider`: it may wait for the decider's next transaction, where this process
    /// decides; for what is to be decided on anyhow.
    public func append(
        _ request: AppendRequest, leavesToDecider: Bool = false,
        tell: @escaping @Sendable (Result<Appended, JobLogError>) -> Void
    ) {
        do throws(JobLogError) {
            try checkWritable()
        } catch {
            tell(.failure(error))
            return
        }
        let ticket = GroupCommit.Ticket(request, tell: tell)
        switch pending.enter(ticket, leavesToDecider: leavesToDecider) {
        case .nothing: break
        case .lead: leaders.async { self.lead() }
        case .wake(let decider): wake(decider)
        }
    }

    /// Names the waker of the thread that calls `decide`, which is woken for appends that are left
    /// to it; of several in one process the one that was named last.
    public func setDecider(_ decider: Waker) { pending.setDecider(decider) }

    /// Says that this thread does not decide any more; what was left to it is appended without it.
    /// Nothing happens where another was named since.
    public func removeDecider(_ decider: Waker) {
        if pending.removeDecider(decider) { leaders.async { self.lead() } }
    }

    /// For the decider: decides on what is committed, and commits the decision.
    ///
    /// Within the write transaction: checks the lease, hands `body` the events after `position`
    /// and the moment that will be stamped, appends what it returns. Throws `leaseLost` when the
    /// lease is not held any more.
    ///
    /// `takesAlong`: requests that wait to be appended are recorded first, in the same transaction,
    /// and are among the events that `body` is handed. Where deciding fails they are appended
    /// without it.
    @discardableResult
    public func decide(
        holding lease: Lease, after position: Int64, takesAlong: Bool = false,
        _ body: (_ news: EventReader, _ recordedAt: Int64) throws -> AppendRequest
    ) throws -> Appended {
        try checkWritable()
        var taken: [GroupCommit.Ticket] = []
        var answers: [GroupCommit.Answer] = []
        var isWritten = false
        do {
            let appended = try writing { transaction in
                try Self.checkLease(lease, transaction.connection, now: now())
                if takesAlong { taken = pending.takeForDecider(eventsMax: Self.takenAlongMax) }
                for ticket in taken {
                    answers.append(try Self.answer(to: ticket.request, &transaction))
                }
                let news = try news(after: position, &transaction)
                let request = try body(news, transaction.recordedAt)
                let appended = try transaction.record(request)
                // Up to here nothing is committed for certain.
                try transaction.rows.flush()
                isWritten = true
                return appended
            }
            for (ticket, answer) in zip(taken, answers) { ticket.settle(answer) }
            if !taken.isEmpty || !appended.positions.isEmpty { news.tell() }
            return appended
        } catch {
            if isWritten {
                // Whether it was committed is not known.
                let failure = error as? JobLogError ?? JobLogError(.failed, "\(folder): \(error)")
                for ticket in taken { ticket.settle(.failure(failure)) }
            } else if pending.putBack(taken) {
                leaders.async { self.lead() }
            }
            throw error
        }
    }

    /// Whether an append was left to the decider and waits for it.
    public var hasLeftToDecider: Bool { pending.isLeftToDecider }

    /// Events of others at most that a decision takes along.
    private static let takenAlongMax = 2500

    func checkWritable() throws(JobLogError) {
        guard isReadOnly else { return }
        throw JobLogError(.readOnly, "\(folder): the log was opened for reading only")
    }

    /// What was committed after the position, and what the transaction has written since.
    func news(
        after position: Int64, _ transaction: inout Transaction
    ) throws(JobLogError) -> EventReader {
        var written = transaction.rows.written
        var end = transaction.startPosition
        if written == nil {
            try transaction.rows.flush()
            (written, end) = ([], transaction.known.lastPosition)
        }
        let base = transaction.base.position
        let connection = transaction.connection
        return EventReader(newSymbols: transaction.newSymbols, written: written ?? []) {
            limit, body in
            guard position < end else { return 0 }
            var count = 0
            if position < base {
                count = try self.reader.with {
                    try $0.forEach(after: position, through: base, limit: limit, body)
                }
            }
            let from = max(position, base)
            // Positions have no gaps within a segment.
            return try count
                + SegmentReader.forEach(
                    connection, after: from, limit: min(limit - count, Int(end - from)), body)
        }
    }

    // MARK: leading

    private func lead() {
        while commitWaiting() { awaitCompany() }
    }

    /// Commits what waits; returns whether there was anything.
    private func commitWaiting() -> Bool {
        let tickets = pending.takeAll()
        guard !tickets.isEmpty else { return false }
        companions.store(tickets.count, ordering: .relaxed)
        let answers = answers(to: tickets)
        news.tell()
        for (ticket, answer) in zip(tickets, answers) { ticket.settle(answer) }
        return true
    }

    private func answers(to tickets: [GroupCommit.Ticket]) -> [GroupCommit.Answer] {
        do {
            return try writing { transaction in
                var answers: [GroupCommit.Answer] = []
                answers.reserveCapacity(tickets.count)
                for ticket in tickets {
                    answers.append(try Self.answer(to: ticket.request, &transaction))
                }
                return answers
            }
        } catch {
            let failure = error as? JobLogError ?? JobLogError(.failed, "\(folder): \(error)")
            return tickets.map { _ in .failure(failure) }
        }
    }

    /// One caller's part of a transaction: refused before anything of it is written, or written.
    /// What goes wrong while writing is everybody's error.
    private static func answer(
        to request: AppendRequest, _ transaction: inout Transaction
    ) throws(JobLogError) -> GroupCommit.Answer {
        do throws(JobLogError) {
            try transaction.judge(request)
        } catch {
            switch error.code {
            case .nameTaken, .versionConflict, .refused, .archived: return .failure(error)
            case .noLog, .notALog, .damaged, .newerVersion, .readOnly, .diskFull, .leaseLost,
                .sealed, .failed:
                throw error
            }
        }
        return .success(try transaction.write(request))
    }

    /// Callers that were just answered often ask again at once. As long as more of them come, it
    /// pays to let them in before the next sync; one that is alone is not kept waiting.
    private func awaitCompany() {
        let expected = companions.load(ordering: .relaxed)
        var seen = pending.waitingCount
        guard expected > 1, seen > 0 else { return }
        var idle = 0
        while seen < expected, idle < Self.looksForCompany {
            sched_yield()
            let now = pending.waitingCount
            idle = now > seen ? 0 : idle + 1
            seen = now
        }
    }

    /// Looks without anybody new before the leader goes on; each is a few microseconds.
    private static let looksForCompany = 16
}
