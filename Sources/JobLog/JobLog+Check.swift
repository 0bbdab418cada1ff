import CSQLite
import Glibc

/// What a log consists of.
public struct LogInfo: Hashable, Sendable {
    public struct Segment: Hashable, Sendable {
        public var file: String
        public var bytes: Int64
        public var firstPosition: Int64
        public var lastPosition: Int64
    }

    public var logID: String
    public var formatVersion: Int64
    /// Microseconds since 1970.
    public var createdAt: Int64
    public var lastPosition: Int64
    public var segments: [Segment]
    public var contentBytes: Int64
}

/// The result of reading everything again.
public struct LogCheck: Hashable, Sendable {
    public var events: Int64
    /// What is wrong, the earliest first; empty for a good log.
    public var faults: [String]

    public init(events: Int64, faults: [String]) {
        self.events = events
        self.faults = faults
    }
}

extension JobLog {
    /// What the log consists of now.
    public func info() throws(JobLogError) -> LogInfo {
        try reading { connection in
            let last = try connection.number("select max(position) from event") ?? 0
            let bytes = options.storage.size(folder + "/" + Self.segmentName) ?? 0
            return LogInfo(
                logID: logID, formatVersion: try connection.number("pragma user_version") ?? 0,
                createdAt: try connection.number("select min(created_at) from segment") ?? 0,
                lastPosition: last,
                segments: [
                    LogInfo.Segment(
                        file: Self.segmentName, bytes: bytes,
                        firstPosition: try connection.number("select min(position) from event")
                            ?? 0,
                        lastPosition: last)
                ],
                contentBytes: try connection.number("select sum(length(bytes)) from content") ?? 0)
        }
    }

    /// Reads everything again: the file's structure, positions, versions and moments.
    public func verify() throws(JobLogError) -> LogCheck {
        try reading { connection in
            var check = LogCheck(events: 0, faults: [])
            let integrity = try connection.statement("pragma integrity_check(5)")
            while try integrity.step() {
                let line = integrity.text(0)
                if line != "ok" { check.faults.append("\(Self.segmentName): \(line)") }
            }
            integrity.reset()
            guard check.faults.isEmpty else { return check }
            try Self.checkEvents(connection, &check)
            return check
        }
    }

    private static let faultsMax = 20

    private static func checkEvents(_ connection: Connection, _ check: inout LogCheck) throws {
        var versions: [Int64: Int64] = [:]
        var previous = try connection.number("select min(base_position) from segment") ?? 0
        var moment = Int64.min
        let types = try knownTypes(connection)
        let query = try connection.statement(
            "select position, stream, version, type, recorded_at from event order by position")
        defer { query.reset() }
        while try query.step(), check.faults.count < faultsMax {
            let (position, stream, version) = (query.number(0), query.number(1), query.number(2))
            check.events += 1
            if position != previous + 1 {
                check.faults.append(
                    "position \(previous + 1) is missing: a gap before event \(position)")
            }
            let expected = (versions[stream] ?? 0) + 1
            if version != expected {
                check.faults.append(
                    "event \(position): stream \(stream) has version \(version), expected"
                        + " \(expected): a gap")
            }
            if !types.contains(query.number(3)) {
                check.faults.append("event \(position): type \(query.number(3)) is not registered")
            }
            if query.number(4) < moment {
                check.faults.append("event \(position): recorded before the event before it")
            }
            versions[stream] = version
            previous = position
            moment = query.number(4)
        }
    }

    private static func knownTypes(_ connection: Connection) throws -> Set<Int64> {
        let query = try connection.statement("select id from event_type")
        defer { query.reset() }
        var types: Set<Int64> = []
        while try query.step() { types.insert(query.number(0)) }
        return types
    }

    /// Copies the log, while others use it, into a folder that has none.
    public func backup(to target: String) throws(JobLogError) {
        let file = target + "/" + Self.segmentName
        guard access(file, F_OK) != 0 else {
            throw JobLogError(
                .refused, "\(target): there is a log already", remedy: "choose an empty folder")
        }
        let mask = umask(0o077)
        defer { umask(mask) }
        if mkdir(target, 0o700) != 0, errno != EEXIST {
            throw JobLogError(
                .readOnly,
                "\(target): the folder cannot be made (\(String(cString: strerror(errno))))")
        }
        let copy = try Connection(
            file: file, flags: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
            vfs: options.storage.vfs)
        try reading { source in
            guard let work = sqlite3_backup_init(copy.raw, "main", source.raw, "main") else {
                throw copy.failure(sqlite3_errcode(copy.raw))
            }
            var code = SQLITE_OK
            repeat {
                code = sqlite3_backup_step(work, 4096)
            } while code == SQLITE_OK || code == SQLITE_BUSY || code == SQLITE_LOCKED
            let end = sqlite3_backup_finish(work)
            guard code == SQLITE_DONE, end == SQLITE_OK else {
                throw copy.failure(code == SQLITE_DONE ? end : code)
            }
        }
        // A copy may be asked what it holds, not what somebody may do with the original.
        try copy.execute("delete from lease; pragma wal_checkpoint(truncate)")
    }
}
