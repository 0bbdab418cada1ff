import CSQLite
import Glibc

/// Makes the segment that goes on where a sealed one ends.
///
///     sealed ──▶ 000002.db.new is filled ──both are synced──▶ renamed to 000002.db
///
/// Runs under the exclusive lock of the folder. A crash leaves a sealed segment without a
/// successor, and perhaps an unfinished file, which the next try removes. The sealed segment is
/// durable before its successor has a name, however its commits were synced.
struct Succession {
    private let folder: String
    private let options: JobLog.Options
    private let rolling: Rolling
    /// The log up to its seal.
    private let sealed: JobLog
    private let number: Int64

    init(
        after number: Int64, folder: String, options: JobLog.Options, rolling: Rolling
    ) throws(JobLogError) {
        self.folder = folder
        self.options = options
        self.rolling = rolling
        self.number = number + 1
        sealed = try JobLog(
            readingAt: number, folder: folder, isReadOnly: true, options: options)
    }

    func make() throws {
        let file = SegmentFile.path(number, in: folder)
        let unfinished = file + SegmentFile.unfinishedEnding
        for ending in [""] + SegmentFile.sideEndings {
            try options.storage.remove(unfinished + ending)
        }
        try syncSealed()
        try fill(unfinished)
        try RawFile(unfinished, options.storage).sync()
        try options.storage.rename(unfinished, file)
    }

    private func syncSealed() throws(JobLogError) {
        let file = SegmentFile.path(number - 1, in: folder)
        if options.storage.exists(file + "-wal") {
            try RawFile(file + "-wal", options.storage, kind: .wal).sync()
        }
        try RawFile(file, options.storage).sync()
    }

    private func fill(_ file: String) throws {
        let mask = umask(0o077)
        defer { umask(mask) }
        let connection = try Connection(
            file: file, flags: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
            vfs: options.storage.vfs)
        // Nobody has it but us, and nobody ever sees half of it.
        try connection.execute("pragma journal_mode = off")
        try connection.execute("pragma synchronous = off")
        let carried = try rolling.carry(sealed)
        try connection.transaction {
            try JobLog.makeTables(connection)
            try sealed.readingAll { reader in
                try copyRows(reader.newest, to: connection)
                try begin(reader, carried, connection)
            }
        }
        try connection.execute("pragma journal_mode = wal")
    }

    /// Names, leases, and what is known of the segments before.
    private func copyRows(_ from: Segment, to connection: Connection) throws {
        for table in Self.copied {
            let columns = table.columns.joined(separator: ", ")
            let marks = table.columns.map { _ in "?" }.joined(separator: ", ")
            let source = try from.connection.statement("select \(columns) from \(table.name)")
            let target = try connection.statement(
                "insert into \(table.name) (\(columns)) values (\(marks))")
            defer { source.reset() }
            while try source.step() {
                target.bind(source.values(table.columns.count))
                _ = try target.step()
                target.reset()
            }
        }
    }

    private static let copied: [(name: String, columns: [String])] = [
        ("event_type", ["id", "name", "family"]), ("name", ["family", "name", "stream"]),
        ("lease", ["role", "holder", "process", "epoch", "renewed_at", "expires_at"]),
        (
            "earlier_segment",
            ["number", "created_at", "base_position", "base_stream", "base_symbol", "sealed_at"]
        ), ("earlier_digest", ["number", "bytes", "digest"]),
    ]

    private func begin(
        _ reader: SegmentReader, _ carried: Carried, _ connection: Connection
    ) throws {
        let before = reader.newest
        let end = try before.end()
        let moment = max(end.moment, options.now())
        try connection.run(
            """
            insert into earlier_segment
                (number, created_at, base_position, base_stream, base_symbol, sealed_at)
            values (?, ?, ?, ?, ?, ?)
            """, .number(before.number), .number(before.createdAt),
            .number(before.base.position), .number(before.base.stream),
            .number(before.base.symbol), .number(end.moment))
        try connection.run(
            """
            insert into segment
                (number, log_id, created_at, base_position, base_stream, base_symbol)
            values (?, ?, ?, ?, ?, ?)
            """, .number(number), .text(before.logID), .number(moment),
            .number(end.base.position), .number(end.base.stream), .number(end.base.symbol))
        var transaction = Transaction(
            connection: connection, inserter: try RowInserter(connection),
            known: SegmentWriter.Known(after: end.base, at: moment), base: end.base,
            earlier: EarlierSegments(folder: folder, storage: options.storage),
            recordedAt: moment)
        for run in carried.streams {
            try CarriedRun.forEach(in: run, of: before.connection) {
                try transaction.carry($0, version: $1)
            }
        }
        let contents = try carried.digests.compactMap { digest in
            try reader.content(digest).map { Content(digest: digest, bytes: $0) }
        }
        guard let first = carried.drafts.first else {
            throw JobLogError(.refused, "\(folder): a segment begins with a checkpoint")
        }
        try transaction.record(AppendRequest(drafts: [first], contents: contents))
        try transaction.rows.flushFirst()
        try transaction.record(AppendRequest(drafts: Array(carried.drafts.dropFirst())))
        try transaction.rows.flush()
    }
}

extension Segment {
    /// Where the segment ends: what the next one goes on from.
    func end() throws(JobLogError) -> (base: Base, moment: Int64) {
        let position = try connection.number("select max(position) from event")
        let moment = try connection.lastMoment()
        let stream = try connection.number("select max(stream) from event")
        let carried = try connection.number("select max(last_stream) from carried")
        let symbol = try connection.number("select max(number) from symbol")
        let end = Base(
            position: position ?? base.position,
            stream: max(stream ?? 0, carried ?? 0, base.stream),
            symbol: symbol ?? base.symbol)
        return (end, moment ?? createdAt)
    }
}
