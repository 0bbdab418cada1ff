import CSQLite
import Glibc

/// A sealed segment as a database with its facts and nothing else: what is compressed.
///
/// Any SQLite tool reads it. Without the index of streams and versions it compresses to little
/// more than half; the guards and indexes are made again when it becomes a segment.
struct PlainSegment {
    let file: String
    let storage: Storage

    /// Writes the facts of a segment into a new file, not synced.
    func write(_ segment: Connection) throws {
        let target = try empty()
        try target.transaction {
            for table in SegmentFacts.tables {
                try target.execute("create table \(table.name) (\(Self.definition(of: table)))")
                try SegmentFacts(connection: segment).copy(table, to: target)
            }
            try target.execute("pragma application_id = \(JobLog.applicationID)")
            try target.execute("pragma user_version = \(JobLog.formatVersion)")
        }
    }

    /// A key that is a number is where SQLite keeps it anyhow.
    private static func definition(of table: SegmentFacts.Table) -> String {
        let key = table.columns[0]
        let kind = key == "digest" ? "blob" : "integer"
        let rest = table.columns.dropFirst()
        return (["\(key) \(kind) primary key"] + rest).joined(separator: ", ")
    }

    /// The facts in the file, which may be anything: only tables are read.
    func facts() throws -> SegmentFacts {
        let connection = try Connection(
            file: file, flags: SQLITE_OPEN_READONLY, vfs: storage.vfs)
        try connection.execute("pragma trusted_schema = off")
        for table in SegmentFacts.tables {
            let found = try connection.number(
                "select 1 from sqlite_master where type = 'table' and name = ?",
                .text(table.name))
            guard found != nil else {
                throw JobLogError(.damaged, "\(file): there is no table \(table.name)")
            }
        }
        let version = try connection.number("pragma user_version") ?? 0
        guard version <= JobLog.formatVersion else {
            throw JobLogError(
                .newerVersion, "\(file): written by a newer version of tracectl",
                remedy: "use that version; the archive was left as it is")
        }
        return SegmentFacts(connection: connection)
    }

    /// Makes a segment of the facts, with its guards and its seal, in a new file, not synced.
    static func rebuild(_ facts: SegmentFacts, in file: String, _ storage: Storage) throws {
        let target = try PlainSegment(file: file, storage: storage).empty()
        try target.transaction {
            try JobLog.makeTables(target)
            for table in SegmentFacts.tables where table.name != "seal" {
                if table.name == "event" {
                    try copyEvents(facts, to: target)
                } else {
                    try facts.copy(table, to: target)
                }
            }
            let seal = try facts.connection.statement("select last_position, sealed_at from seal")
            defer { seal.reset() }
            guard try seal.step() else { throw JobLogError(.damaged, "\(file): there is no seal") }
            try target.seal(at: seal.number(0), recordedAt: seal.number(1))
        }
        try target.execute("pragma journal_mode = wal")
    }

    /// The guards let the first event of a segment ask for its position; the others get theirs.
    private static func copyEvents(_ facts: SegmentFacts, to target: Connection) throws {
        let columns = "stream, version, type, schema, recorded_at, payload"
        let source = try facts.connection.statement(
            "select \(columns), position from event order by position")
        defer { source.reset() }
        var isFirst = true
        while try source.step() {
            let insertion = try target.statement(
                isFirst
                    ? "insert into event (\(columns), position) values (?, ?, ?, ?, ?, ?, ?)"
                    : "insert into event (\(columns)) values (?, ?, ?, ?, ?, ?)")
            insertion.bind(source.values(isFirst ? 7 : 6))
            _ = try insertion.step()
            insertion.reset()
            isFirst = false
        }
    }

    /// Nobody has it but us, and nobody ever sees half of it.
    private func empty() throws -> Connection {
        try remove()
        let mask = umask(0o077)
        defer { umask(mask) }
        let connection = try Connection(
            file: file, flags: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs: storage.vfs)
        try connection.execute("pragma journal_mode = off")
        try connection.execute("pragma synchronous = off")
        return connection
    }

    func remove() throws(JobLogError) {
        for ending in [""] + SegmentFile.sideEndings { try storage.remove(file + ending) }
    }
}
