import CSQLite

/// Writes to the open segment, one transaction at a time.
///
///     idle ──begin──▶ open ──commit──▶ idle, `known` is what was committed
///                       └──any error──▶ rolled back, `known` is forgotten
///
/// What the last transaction left (positions, versions) is remembered, so that the next need not
/// ask; `pragma data_version` tells whether somebody else committed meanwhile. Invariant: `known`
/// equals what the database holds at `dataVersion`.
final class SegmentWriter {
    private let segment: Segment
    private let connection: Connection
    private let earlier: EarlierSegments
    private var known: Known?
    /// False after a failure to go back to it; then nothing is written before it succeeds.
    private var isAtFullDurability = true
    private let inserter: RowInserter
    private let recent: RecentRows

    struct Known {
        var dataVersion: Int64
        var lastPosition: Int64
        var lastStream: Int64
        var lastSymbol: Int64
        var lastRecordedAt: Int64
        /// Versions of streams written to lately.
        var versions = NumberTable<Int64>()

        static let versionsMax = 200_000

        init(dataVersion: Int64 = 0, after base: Segment.Base, at moment: Int64) {
            self.dataVersion = dataVersion
            lastPosition = base.position
            lastStream = base.stream
            lastSymbol = base.symbol
            lastRecordedAt = moment
        }
    }

    /// `recent` is told what is committed.
    init(
        _ segment: Segment, earlier: EarlierSegments, recent: RecentRows
    ) throws(JobLogError) {
        self.segment = segment
        connection = segment.connection
        self.earlier = earlier
        self.recent = recent
        inserter = try RowInserter(connection)
    }

    var number: Int64 { segment.number }

    /// Forgets what is known, as after the death of a child or a failed commit.
    func forget() { known = nil }

    /// Runs the body in a write transaction; the time is asked for inside of it.
    ///
    /// Nothing of a body that throws is recorded.
    func transaction<T>(
        _ time: LogTime, _ symbols: SymbolCache, _ body: (inout Transaction) throws -> T
    ) throws -> T {
        if !isAtFullDurability {
            isAtFullDurability = connection.setSynchronousFull()
            guard isAtFullDurability else { throw connection.failure(SQLITE_IOERR) }
        }
        try connection.run("begin immediate")
        do {
            let current = try current()
            known = nil
            try connection.refuseIfSealed(current.isFresh)
            time.notice(current.value.lastRecordedAt)
            let moment = max(current.value.lastRecordedAt, time.now)
            var transaction = Transaction(
                connection: connection, inserter: inserter, known: current.value,
                base: segment.base, earlier: earlier, recordedAt: moment)
            let result = try body(&transaction)
            try transaction.rows.flush()
            try connection.run("commit")
            transaction.settleSymbols(in: symbols)
            recent.keep(transaction.rows.written)
            known = transaction.known
            return result
        } catch {
            known = nil
            connection.rollBack()
            throw error
        }
    }

    /// The same for what may be lost with the power; only where commits are synced otherwise.
    func unsyncedTransaction<T>(
        _ time: LogTime, _ symbols: SymbolCache, _ body: (inout Transaction) throws -> T
    ) throws -> T {
        try connection.run("pragma synchronous = normal")
        // A connection that stayed at NORMAL would acknowledge what is not durable.
        defer { isAtFullDurability = connection.setSynchronousFull() }
        return try transaction(time, symbols, body)
    }

    private func current() throws(JobLogError) -> (value: Known, isFresh: Bool) {
        let version = try connection.number("pragma data_version") ?? 0
        if let known, known.dataVersion == version { return (known, false) }
        let end = try segment.end()
        return (Known(dataVersion: version, after: end.base, at: end.moment), true)
    }
}

extension Connection {
    /// When the last event was recorded; nil without events.
    func lastMoment() throws(JobLogError) -> Int64? {
        try number("select recorded_at from event order by position desc limit 1")
    }

    func isSealed() throws(JobLogError) -> Bool {
        try number("select last_position from seal") != nil
    }

    /// Throws `sealed` when the segment is closed; looked at only when others have written.
    func refuseIfSealed(_ othersWrote: Bool) throws(JobLogError) {
        guard othersWrote, try isSealed() else { return }
        throw JobLogError(.sealed, "\(file): the segment is sealed")
    }
}
