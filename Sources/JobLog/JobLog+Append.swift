import Glibc

extension JobLog {
    /// Records what the request holds, as one, and returns it once it is durable.
    ///
    /// Callers that come while a transaction is being synced share the next one. Throws
    /// `nameTaken`, `versionConflict`, or what kept the log from writing; then nothing of the
    /// request is recorded.
    @discardableResult
    public func append(_ request: AppendRequest) throws(JobLogError) -> Appended {
        try checkWritable()
        let ticket = pending.enter(request)
        writer.with { connection in
            // A leader before us may have committed our request already.
            guard !ticket.isSettled else { return }
            commit(pending.takeAll(), connection)
        }
        let appended = try ticket.result()
        news.tell()
        return appended
    }

    /// For the decider: decides on what is committed, and commits the decision.
    ///
    /// Within the write transaction: checks the lease, hands `body` the events after `position`
    /// and the moment that will be stamped, appends what it returns. Throws `leaseLost` when the
    /// lease is not held any more.
    @discardableResult
    public func decide(
        holding lease: Lease, after position: Int64,
        _ body: (_ news: [RecordedEvent], _ recordedAt: Int64) throws -> AppendRequest
    ) throws -> Appended {
        try checkWritable()
        let appended = try writer.with { connection in
            try connection.transaction {
                try Self.checkLease(lease, connection, now: options.now())
                let events = try Self.events(after: position, limit: .max, connection)
                let moment = try Self.moment(connection, options.now())
                let request = try body(events, moment)
                guard !request.isEmpty else { return Appended() }
                return try Self.write(request, connection, recordedAt: moment)
            }
        }
        if !appended.events.isEmpty { news.tell() }
        return appended
    }

    func checkWritable() throws(JobLogError) {
        guard isReadOnly else { return }
        throw JobLogError(.readOnly, "\(folder): the log was opened for reading only")
    }

    private func commit(_ tickets: [GroupCommit.Ticket], _ connection: Connection) {
        do {
            let results = try connection.transaction {
                let moment = try Self.moment(connection, options.now())
                return try tickets.map { ticket in try attempt(ticket, connection, moment) }
            }
            for (ticket, result) in zip(tickets, results) { ticket.settle(result) }
        } catch {
            let failure = error as? JobLogError ?? JobLogError(.failed, "\(folder): \(error)")
            for ticket in tickets { ticket.settle(.failure(failure)) }
        }
    }

    /// One caller's part of a transaction; a refusal takes back this part alone.
    private func attempt(
        _ ticket: GroupCommit.Ticket, _ connection: Connection, _ moment: Int64
    ) throws -> Result<Appended, JobLogError> {
        try connection.execute("savepoint caller")
        do throws(JobLogError) {
            let appended = try Self.write(ticket.request, connection, recordedAt: moment)
            try connection.execute("release caller")
            return .success(appended)
        } catch {
            switch error.code {
            case .nameTaken, .versionConflict, .refused:
                try connection.execute("rollback to caller")
                try connection.execute("release caller")
                return .failure(error)
            case .noLog, .notALog, .damaged, .newerVersion, .readOnly, .diskFull, .leaseLost,
                .failed:
                throw error
            }
        }
    }

    /// `max(previous, now)`, so that moments map to positions.
    static func moment(_ connection: Connection, _ now: Int64) throws(JobLogError) -> Int64 {
        let last = try connection.number(
            "select recorded_at from event order by position desc limit 1")
        return max(last ?? now, now)
    }

    /// Writes the request inside the caller's transaction.
    static func write(
        _ request: AppendRequest, _ connection: Connection, recordedAt: Int64
    ) throws(JobLogError) -> Appended {
        var appended = Appended()
        for content in request.contents {
            let known = try connection.number(
                "select 1 from content where digest = ?", .blob(content.digest))
            guard known == nil else { continue }
            try connection.run(
                "insert into content (digest, bytes) values (?, ?)", .blob(content.digest),
                .blob(content.bytes))
        }
        for name in request.releasedNames {
            try connection.run(
                "delete from name where family = ? and name = ?", .text(name.family),
                .text(name.name ?? ""))
        }
        for stream in request.newStreams {
            appended.streams.append(try begin(stream, connection))
        }
        guard !request.drafts.isEmpty else { return appended }
        let base = try connection.number("select max(position) from event") ?? 0
        var position = base
        // What this append knows already need not be asked for again.
        var versions: [Int64: Int64] = [:]
        for stream in appended.streams { versions[stream] = 0 }
        for draft in request.drafts {
            position += 1
            let stream = try number(of: draft.stream, appended.streams)
            let known = versions[stream]
            let before = if let known { known } else { try version(of: stream, connection) }
            let event = try insert(
                draft, stream, before, position, connection, recordedAt: recordedAt)
            versions[stream] = event.version
            appended.events.append(event)
        }
        try connection.run(
            "insert into batch (first_position, last_position) values (?, ?)", .number(base + 1),
            .number(position))
        return appended
    }

    private static func number(
        of reference: StreamRef, _ created: [Int64]
    ) throws(JobLogError) -> Int64 {
        switch reference {
        case .existing(let stream): return stream
        case .new(let index):
            guard created.indices.contains(index) else {
                throw JobLogError(
                    .refused, "an event names new stream \(index), which is not there")
            }
            return created[index]
        }
    }

    private static func begin(
        _ stream: NewStream, _ connection: Connection
    ) throws(JobLogError) -> Int64 {
        if let name = stream.name {
            let holder = try connection.number(
                "select stream from name where family = ? and name = ?", .text(stream.family),
                .text(name))
            if holder != nil {
                throw JobLogError(
                    .nameTaken, "\(stream.family) \"\(name)\" exists already",
                    remedy: "choose another name, or delete it first")
            }
        }
        try connection.run("insert into stream (family) values (?)", .text(stream.family))
        let number = try connection.number("select last_insert_rowid()") ?? 0
        if let name = stream.name {
            try connection.run(
                "insert into name (family, name, stream) values (?, ?, ?)", .text(stream.family),
                .text(name), .number(number))
        }
        return number
    }

    private static func version(
        of stream: Int64, _ connection: Connection
    ) throws(JobLogError) -> Int64 {
        try connection.number("select max(version) from event where stream = ?", .number(stream))
            ?? 0
    }

    private static func insert(
        _ draft: Draft, _ stream: Int64, _ before: Int64, _ position: Int64,
        _ connection: Connection, recordedAt: Int64
    ) throws(JobLogError) -> RecordedEvent {
        if let expected = draft.expectedVersion, expected != before {
            throw JobLogError(
                .versionConflict, "stream \(stream) is at version \(before), expected \(expected)",
                remedy: "read it again and decide anew")
        }
        let insert = try connection.statement(
            """
            insert into event (position, stream, version, type, schema, recorded_at, payload)
            values (?, ?, ?, ?, ?, ?, ?)
            """)
        defer { insert.reset() }
        let event = RecordedEvent(
            position: position, stream: stream, version: before + 1, type: draft.type,
            schema: draft.schema, recordedAt: recordedAt, payload: draft.payload)
        insert.bind(1, event.position)
        insert.bind(2, event.stream)
        insert.bind(3, event.version)
        insert.bind(4, Int64(event.type))
        insert.bind(5, Int64(event.schema))
        insert.bind(6, event.recordedAt)
        insert.bind(7, blob: event.payload)
        _ = try insert.step()
        return event
    }
}
