import CSQLite
import SimulatedDisk

struct SQLError: Error, Equatable {
    let code: Int32

    var primary: Int32 { code & 0xff }
}

/// A connection of a simulated process, with nothing but SQL.
final class Database {
    private let handle: OpaquePointer

    init(_ process: SimulatedProcess, _ path: String = "/data.db") throws(SQLError) {
        var opened: OpaquePointer?
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX
        let code = sqlite3_open_v2(path, &opened, flags, process.vfs)
        guard code == SQLITE_OK, let opened else {
            sqlite3_close_v2(opened)
            throw SQLError(code: code)
        }
        sqlite3_extended_result_codes(opened, 1)
        handle = opened
    }

    deinit { sqlite3_close_v2(handle) }

    func run(_ sql: String) throws(SQLError) {
        let code = sqlite3_exec(handle, sql, nil, nil, nil)
        guard code == SQLITE_OK else { throw SQLError(code: code) }
    }

    func rows(_ sql: String) throws(SQLError) -> [[String]] {
        var statement: OpaquePointer?
        let code = sqlite3_prepare_v2(handle, sql, -1, &statement, nil)
        defer { sqlite3_finalize(statement) }
        guard code == SQLITE_OK else { throw SQLError(code: code) }
        var rows: [[String]] = []
        while true {
            switch sqlite3_step(statement) {
            case SQLITE_ROW:
                rows.append(
                    (0..<sqlite3_column_count(statement)).map { column in
                        sqlite3_column_text(statement, column).map { String(cString: $0) } ?? ""
                    })
            case SQLITE_DONE: return rows
            case let code: throw SQLError(code: code)
            }
        }
    }

    func number(_ sql: String) throws(SQLError) -> Int {
        try rows(sql).first?.first.flatMap { Int($0) } ?? 0
    }

    var isSound: Bool { (try? rows("pragma integrity_check")) == [["ok"]] }
}

/// Transactions with a number, each of several rows over several pages, so that half of one shows.
struct Ledger {
    static let rowsPerEntry = 3
    /// Small, so that checkpoints come often and the WAL begins anew.
    static let checkpointPages = 12

    let database: Database

    init(_ process: SimulatedProcess, synchronous: String = "full") throws(SQLError) {
        database = try Database(process)
        try database.run(
            """
            pragma page_size = 1024;
            pragma journal_mode = wal;
            pragma synchronous = \(synchronous);
            pragma wal_autocheckpoint = \(Self.checkpointPages);
            create table if not exists entry (number integer, row integer, filling blob);
            """)
    }

    func enter(_ number: Int) throws(SQLError) {
        try database.run("begin immediate")
        for row in 0..<Self.rowsPerEntry {
            try database.run("insert into entry values (\(number), \(row), zeroblob(600))")
        }
        try database.run("commit")
    }

    /// What a later process finds: the entries are 1 to the answer, each whole. Nil for anything
    /// else.
    static func last(_ process: SimulatedProcess) -> Int? {
        guard let database = try? Database(process), database.isSound else { return nil }
        guard
            let tables = try? database.number("select count(*) from sqlite_master"),
            tables > 0
        else { return 0 }
        guard
            let counts = try? database.rows(
                "select number, count(*) from entry group by number order by number")
        else { return nil }
        for (index, row) in counts.enumerated() {
            guard row == ["\(index + 1)", "\(rowsPerEntry)"] else { return nil }
        }
        return counts.count
    }
}
