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
    let connection: Connection
    private let segmentNumber: Int64
    private var known: Known?
    private let base: Base
    /// False after a failure to go back to it; then nothing is written before it succeeds.
    var isAtFullDurability = true
    private let statements: RowWriter.Statements

    /// Where the segment before ended.
    struct Base {
        var position: Int64
        var stream: Int64
        var symbol: Int64
    }

    struct Known {
        var dataVersion: Int64
        var lastPosition: Int64
        var lastStream: Int64
        var lastSymbol: Int64
        var lastRecordedAt: Int64
        /// Versions of streams written to lately.
        var versions: [Int64: Int64] = [:]

        static let versionsMax = 200_000
    }

    init(
        _ connection: Connection, segmentNumber: Int64, base: Base
    ) throws(JobLogError) {
        statements = try RowWriter.Statements(connection)
        self.connection = connection
        self.segmentNumber = segmentNumber
        self.base = base
    }

    /// Forgets what is known, as after the death of a child or a failed commit.
    func forget() { known = nil }

    /// Runs the body in a write transaction; `now` is asked for inside of it.
    ///
    /// Nothing of a body that throws is recorded.
    func transaction<T>(
        now: () -> Int64, _ body: (inout Transaction) throws -> T
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
            let moment = max(current.value.lastRecordedAt, now())
            var transaction = Transaction(
                connection: connection, statements: statements, known: current.value, base: base,
                recordedAt: moment)
            let result = try body(&transaction)
            try transaction.rows.flush()
            try connection.run("commit")
            transaction.settleSymbols()
            known = transaction.known
            return result
        } catch {
            known = nil
            connection.rollBack()
            throw error
        }
    }

    private func current() throws(JobLogError) -> (value: Known, isFresh: Bool) {
        let version = try connection.number("pragma data_version") ?? 0
        if let known, known.dataVersion == version { return (known, false) }
        let position = try connection.number("select max(position) from event")
        let moment = try connection.number(
            "select recorded_at from event order by position desc limit 1")
        let stream = try connection.number("select max(stream) from event")
        let symbol = try connection.number("select max(number) from symbol")
        let carried = try connection.number("select max(last_stream) from carried")
        return (
            Known(
                dataVersion: version, lastPosition: position ?? base.position,
                lastStream: max(stream ?? 0, carried ?? 0, base.stream),
                lastSymbol: symbol ?? base.symbol, lastRecordedAt: moment ?? 0), true
        )
    }
}

extension Connection {
    /// Throws `sealed` when the segment is closed; looked at only when others have written.
    func refuseIfSealed(_ othersWrote: Bool) throws(JobLogError) {
        guard othersWrote, try number("select last_position from seal") != nil else { return }
        throw JobLogError(.sealed, "\(file): the segment is sealed")
    }
}
