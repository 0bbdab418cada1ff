import CSQLite
import Glibc

/// A file as bytes, opened through SQLite's file system.
///
/// Closing a database by any other way would drop the locks that SQLite holds on it in this
/// process (sqlite.org/howtocorrupt.html, 2.2), and a test's disk is reached in the same way.
final class RawFile {
    private let file: UnsafeMutablePointer<sqlite3_file>
    private let name: sqlite3_filename
    private let path: String

    enum Kind {
        case database, wal

        fileprivate var flag: Int32 {
            switch self {
            case .database: SQLITE_OPEN_MAIN_DB
            case .wal: SQLITE_OPEN_WAL
            }
        }
    }

    /// Opens a file that is there; `create` makes one.
    init(
        _ path: String, _ storage: Storage, kind: Kind = .database, create: Bool = false
    ) throws(JobLogError) {
        self.path = path
        guard let vfs = sqlite3_vfs_find(storage.vfs),
            let name = sqlite3_create_filename(path, "", "", 0, nil)
        else { throw JobLogError(.failed, "\(path): there is no file system") }
        let size = Int(vfs.pointee.szOsFile)
        let bytes = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
        bytes.initializeMemory(as: UInt8.self, repeating: 0, count: size)
        let file = bytes.assumingMemoryBound(to: sqlite3_file.self)
        let mask = umask(0o077)
        defer { umask(mask) }
        let access = create ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY
        let code = vfs.pointee.xOpen(vfs, name, file, kind.flag | access, nil)
        guard code == SQLITE_OK else {
            sqlite3_free_filename(name)
            bytes.deallocate()
            throw Self.failure(code, path)
        }
        self.file = file
        self.name = name
    }

    deinit {
        _ = file.pointee.pMethods?.pointee.xClose(file)
        sqlite3_free_filename(name)
        UnsafeMutableRawPointer(file).deallocate()
    }

    func size() throws(JobLogError) -> Int64 {
        var size: Int64 = 0
        try check(file.pointee.pMethods?.pointee.xFileSize(file, &size))
        return size
    }

    /// Bytes that are in the file.
    func read(from offset: Int64, count: Int) throws(JobLogError) -> [UInt8] {
        var code: Int32? = SQLITE_OK
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            var done = 0
            while code == SQLITE_OK, done < count {
                let part = min(Self.callBytes, count - done)
                code = file.pointee.pMethods?.pointee.xRead(
                    file, buffer.baseAddress.map { $0 + done }, Int32(part), offset + Int64(done))
                done += part
            }
            filled = code == SQLITE_OK ? count : 0
        }
        try check(code)
        return bytes
    }

    func write(_ bytes: [UInt8], at offset: Int64) throws(JobLogError) {
        var code: Int32? = SQLITE_OK
        bytes.withUnsafeBytes { buffer in
            var done = 0
            while code == SQLITE_OK, done < buffer.count {
                let part = min(Self.callBytes, buffer.count - done)
                code = file.pointee.pMethods?.pointee.xWrite(
                    file, buffer.baseAddress.map { $0 + done }, Int32(part), offset + Int64(done))
                done += part
            }
        }
        try check(code)
    }

    /// SQLite reads and writes pages, of 64 KiB at most; its file layer cuts the lengths of larger
    /// calls off at 17 bits and then says that the disk is full.
    private static let callBytes = 1 << 16

    func sync() throws(JobLogError) {
        try check(file.pointee.pMethods?.pointee.xSync(file, SQLITE_SYNC_NORMAL))
    }

    /// Calls the body with a function that gives one piece of the file after the other.
    func pieces<T>(_ body: (_ next: () throws -> [UInt8]?) throws -> T) throws -> T {
        try body(source())
    }

    /// Gives one piece of the file after the other.
    func source() throws(JobLogError) -> () throws -> [UInt8]? {
        let size = try size()
        var offset: Int64 = 0
        return {
            let count = Int(min(Self.pieceBytes, size - offset))
            guard count > 0 else { return nil }
            defer { offset += Int64(count) }
            return try self.read(from: offset, count: count)
        }
    }

    private static let pieceBytes: Int64 = 1 << 20

    private func check(_ code: Int32?) throws(JobLogError) {
        guard code == SQLITE_OK else { throw Self.failure(code ?? SQLITE_MISUSE, path) }
    }

    private static func failure(_ code: Int32, _ path: String) -> JobLogError {
        switch code & 0xff {
        case SQLITE_FULL:
            JobLogError(
                .diskFull, "\(path): the disk is full", remedy: "free some space and try again")
        case SQLITE_CANTOPEN, SQLITE_PERM, SQLITE_READONLY:
            JobLogError(
                .readOnly, "\(path): the file cannot be opened",
                remedy: "check that the folder exists and its permissions")
        case _: JobLogError(.failed, "\(path): the file system answered \(code)")
        }
    }
}
