extension JobLog {
    /// Takes the role, or renews it for the same holder; nil while another holds it validly.
    ///
    /// A grant raises the epoch. A holder whose process on this host is gone is replaced at once.
    ///
    /// No lease is synced, neither its grant nor its renewal or release: a power cut ends all the
    /// processes that knew of it. What is committed under a lease is synced with the grant, which
    /// comes before it in the same file, so an epoch that is in the log never comes again.
    public func acquireLease(
        role: String, holder: String, durationMicroseconds: Int64
    ) throws -> Lease? {
        try acquireLeases([
            LeaseWish(role: role, holder: holder, durationMicroseconds: durationMicroseconds)
        ])[0]
    }

    /// Like `acquireLease` for several roles, in one transaction; an answer for each wish.
    ///
    /// Once one is granted, roles that begin with `forgetting` and that nobody holds are
    /// forgotten: what the killed leave behind, whose names never come again.
    public func acquireLeases(
        _ wishes: [LeaseWish], forgetting rolePrefix: String? = nil
    ) throws -> [Lease?] {
        try checkWritable()
        let leases = try writingUnsynced { transaction in
            let leases = try wishes.map { try acquire($0, transaction.connection) }
            if let rolePrefix, leases.contains(where: { $0 != nil }) {
                for (lease, isHeld) in try self.leases(rolePrefix, transaction.connection)
                where !isHeld {
                    try transaction.connection.run(
                        "delete from lease where role = ?", .text(lease.role))
                }
            }
            return leases
        }
        news.tell()
        return leases
    }

    private func acquire(_ wish: LeaseWish, _ connection: Connection) throws -> Lease? {
        try noticeTime(connection)
        let now = self.now()
        let row = try Self.leaseRow(wish.role, connection)
        if let row, row.lease.expiresAt > now, row.lease.holder != wish.holder,
            options.storage.mayLive(row.process)
        {
            return nil
        }
        let lease = Lease(
            role: wish.role, holder: wish.holder, epoch: (row?.lease.epoch ?? 0) + 1,
            expiresAt: now + wish.durationMicroseconds)
        try connection.run(
            """
            insert into lease (role, holder, process, epoch, renewed_at, expires_at)
            values (?, ?, ?, ?, ?, ?)
            on conflict (role) do update set holder = excluded.holder,
                process = excluded.process, epoch = excluded.epoch,
                renewed_at = excluded.renewed_at, expires_at = excluded.expires_at
            """, .text(wish.role), .text(wish.holder), .text(options.storage.process),
            .number(lease.epoch), .number(now), .number(lease.expiresAt))
        return lease
    }

    /// Extends the lease; throws `leaseLost` when somebody else took the role.
    public func renewLease(_ lease: Lease, durationMicroseconds: Int64) throws -> Lease {
        guard let renewed = try renewLeases([lease], durationMicroseconds: durationMicroseconds)[0]
        else { throw Self.lost(lease) }
        return renewed
    }

    /// Extends the leases in one transaction; nil for each that somebody else took.
    public func renewLeases(_ leases: [Lease], durationMicroseconds: Int64) throws -> [Lease?] {
        try checkWritable()
        return try writingUnsynced { transaction in
            try leases.map { lease in
                guard let row = try Self.leaseRow(lease.role, transaction.connection),
                    row.lease.epoch == lease.epoch, row.lease.holder == lease.holder
                else { return nil }
                let now = now()
                var renewed = lease
                renewed.expiresAt = now + durationMicroseconds
                try transaction.connection.run(
                    "update lease set renewed_at = ?, expires_at = ? where role = ?", .number(now),
                    .number(renewed.expiresAt), .text(lease.role))
                return renewed
            }
        }
    }

    /// Gives the role back, so that another need not wait; nothing happens if it is lost.
    ///
    /// `forgetting` also forgets the epoch: for roles whose name never comes again.
    public func releaseLease(_ lease: Lease, forgetting: Bool = false) throws {
        try releaseLeases(forgetting ? [] : [lease], forgetting: forgetting ? [lease] : [])
    }

    /// Gives several roles back in one transaction.
    public func releaseLeases(_ leases: [Lease], forgetting: [Lease] = []) throws {
        try checkWritable()
        let place = " where role = ? and epoch = ? and holder = ?"
        try writingUnsynced { transaction in
            for (change, leases) in [
                ("update lease set expires_at = 0", leases), ("delete from lease", forgetting),
            ] {
                for lease in leases {
                    try transaction.connection.run(
                        change + place, .text(lease.role), .number(lease.epoch),
                        .text(lease.holder))
                }
            }
        }
        news.tell()
    }

    /// The leases of roles that begin so and that somebody alive holds.
    public func leases(rolePrefix: String) throws -> [Lease] {
        try reading { try leases(rolePrefix, $0).filter(\.isHeld).map(\.lease) }
    }

    private func leases(
        _ rolePrefix: String, _ connection: Connection
    ) throws -> [(lease: Lease, isHeld: Bool)] {
        let query = try connection.statement(
            "select role, holder, process, epoch, expires_at from lease order by role")
        defer { query.reset() }
        try noticeTime(connection)
        let now = self.now()
        var leases: [(lease: Lease, isHeld: Bool)] = []
        while try query.step() {
            let lease = Lease(
                role: query.text(0), holder: query.text(1), epoch: query.number(3),
                expiresAt: query.number(4))
            guard lease.role.hasPrefix(rolePrefix) else { continue }
            let isHeld = lease.expiresAt > now && options.storage.mayLive(query.text(2))
            leases.append((lease, isHeld))
        }
        return leases
    }

    /// A holder may have been ahead of us: its lease must not outlast it by that much.
    private func noticeTime(_ connection: Connection) throws {
        if let moment = try connection.lastMoment() { time.notice(moment) }
        if let moment = try connection.number("select max(renewed_at) from lease") {
            time.notice(moment)
        }
    }

    static func checkLease(_ lease: Lease, _ connection: Connection, now: Int64) throws {
        guard let row = try leaseRow(lease.role, connection), row.lease.epoch == lease.epoch,
            row.lease.holder == lease.holder, row.lease.expiresAt > now
        else { throw lost(lease) }
    }

    private static func lost(_ lease: Lease) -> JobLogError {
        JobLogError(
            .leaseLost,
            "the lease of \(lease.role) is no longer held by \(lease.holder)"
                + " (epoch \(lease.epoch))")
    }

    private static func leaseRow(
        _ role: String, _ connection: Connection
    ) throws -> (lease: Lease, process: String)? {
        let query = try connection.statement(
            "select holder, process, epoch, expires_at from lease where role = ?")
        defer { query.reset() }
        query.bind(1, text: role)
        guard try query.step() else { return nil }
        let lease = Lease(
            role: role, holder: query.text(0), epoch: query.number(2), expiresAt: query.number(3))
        return (lease, query.text(1))
    }
}

/// A role that somebody would like to have.
public struct LeaseWish {
    public var role: String
    public var holder: String
    public var durationMicroseconds: Int64

    public init(role: String, holder: String, durationMicroseconds: Int64) {
        self.role = role
        self.holder = holder
        self.durationMicroseconds = durationMicroseconds
    }
}
