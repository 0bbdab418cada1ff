import CSQLite
import Foundation

/// A segment of the log in the hands of another program, with nothing but SQL.
final class PlainFile {
    let path: String
    private var handle: OpaquePointer?

    init(path: String) throws {
        self.path = path
        guard sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE, nil) == SQLITE_OK else {
            throw Violation("\(path) cannot be opened")
        }
    }

    deinit { sqlite3_close_v2(handle) }

    /// The segments of the log in order.
    static func segments(of log: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: log).filter {
            $0.hasSuffix(".db") && $0.dropLast(3).allSatisfy(\.isNumber)
        }.sorted()
    }

    static func newest(in log: String) throws -> PlainFile {
        guard let newest = try segments(of: log).last else {
            throw Violation("\(log) holds no segment")
        }
        return try PlainFile(path: log + "/" + newest)
    }

    func setPatience(milliseconds: Int) { sqlite3_busy_timeout(handle, Int32(milliseconds)) }

    /// Whether somebody holds a write transaction for so long without a pause.
    func isLocked(for milliseconds: Int) -> Bool {
        setPatience(milliseconds: milliseconds)
        guard case .failed(let code, _) = run("begin immediate") else {
            run("rollback")
            return false
        }
        return code == SQLITE_BUSY
    }

    enum Answer: Equatable {
        case done
        case failed(code: Int32, text: String)
    }

    @discardableResult
    func run(_ sql: String) -> Answer {
        let code = sqlite3_exec(handle, sql, nil, nil, nil)
        guard code != SQLITE_OK else { return .done }
        return .failed(code: code & 0xff, text: String(cString: sqlite3_errmsg(handle)))
    }

    /// The rows of a query, each as texts.
    func rows(_ sql: String) throws -> [[String]] {
        var statement: OpaquePointer?
        defer { sqlite3_finalize(statement) }
        var code = sqlite3_prepare_v2(handle, sql, -1, &statement, nil)
        var rows: [[String]] = []
        while code == SQLITE_OK || code == SQLITE_ROW {
            code = sqlite3_step(statement)
            guard code == SQLITE_ROW else { break }
            rows.append(
                (0..<sqlite3_column_count(statement)).map { column in
                    sqlite3_column_text(statement, column).map { String(cString: $0) } ?? ""
                })
        }
        guard code == SQLITE_DONE else {
            throw Violation("\(path): \(sql): \(String(cString: sqlite3_errmsg(handle)))")
        }
        return rows
    }
}
