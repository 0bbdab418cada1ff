import CSQLite
import Glibc

/// A sealed segment as a database with its facts and nothing else: what is compressed.
///
/// Events lie in columns, many to a row, and without the index of streams and versions: that is
/// what compresses. Guards, rows and indexes are made again when it becomes a segment. Archives
/// that have a row for each event, as they had once, are read as well.
struct PlainSegment {
    let file: String
    let storage: Storage

    /// Writes the facts of a segment into a new file, not synced.
    func write(_ segment: Connection) throws {
        let target = try empty()
        try target.transaction {
            for table in SegmentFacts.tables {
                if table.name == SegmentFacts.eventTable.name {
                    try Self.writeEvents(of: segment, to: target)
                    continue
                }
                try target.execute("create table \(table.name) (\(Self.definition(of: table)))")
                try SegmentFacts(connection: segment).copy(table, to: target)
            }
            try target.execute("pragma application_id = \(JobLog.applicationID)")
            try target.execute("pragma user_version = \(JobLog.formatVersion)")
        }
    }

    /// Puts the rows of `event` into runs.
    static func writeEvents(of segment: Connection, to target: Connection) throws {
        try target.execute(EventColumns.definition)
        let table = SegmentFacts.eventTable
        let rows = try segment.statement("select \(table.list) from event order by position")
        defer { rows.reset() }
        var columns = EventColumns()
        while try rows.step() {
            if columns.isFull { try columns.flush(into: target) }
            if !columns.add(rows) {
                try columns.flush(into: target)
                _ = columns.add(rows)
            }
        }
        try columns.flush(into: target)
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
        func has(_ table: String) throws(JobLogError) -> Bool {
            try connection.number(
                "select 1 from sqlite_master where type = 'table' and name = ?", .text(table))
                != nil
        }
        let isInColumns = try has(EventColumns.table)
        for table in SegmentFacts.tables {
            if isInColumns, table.name == SegmentFacts.eventTable.name { continue }
            guard try has(table.name) else {
                throw JobLogError(.damaged, "\(file): there is no table \(table.name)")
            }
        }
        let version = try connection.number("pragma user_version") ?? 0
        guard version <= JobLog.formatVersion else {
            throw JobLogError(
                .newerVersion, "\(file): written by a newer version of tracectl",
                remedy: "use that version; the archive was left as it is")
        }
        return SegmentFacts(connection: connection, isInColumns: isInColumns)
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
        let first = try target.statement(
            "insert into event (\(columns), position) values (?, ?, ?, ?, ?, ?, ?)")
        let next = try target.statement(
            "insert into event (\(columns)) values (?, ?, ?, ?, ?, ?)")
        var isFirst = true
        try facts.forEachEvent { numbers, payload in
            let insertion = isFirst ? first : next
            for place in 1..<6 { insertion.bind(Int32(place), numbers[place]) }
            insertion.bind(6, blob: payload)
            if isFirst { insertion.bind(7, numbers[0]) }
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
