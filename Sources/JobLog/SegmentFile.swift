import CSQLite

/// What the files of segments are called, and how they are opened.
enum SegmentFile {
    private static let digits = 6
    static let ending = ".db"
    /// Behind the name of a segment that is compressed.
    static let archiveEnding = ".lz4"
    /// Behind the name of a segment that is being made.
    static let unfinishedEnding = ".new"
    /// What SQLite puts beside a database, and what a half-made one may have left.
    static let sideEndings = ["-wal", "-shm", "-journal"]

    static func name(_ number: Int64) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, digits - text.count)) + text + ending
    }

    static func path(_ number: Int64, in folder: String) -> String {
        folder + "/" + name(number)
    }

    static func archive(_ number: Int64, in folder: String) -> String {
        path(number, in: folder) + archiveEnding
    }

    /// The number of the segment with the name; nil for any other file.
    static func number(of name: String) -> Int64? {
        guard name.hasSuffix(ending), let number = Int64(name.dropLast(ending.count)), number > 0,
            Self.name(number) == name
        else { return nil }
        return number
    }

    /// The newest segment in the folder; nil when there is none.
    static func newest(in folder: String, _ storage: Storage) -> Int64? {
        storage.files(folder).compactMap(number).max()
    }

    /// Opens the newest segment for its readers.
    static func open(
        _ file: String, isReadOnly: Bool, _ storage: Storage
    ) throws(JobLogError) -> Connection {
        guard !isReadOnly else { return try readOnly(file, storage) }
        return try Connection(file: file, flags: SQLITE_OPEN_READWRITE, vfs: storage.vfs)
    }

    /// Makes durable what a connection that has just read may have found in the WAL.
    ///
    /// What is committed is synced before others see it. But who opens a segment first, after
    /// somebody died or could not sync, finds whole commits in the WAL that never were.
    static func syncFound(_ file: String, _ storage: Storage) throws(JobLogError) {
        guard storage.size(file + "-wal") ?? 0 > 0 else { return }
        try RawFile(file + "-wal", storage, kind: .wal).sync()
    }

    /// Opens a segment that has a successor, and so does not change any more.
    ///
    /// Once its WAL is copied into it, it is read without locks and leaves no files beside it.
    static func openSealed(_ file: String, _ storage: Storage) throws(JobLogError) -> Connection {
        guard storage.size(file + "-wal") ?? 0 == 0 else { return try readOnly(file, storage) }
        return try immutable(file, storage)
    }

    /// Readers of a WAL file share memory in its folder. Where that cannot be written, a file
    /// without a WAL is read as one that nobody changes.
    static func readOnly(_ file: String, _ storage: Storage) throws(JobLogError) -> Connection {
        do throws(JobLogError) {
            let connection = try Connection(
                file: file, flags: SQLITE_OPEN_READONLY, vfs: storage.vfs)
            try JobLog.checkFormat(connection)
            return connection
        } catch {
            guard error.code == .readOnly, storage.size(file + "-wal") ?? 0 == 0 else {
                throw error
            }
            return try immutable(file, storage)
        }
    }

    private static func immutable(
        _ file: String, _ storage: Storage
    ) throws(JobLogError) -> Connection {
        let escaped = file.utf8.map { byte -> String in
            let isPlain = byte > 0x20 && byte < 0x7f && !"%?#".utf8.contains(byte)
            let hex = String(byte, radix: 16)
            return isPlain
                ? String(UnicodeScalar(byte)) : "%" + (hex.count < 2 ? "0" : "") + hex
        }.joined()
        let connection = try Connection(
            file: "file:\(escaped)?immutable=1", flags: SQLITE_OPEN_READONLY | SQLITE_OPEN_URI,
            vfs: storage.vfs)
        try JobLog.checkFormat(connection)
        return connection
    }
}
