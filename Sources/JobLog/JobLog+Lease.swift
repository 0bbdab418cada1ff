import Glibc

extension JobLog {
    /// Takes the role, or renews it for the same holder; nil while another holds it validly.
    ///
    /// A grant raises the epoch; `event` may record it in the same transaction, in the log's own
    /// stream. A holder whose process on this host is gone is replaced at once.
    public func acquireLease(
        role: String, holder: String, durationMicroseconds: Int64,
        event: ((_ epoch: Int64) throws -> Draft)? = nil
    ) throws -> Lease? {
        try checkWritable()
        let lease: Lease? = try writer.with { connection in
            try connection.transaction {
                let now = options.now()
                let row = try Self.leaseRow(role, connection)
                if let row, row.lease.expiresAt > now, row.lease.holder != holder,
                    HolderProcess.mayLive(row.process)
                {
                    return nil
                }
                let lease = Lease(
                    role: role, holder: holder, epoch: (row?.lease.epoch ?? 0) + 1,
                    expiresAt: now + durationMicroseconds)
                try connection.run(
                    """
                    insert into lease (role, holder, process, epoch, expires_at)
                    values (?, ?, ?, ?, ?)
                    on conflict (role) do update set holder = excluded.holder,
                        process = excluded.process, epoch = excluded.epoch,
                        expires_at = excluded.expires_at
                    """, .text(role), .text(holder), .text(HolderProcess.current),
                    .number(lease.epoch), .number(lease.expiresAt))
                if let event {
                    _ = try Self.write(
                        AppendRequest(drafts: [try event(lease.epoch)]), connection,
                        recordedAt: try Self.moment(connection, now))
                }
                return lease
            }
        }
        news.tell()
        return lease
    }

    /// Extends the lease; throws `leaseLost` when somebody else took the role.
    public func renewLease(_ lease: Lease, durationMicroseconds: Int64) throws -> Lease {
        try checkWritable()
        return try writer.with { connection in
            try connection.transaction {
                guard let row = try Self.leaseRow(lease.role, connection),
                    row.lease.epoch == lease.epoch, row.lease.holder == lease.holder
                else { throw Self.lost(lease) }
                var renewed = lease
                renewed.expiresAt = options.now() + durationMicroseconds
                try connection.run(
                    "update lease set expires_at = ? where role = ?", .number(renewed.expiresAt),
                    .text(lease.role))
                return renewed
            }
        }
    }

    /// Gives the role back, so that another need not wait; nothing happens if it is lost.
    ///
    /// `forgetting` also forgets the epoch: for roles whose name never comes again.
    public func releaseLease(_ lease: Lease, forgetting: Bool = false) throws {
        try checkWritable()
        let change = forgetting ? "delete from lease" : "update lease set expires_at = 0"
        try writer.with { connection in
            try connection.transaction {
                try connection.run(
                    change + " where role = ? and epoch = ? and holder = ?", .text(lease.role),
                    .number(lease.epoch), .text(lease.holder))
            }
        }
        news.tell()
    }

    /// The leases of roles that begin so and that somebody alive holds.
    public func leases(rolePrefix: String) throws -> [Lease] {
        try reading { connection in
            let query = try connection.statement(
                "select role, holder, process, epoch, expires_at from lease order by role")
            defer { query.reset() }
            let now = options.now()
            var leases: [Lease] = []
            while try query.step() {
                let lease = Lease(
                    role: query.text(0), holder: query.text(1), epoch: query.number(3),
                    expiresAt: query.number(4))
                guard lease.role.hasPrefix(rolePrefix), lease.expiresAt > now,
                    HolderProcess.mayLive(query.text(2))
                else { continue }
                leases.append(lease)
            }
            return leases
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

/// Names a process so that it is known when it is gone: boot, process id and start time.
enum HolderProcess {
    static let current: String = {
        let pid = getpid()
        return "\(bootID) \(pid) \(startTime(of: pid) ?? "0")"
    }()

    /// False only when the process ran on this boot of this host and is gone.
    static func mayLive(_ text: String) -> Bool {
        let parts = text.split(separator: " ")
        guard parts.count == 3, parts[0] == bootID, let pid = Int32(parts[1]) else { return true }
        return startTime(of: pid).map { $0 == parts[2] } ?? false
    }

    private static let bootID =
        read("/proc/sys/kernel/random/boot_id")
        .split(separator: "\n").first.map(String.init) ?? "unknown"

    /// Field 22 of /proc/PID/stat (proc(5)); nil for a process that is gone or a zombie.
    private static func startTime(of pid: Int32) -> String? {
        let stat = read("/proc/\(pid)/stat")
        guard let end = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[stat.index(after: end)...].split(separator: " ")
        guard fields.count > 19, fields[0] != "Z", fields[0] != "X" else { return nil }
        return String(fields[19])
    }

    private static func read(_ path: String) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = Glibc.read(descriptor, &buffer, buffer.count)
        return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : ""
    }
}
