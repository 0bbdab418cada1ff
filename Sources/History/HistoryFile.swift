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

    static let name = "history.db"
    /// Of the schema and of what the columns mean.
    private static let format: Int64 = 1
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
                try Self.remove(log)
                connection = try Self.open(file, log)
                isShared = true
            default: throw error
            }
        }
    }

    /// Removes the file; whoever has it open goes on with what is not there any more.
    static func remove(_ log: JobLog) throws(JobLogError) {
        for ending in ["", "-wal", "-shm", "-journal"] {
            try log.removeFile(log.folder + "/" + name + ending)
        }
    }

    private static func open(_ file: String, _ log: JobLog) throws(JobLogError) -> Connection {
        let connection = try log.ownerOnly { () throws(JobLogError) in
            try Connection(
                file: file, flags: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs: nil)
        }
        // Of a file that holds nothing yet; later it changes nothing.
        try connection.execute("pragma page_size = \(pageBytes)")
        try connection.execute("pragma journal_mode = wal; pragma synchronous = normal")
        try connection.execute("pragma cache_size = -32768; pragma temp_store = memory")
        do {
            try connection.transaction {
                let known = try connection.number("pragma user_version")
                if known == format, try isOf(log, connection) { return }
                try empty(connection)
                try connection.execute(String(decoding: PackageResources.schema_sql, as: UTF8.self))
                try connection.run(
                    "insert into progress (id, log_id, position, missed) values (1, ?, 0, 0)",
                    .text(log.logID))
                try connection.execute("pragma user_version = \(format)")
            }
        } catch {
            throw error as? JobLogError ?? JobLogError(.failed, "\(file): \(error)")
        }
        return connection
    }

    /// Of this log, and not further than it: a log that was restored from a backup ends earlier.
    private static func isOf(_ log: JobLog, _ connection: Connection) throws(JobLogError) -> Bool {
        let position = try connection.number(
            "select position from progress where log_id = ?", .text(log.logID))
        guard let position else { return false }
        return try position <= log.lastPosition()
    }

    private static func empty(_ connection: Connection) throws(JobLogError) {
        let query = try connection.statement(
            "select name from sqlite_schema where type = 'table' and name not like 'sqlite_%'")
        var names: [String] = []
        while try query.step() { names.append(query.text(0)) }
        query.reset()
        for name in names {
            try connection.execute(
                "drop table \"\(name.split(separator: "\"").joined(separator: "\"\""))\"")
        }
    }
}
