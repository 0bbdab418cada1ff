import CSQLite
import Glibc

extension JobLog {
    /// `trac`: marks our files.
    static let applicationID: Int64 = 0x7472_6163
    /// The number of the newest migration this version knows.
    static let formatVersion = Int64(migrations.count)

    static let migrations: [[UInt8]] = [PackageResources.v001_log_sql]

    /// Opens the log in the folder.
    ///
    /// Throws `noLog` when there is none and it may not be created, `newerVersion` when a newer
    /// version wrote it, `notALog` and `damaged` when the file is something else or broken.
    public static func open(
        _ folder: String, access: Access, options: Options
    ) throws(JobLogError) -> JobLog {
        let file = folder + "/" + segmentName
        let storage = options.storage
        if !storage.exists(file) {
            switch access {
            case .readOnly, .readWrite:
                throw JobLogError(
                    .noLog, "\(folder): there is no log here",
                    remedy: "record a trace first with `tracectl run` or `tracectl apply`")
            case .create: try storage.makeFolder(folder)
            }
        }
        let isReadOnly =
            switch access {
            case .readOnly: true
            case .readWrite, .create: false
            }
        // Who reads waits for who makes or upgrades the file, and the other way round.
        let unlock = try storage.lockFolder(folder, isReadOnly)
        defer { unlock() }
        return try open(folder, file: file, isReadOnly: isReadOnly, options: options)
    }

    private static func open(
        _ folder: String, file: String, isReadOnly: Bool, options: Options
    ) throws(JobLogError) -> JobLog {
        let mask = umask(0o077)
        defer { umask(mask) }
        let writer: Connection
        let reader: Connection
        let symbolReader: Connection
        if isReadOnly {
            writer = try readOnly(file, storage: options.storage)
            reader = try readOnly(file, storage: options.storage)
            symbolReader = try readOnly(file, storage: options.storage)
        } else {
            writer = try Connection(
                file: file, flags: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                vfs: options.storage.vfs)
            try prepare(writer, options)
            reader = try Connection(
                file: file, flags: SQLITE_OPEN_READWRITE, vfs: options.storage.vfs)
            symbolReader = try Connection(
                file: file, flags: SQLITE_OPEN_READWRITE, vfs: options.storage.vfs)
        }
        let query = try writer.statement(
            "select log_id, number, base_position, base_stream, base_symbol from segment")
        defer { query.reset() }
        guard try query.step() else {
            throw JobLogError(
                .damaged, "\(file): the log has no segment row",
                remedy: "restore the log from a backup")
        }
        return JobLog(
            folder: folder, logID: query.text(0), isReadOnly: isReadOnly, options: options,
            writer: try SegmentWriter(
                writer, segmentNumber: query.number(1),
                base: SegmentWriter.Base(
                    position: query.number(2), stream: query.number(3), symbol: query.number(4))),
            reader: reader, symbolReader: symbolReader)
    }

    /// Readers of a WAL file share memory in its folder. Where that cannot be written, a file
    /// without a WAL is read as one that nobody changes.
    private static func readOnly(
        _ file: String, storage: Storage
    ) throws(JobLogError) -> Connection {
        do throws(JobLogError) {
            let connection = try Connection(
                file: file, flags: SQLITE_OPEN_READONLY, vfs: storage.vfs)
            try checkFormat(connection)
            return connection
        } catch {
            guard error.code == .readOnly, storage.size(file + "-wal") ?? 0 == 0 else {
                throw error
            }
            let escaped = file.utf8.map { byte -> String in
                let isPlain = byte > 0x20 && byte < 0x7f && !"%?#".utf8.contains(byte)
                let hex = String(byte, radix: 16)
                return isPlain
                    ? String(UnicodeScalar(byte)) : "%" + (hex.count < 2 ? "0" : "") + hex
            }.joined()
            let connection = try Connection(
                file: "file:\(escaped)?immutable=1", flags: SQLITE_OPEN_READONLY | SQLITE_OPEN_URI,
                vfs: storage.vfs)
            try checkFormat(connection)
            return connection
        }
    }

    /// The file is ours, whole, and of a version we know.
    private static func checkFormat(_ connection: Connection) throws(JobLogError) {
        let version = try connection.number("pragma user_version") ?? 0
        let application = try connection.number("pragma application_id") ?? 0
        guard application == applicationID, version > 0 else {
            throw JobLogError(
                .notALog, "\(connection.file): this is not a tracectl log",
                remedy: "choose another folder with --log")
        }
        guard version <= formatVersion else {
            throw JobLogError(
                .newerVersion,
                "\(connection.file): written by a newer version of tracectl (format \(version), "
                    + "this one knows \(formatVersion))",
                remedy: "use that version; the log was left as it is")
        }
    }

    private static func prepare(
        _ connection: Connection, _ options: Options
    ) throws(JobLogError) {
        let version = try connection.number("pragma user_version") ?? 0
        let tables = try connection.number("select count(*) from sqlite_master") ?? 0
        if version > 0 || tables > 0 { try checkFormat(connection) }
        try connection.execute("pragma journal_mode = wal")
        try connection.execute("pragma synchronous = \(options.durability.rawValue)")
        try connection.execute("pragma foreign_keys = on")
        if version < formatVersion {
            do {
                try connection.transaction { try migrate(connection, from: version, options) }
            } catch let error as JobLogError {
                throw error
            } catch {
                throw JobLogError(.failed, "\(connection.file): \(error)")
            }
        }
        try register(options.eventTypes, connection)
    }

    private static func migrate(
        _ connection: Connection, from version: Int64, _ options: Options
    ) throws {
        for migration in migrations.dropFirst(Int(version)) {
            try connection.execute(String(decoding: migration, as: UTF8.self))
        }
        try connection.execute("pragma application_id = \(applicationID)")
        try connection.execute("pragma user_version = \(formatVersion)")
        guard version == 0 else { return }
        try register(options.eventTypes, connection)
        let logID = try randomID(connection)
        let now = options.now()
        try connection.run(
            """
            insert into segment
                (number, log_id, created_at, base_position, base_stream, base_symbol)
            values (1, ?, ?, 0, 0, 0)
            """, .text(logID), .number(now))
        guard var first = options.firstEvent?(logID) else { return }
        first.stream = .new(0)
        let known = SegmentWriter.Known(
            dataVersion: 0, lastPosition: 0, lastStream: 0, lastSymbol: 0, lastRecordedAt: now)
        var transaction = Transaction(
            connection: connection, statements: try RowWriter.Statements(connection), known: known,
            base: SegmentWriter.Base(position: 0, stream: 0, symbol: 0), recordedAt: now)
        _ = try transaction.write(
            AppendRequest(newStreams: [NewStream(family: "log")], drafts: [first]))
        try transaction.rows.flush()
    }

    private static func register(
        _ types: [EventType], _ connection: Connection
    ) throws(JobLogError) {
        let known = try connection.number("select count(*) from event_type") ?? 0
        guard known < types.count else { return }
        for type in types {
            try connection.run(
                "insert or ignore into event_type (id, name, family) values (?, ?, ?)",
                .number(Int64(type.id)), .text(type.name), .text(type.family))
        }
    }

    private static func randomID(_ connection: Connection) throws(JobLogError) -> String {
        let query = try connection.statement("select lower(hex(randomblob(16)))")
        defer { query.reset() }
        return try query.step() ? query.text(0) : ""
    }
}
