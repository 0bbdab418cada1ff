import CSQLite
import Glibc
import Synchronization

/// One SQLite connection with its prepared statements.
///
/// Not thread-safe: whoever owns it serialises its use (`JobLog` under its locks).
package final class Connection {
    private let handle: OpaquePointer
    private var statements: [String: Statement] = [:]
    package let file: String

    /// How often a statement looks again while another process writes: for about a minute.
    private static let busyLooksMax: Int32 = 30_000
    /// The longest wait between two looks, in microseconds.
    private static let busyMicrosecondsMax: Int32 = 2000

    /// Done once, before the first connection; where somebody used SQLite before, nothing changes.
    private static let configuration = csqlite_count_no_memory()

    package init(file: String, flags: Int32, vfs: String?) throws(JobLogError) {
        _ = Self.configuration
        self.file = file
        var opened: OpaquePointer?
        let code = sqlite3_open_v2(file, &opened, flags | SQLITE_OPEN_NOMUTEX, vfs)
        guard code == SQLITE_OK, let opened else {
            defer { sqlite3_close_v2(opened) }
            throw Connection.error(code, opened, file)
        }
        handle = opened
        sqlite3_extended_result_codes(handle, 1)
        // SQLite's own handler soon sleeps for tens of milliseconds; our transactions are shorter.
        sqlite3_busy_handler(
            handle,
            { vfs, count in
                guard count < Connection.busyLooksMax else { return 0 }
                let wait = min(100 << min(count, 10), Connection.busyMicrosecondsMax)
                let vfs = vfs?.assumingMemoryBound(to: sqlite3_vfs.self)
                _ = vfs?.pointee.xSleep(vfs, wait)
                return 1
            }, sqlite3_vfs_find(vfs))
    }

    /// From now on fails at once where it would wait for others.
    func losePatience() { sqlite3_busy_handler(handle, nil, nil) }

    deinit {
        statements.removeAll()
        sqlite3_close_v2(handle)
    }

    /// Runs SQL text of several statements.
    package func execute(_ sql: String) throws(JobLogError) {
        let code = sqlite3_exec(handle, sql, nil, nil, nil)
        guard code == SQLITE_OK else { throw failure(code) }
    }

    /// The prepared statement of the text, kept for the next time.
    package func statement(_ sql: String) throws(JobLogError) -> Statement {
        if let known = statements[sql] {
            known.reset()
            return known
        }
        var prepared: OpaquePointer?
        let code = sqlite3_prepare_v3(
            handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &prepared, nil)
        guard code == SQLITE_OK, let prepared else { throw failure(code) }
        let statement = Statement(prepared, self)
        statements[sql] = statement
        return statement
    }

    /// The first column of the first row as a number; nil without a row or with null.
    package func number(_ sql: String, _ values: Value...) throws(JobLogError) -> Int64? {
        let query = try statement(sql)
        defer { query.reset() }
        query.bind(values)
        guard try query.step(), !query.isNull(0) else { return nil }
        return query.number(0)
    }

    /// Runs a statement that returns no rows.
    package func run(_ sql: String, _ values: Value...) throws(JobLogError) {
        let change = try statement(sql)
        defer { change.reset() }
        change.bind(values)
        _ = try change.step()
    }

    /// Runs the body in a write transaction, which is rolled back when it throws.
    package func transaction<T>(_ body: () throws -> T) throws -> T {
        try run("begin immediate")
        do {
            let result = try body()
            try run("commit")
            return result
        } catch {
            rollBack()
            throw error
        }
    }

    /// Runs the body on one state of the database, whatever others write meanwhile; within a
    /// transaction, on that one's. In WAL mode this holds up no writer. A statement by itself would
    /// take and give back the file's locks, which costs more than looking up a row.
    package func reading<T>(_ body: () throws -> T) throws -> T {
        guard sqlite3_get_autocommit(handle) != 0 else { return try body() }
        try run("begin")
        defer { rollBack() }
        return try body()
    }

    /// Ends the transaction, if one is open, without a trace.
    func rollBack() {
        // Some errors (a full disk) have rolled back already.
        if sqlite3_get_autocommit(handle) == 0 { try? execute("rollback") }
    }

    func failure(_ code: Int32) -> JobLogError { Connection.error(code, handle, file) }

    /// Returns whether commits are synced from now on.
    func setSynchronousFull() -> Bool {
        do {
            try run("pragma synchronous = full")
            return try number("pragma synchronous") == 2
        } catch {
            return false
        }
    }

    /// The key of the row inserted last.
    package var lastRowID: Int64 { sqlite3_last_insert_rowid(handle) }

    var raw: OpaquePointer { handle }

    static func error(_ code: Int32, _ handle: OpaquePointer?, _ file: String) -> JobLogError {
        let text = handle.map { String(cString: sqlite3_errmsg($0)) } ?? "error \(code)"
        switch isOfFullDisk(code, handle) ? SQLITE_FULL : code & 0xff {
        case SQLITE_FULL:
            return JobLogError(
                .diskFull, "\(file): the disk is full; nothing was recorded",
                remedy: "free some space and try again")
        case SQLITE_READONLY:
            return JobLogError(
                .readOnly, "\(file): the log cannot be written (\(text))",
                remedy: "check the permissions of the folder")
        case SQLITE_CANTOPEN, SQLITE_PERM, SQLITE_AUTH:
            return JobLogError(
                .readOnly, "\(file): the file cannot be opened (\(text))",
                remedy: "check that the folder exists and its permissions")
        case SQLITE_NOTADB, SQLITE_CORRUPT:
            return JobLogError(
                .damaged, "\(file): the file is damaged (\(text))",
                remedy: "restore the log from a backup; the file was left as it is")
        case SQLITE_CONSTRAINT:
            return JobLogError(.refused, "\(file): \(text)")
        default: return JobLogError(.failed, "\(file): \(text)")
        }
    }

    /// A file other than the database and its WAL that cannot grow (the memory that processes
    /// share) or begin is a fault of input and output to SQLite.
    private static func isOfFullDisk(_ code: Int32, _ handle: OpaquePointer?) -> Bool {
        switch code & 0xff {
        case SQLITE_IOERR, SQLITE_CANTOPEN: [ENOSPC, EDQUOT].contains(sqlite3_system_errno(handle))
        default: false
        }
    }
}
