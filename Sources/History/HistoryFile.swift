import CSQLite
import JobLog

/// The database of read models beside a log.
///
///     absent, of another log, of another format ──opened──▶ empty ──folds──▶ as far as `progress`
///
/// Disposable: what cannot be used is removed and folded anew. Where the folder cannot be written,
/// the read models live in memory.
struct HistoryFile {
    let connection: Connection
    /// Whether others see what is folded here.
    let isShared: Bool
    private let logID: String

    static let name = "history.db"
    /// Of the schema and of what the columns mean.
    private static let format: Int64 = 2
    private static let pageBytes = 8192

    init(log: JobLog) throws(JobLogError) {
        let file = log.folder + "/" + Self.name
        do throws(JobLogError) {
            connection = try Self.open(file, log)
            isShared = true
        } catch {
            switch error.code {
            case .readOnly:
                connection = try Self.open(":memory:", log)
                isShared = false
            case .damaged, .notALog:
                try Self.remove(beside: log)
                connection = try Self.open(file, log)
                isShared = true
            default: throw error
            }
        }
        logID = log.logID
    }

    /// Removes a file that is of no use; who has it open goes on with what has no name any more.
    static func remove(beside log: JobLog) throws(JobLogError) {
        for ending in ["", "-wal", "-shm", "-journal"] {
            try log.removeFile(log.folder + "/" + name + ending)
        }
    }

    private static func open(_ file: String, _ log: JobLog) throws(JobLogError) -> Connection {
        if file != ":memory:" { log.makeOwnFile(file) }
        let connection = try Connection(
            file: file, flags: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs: nil)
        // Of a file that holds nothing yet; later it changes nothing.
        try connection.execute("pragma page_size = \(pageBytes)")
        try connection.execute("pragma journal_mode = wal; pragma synchronous = normal")
        try connection.execute("pragma cache_size = -16384; pragma temp_store = memory")
        do {
            try connection.transaction {
                let known = try connection.number("pragma user_version")
                if known == format, try isOf(log, connection) { return }
                try makeAnew(connection, log.logID)
            }
        } catch {
            throw error as? JobLogError ?? JobLogError(.failed, "\(file): \(error)")
        }
        return connection
    }

    /// Empties it, for whoever has it open.
    func clear() throws {
        try connection.transaction { try Self.makeAnew(connection, logID) }
    }

    private static func makeAnew(_ connection: Connection, _ logID: String) throws(JobLogError) {
        let query = try connection.statement(
            "select name from sqlite_schema where type = 'table' and name not like 'sqlite_%'")
        var names: [String] = []
        while try query.step() { names.append(query.text(0)) }
        query.reset()
        for name in names {
            try connection.execute(
                "drop table \"\(name.split(separator: "\"").joined(separator: "\"\""))\"")
        }
        try connection.execute(String(decoding: PackageResources.schema_sql, as: UTF8.self))
        try connection.run(
            """
            insert into progress (id, log_id, position, recorded_at, missed)
            values (1, ?, 0, 0, 0)
            """, .text(logID))
        try connection.execute("pragma user_version = \(format)")
    }

    /// Of this log, and of nothing that it does not hold: one that was restored from a backup ends
    /// earlier, or has gone on otherwise.
    private static func isOf(_ log: JobLog, _ connection: Connection) throws(JobLogError) -> Bool {
        let query = try connection.statement(
            "select position, recorded_at from progress where log_id = ?")
        defer { query.reset() }
        query.bind(1, text: log.logID)
        guard try query.step() else { return false }
        let (position, recordedAt) = (query.number(0), query.number(1))
        guard position >= 0, try position <= log.lastPosition() else { return false }
        guard position > 0, let last = try log.read(after: position - 1, limit: 1).first,
            last.position == position
        else { return true }
        return last.recordedAt == recordedAt
    }
}
