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
        try open(folder, access: access, options: options, beside: nil)
    }

    /// The same; `beside` is the log as this process has it open already: what is committed through
    /// it need not be asked of the database by one that only reads.
    package static func open(
        _ folder: String, access: Access, options: Options, beside other: JobLog?
    ) throws(JobLogError) -> JobLog {
        let recent = RecentRows()
        let storage = options.storage
        if SegmentFile.newest(in: folder, storage) == nil {
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
        let log: JobLog
        do {
            let unlock = try storage.lockFolder(folder, isReadOnly)
            defer { unlock() }
            let newest = SegmentFile.newest(in: folder, storage) ?? 1
            let writer = isReadOnly ? nil : try writer(folder, newest, options, recent)
            log = try JobLog(
                readingAt: newest, folder: folder, isReadOnly: isReadOnly, options: options,
                writer: writer, recent: recent, beside: other)
            if isReadOnly {
                try SegmentFile.syncFound(SegmentFile.path(newest, in: folder), storage)
            }
        }
        if !isReadOnly { try log.completeRoll() }
        return log
    }

    /// A crash may have left the newest segment sealed: then the next one is made.
    private func completeRoll() throws(JobLogError) {
        guard options.rolling != nil, try reading({ try $0.isSealed() }) else { return }
        do {
            try writer.with { try moveOn($0) }
        } catch let error as JobLogError {
            throw error
        } catch {
            throw JobLogError(.failed, "\(folder): \(error)")
        }
    }

    /// Opens a segment to write to; makes the first one of a log.
    static func writer(
        _ folder: String, _ number: Int64, _ options: Options, _ recent: RecentRows
    ) throws(JobLogError) -> SegmentWriter {
        let mask = umask(0o077)
        defer { umask(mask) }
        let connection = try Connection(
            file: SegmentFile.path(number, in: folder),
            flags: SQLITE_OPEN_READWRITE | (number == 1 ? SQLITE_OPEN_CREATE : 0),
            vfs: options.storage.vfs)
        try prepare(connection, options, mayMake: number == 1)
        if options.durability == .full {
            try SegmentFile.syncFound(connection.file, options.storage)
        }
        let segment = try Segment(connection)
        guard segment.number == number else {
            throw JobLogError(
                .damaged, "\(connection.file): this is segment \(segment.number) of a log",
                remedy: "give the file its name back, or restore the log from a backup")
        }
        // A new segment begins with what became of those before it, an event each at most.
        let young = youngEvents + number
        if number > 1, try segment.end().base.position - segment.base.position < young {
            // Who gave it its name may have died before that was durable.
            try options.storage.syncFolder(folder)
        }
        return try SegmentWriter(
            segment, earlier: EarlierSegments(folder: folder, storage: options.storage),
            recent: recent)
    }

    /// A segment with so few events may be one that nobody has written to.
    private static let youngEvents: Int64 = 16

    /// The file is ours, whole, and of a version we know.
    static func checkFormat(_ connection: Connection) throws(JobLogError) {
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
        // Builds before the first release wrote other tables under the same number.
        guard try connection.number("select 1 from sqlite_master where name = 'seal'") != nil
        else {
            throw JobLogError(
                .notALog, "\(connection.file): written by a build before the first release",
                remedy: "choose another folder with --log; the log was left as it is")
        }
    }

    /// Makes the tables of a file without any, if it may be one that is being made.
    private static func prepare(
        _ connection: Connection, _ options: Options, mayMake: Bool
    ) throws(JobLogError) {
        let version = try connection.number("pragma user_version") ?? 0
        let tables = try connection.number("select count(*) from sqlite_master") ?? 0
        if version > 0 || tables > 0 || !mayMake { try checkFormat(connection) }
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
        if try !connection.isSealed() { try register(options.eventTypes, connection) }
    }

    /// The tables of a segment, in the newest format.
    static func makeTables(
        _ connection: Connection, from version: Int64 = 0
    ) throws(JobLogError) {
        for migration in migrations.dropFirst(Int(version)) {
            try connection.execute(String(decoding: migration, as: UTF8.self))
        }
        try connection.execute("pragma application_id = \(applicationID)")
        try connection.execute("pragma user_version = \(formatVersion)")
    }

    private static func migrate(
        _ connection: Connection, from version: Int64, _ options: Options
    ) throws {
        try makeTables(connection, from: version)
        guard version == 0 else { return }
        try register(options.eventTypes, connection)
        let logID = try options.newLogID?() ?? randomID(connection)
        let now = options.now()
        try connection.run(
            """
            insert into segment
                (number, log_id, created_at, base_position, base_stream, base_symbol)
            values (1, ?, ?, 0, 0, 0)
            """, .text(logID), .number(now))
        guard var first = options.firstEvent?(logID) else { return }
        first.stream = .new(0)
        var transaction = Transaction(
            connection: connection, inserter: try RowInserter(connection),
            known: SegmentWriter.Known(after: Segment.Base(), at: now), base: Segment.Base(),
            earlier: EarlierSegments(folder: "", storage: options.storage), recordedAt: now)
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
