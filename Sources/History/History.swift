import JobLog
import Scheduler
import TraceLog
import Traceflow

/// What the log tells of the past, for questions: ended attempts, where pairs turned, what was kept
/// of clusters, schedules and sweeps.
///
/// The answers come from read models in `history.db`, which are folded behind the log; ask
/// `catchUp` first where the latest matters. Not for several threads at once.
public final class History {
    /// Makes an archived segment's file anew at a path, so that it can be folded; false for one
    /// that was dropped.
    public typealias Expand = (_ segment: Int64, _ file: String) throws -> Bool

    private let log: JobLog
    private let coding: TraceCoding
    private let lender: SegmentLender
    private let rowsABlock: Int
    private let chunk: Int
    private let file: HistoryFile
    private var fold: HistoryFold?
    var connection: Connection { file.connection }
    /// What numbers stand for is the same in every fold of a log, so it is remembered.
    private let records: RecordReader

    /// Opens the read models of the log, empty if there are none. `expand` is needed for what was
    /// archived before it was folded; without it, it is left out.
    public convenience init(log: JobLog, expand: Expand? = nil) throws {
        try self.init(
            log: log, expand: expand, rowsABlock: BlockParts.rowsABlock,
            chunk: HistoryFold.chunkMax)
    }

    /// Smaller measures, so that tests need not write millions of traces. A file is read and
    /// written with the same `rowsABlock`.
    package init(log: JobLog, expand: Expand? = nil, rowsABlock: Int, chunk: Int) throws {
        self.log = log
        lender = SegmentLender(log, expand)
        self.rowsABlock = rowsABlock
        self.chunk = chunk
        coding = TraceCoding(log: log)
        file = try HistoryFile(log: log)
        records = RecordReader(file.connection)
    }

    // MARK: folding

    /// Events that are folded in one transaction, at most.
    public static let eventsAFold = HistoryFold.chunkMax

    /// How many events of the log are not folded yet.
    public func lag() throws -> Int64 {
        max(0, try log.lastPosition() - max(0, position()))
    }

    /// Ended attempts that can be told of.
    public func count() throws -> Int64 {
        try connection.number("select sum(count) from block") ?? 0
    }

    /// Traces that ended and cannot be told of, since segments with their requests are gone.
    public func missed() throws -> Int64 {
        try connection.number("select missed from progress") ?? 0
    }

    /// The position up to which the log is folded.
    public func position() throws -> Int64 {
        try connection.number("select position from progress") ?? 0
    }

    /// Folds what the log holds now. `progress` is told the position after each chunk, and may
    /// stop it by returning false.
    public func catchUp(_ progress: (_ position: Int64) -> Bool = { _ in true }) throws {
        let end = try log.lastPosition()
        defer { lender.end() }
        var gaps = 0
        while try position() < end {
            var fold = self.fold ?? newFold()
            self.fold = nil
            do {
                guard try fold.step() > 0 else { return }
            } catch is HistoryFold.Gap where gaps < Self.gapsMax {
                // A segment was put away just now: it is brought back for the next try.
                gaps += 1
                continue
            }
            self.fold = fold
            guard progress(try position()) else { return }
        }
    }

    /// Segments that may be put away while one is being folded.
    private static let gapsMax = 100

    private func newFold() -> HistoryFold {
        HistoryFold(log, coding, connection, lender, rowsABlock: rowsABlock, chunk: chunk)
    }

    /// Throws all rows away, for whoever has the file open; the next `catchUp` folds the log from
    /// its beginning.
    public func clear() throws {
        fold = nil
        try file.clear()
    }

    /// Removes read models that cannot be read; the next who opens them begins anew.
    public static func remove(beside log: JobLog) throws {
        try HistoryFile.remove(beside: log)
    }

    /// Whether the error is of read models and not of the log itself.
    public static func isDamaged(_ error: JobLogError, beside log: JobLog) -> Bool {
        error.code == .damaged && error.message.hasPrefix("\(log.folder)/\(HistoryFile.name)")
    }

    /// Whether what is folded here is kept in the log's folder; else, where that cannot be
    /// written, it is in memory and ends with this process.
    public var isKept: Bool { file.isShared }

    // MARK: questions

    /// Ended attempts that match, the latest first, `limit` at most, those before the position.
    public func traces(
        _ filter: HistoryFilter, before position: Int64 = .max, limit: Int
    ) throws -> [TraceRecord] {
        var found: [TraceRecord] = []
        guard limit > 0 else { return found }
        try search(filter, before: position) { columns, place in
            found.append(try records.record(columns.row(place)))
            return found.count < limit
        }
        return found
    }

    /// What is known of one member of a sweep.
    public struct SweptMember {
        public var number: Int64
        /// Unknown for one that failed otherwise than by time.
        public var verdict: Verdict
        /// The numbers of what the nodes saw, for `report`.
        public var reports: ArraySlice<Int64>
    }

    /// Hands over the members of a sweep that have ended, each by its last attempt; those that had
    /// ended at the moment, if one is given.
    public func members(
        of sweep: SweepID, until moment: Moment? = nil, _ body: (SweptMember) throws -> Void
    ) throws {
        var filter = HistoryFilter()
        (filter.sweep, filter.until) = (sweep, moment)
        var outcomes: [Int64: Verdict] = [:]
        var seen: Set<Int64> = []
        try search(filter, before: .max) { columns, place in
            // The latest comes first.
            let number = try columns[.member][place]
            guard seen.insert(number).inserted else { return true }
            let outcome = try columns[.outcome][place]
            let verdict = try outcomes[outcome] ?? records.verdict(outcome) ?? .unknown
            outcomes[outcome] = verdict
            let starts = try columns.reportStarts()
            try body(
                SweptMember(
                    number: number, verdict: verdict,
                    reports: columns[.reports][starts[place]..<starts[place + 1]]))
            return true
        }
    }

    /// The members of a sweep that have ended.
    public func traces(of sweep: SweepID) throws -> Set<TraceID> {
        var filter = HistoryFilter()
        filter.sweep = sweep
        var traces: Set<TraceID> = []
        try search(filter, before: .max) { columns, place in
            traces.insert(TraceID(try columns[.trace][place]))
            return true
        }
        return traces
    }

    /// What one node saw, by its number.
    public func report(_ number: Int64) throws -> NodeResult {
        try records.report(number)
    }

    /// Hands over matching rows, the latest first, until the body returns false.
    private func search(
        _ filter: HistoryFilter, before position: Int64,
        _ body: (BlockReader.Columns, Int) throws -> Bool
    ) throws {
        try connection.reading { try walk(filter, before: position, body) }
    }

    private func walk(
        _ filter: HistoryFilter, before position: Int64,
        _ body: (BlockReader.Columns, Int) throws -> Bool
    ) throws {
        let query = try HistoryQuery(filter, connection)
        guard !query.isEmpty else { return }
        let reader = BlockReader(connection)
        let candidates = CandidateBlocks(connection, rowsABlock: rowsABlock, query.terms)
        for block in try reader.blocks().reversed() {
            guard block.firstPosition < position, block.firstEnded <= query.until else { continue }
            guard block.lastEnded >= query.since else { return }
            guard try candidates.mayHave(block) else { continue }
            let columns = BlockReader.Columns(reader, block)
            let range = try columns.range(
                before: position, since: query.since, until: query.until)
            for place in try query.places(columns, among: range).reversed() {
                guard try body(columns, place) else { return }
            }
        }
    }

    /// Where pairs of ends turned, the latest first, `limit` at most, those before the position.
    ///
    /// The filter is of the first trace that found something else.
    public func flips(
        _ filter: HistoryFilter, before position: Int64 = .max, limit: Int
    ) throws -> [PairFlip] {
        try connection.reading { try turns(filter, before: position, limit: limit) }
    }

    private func turns(
        _ filter: HistoryFilter, before position: Int64, limit: Int
    ) throws -> [PairFlip] {
        let query = try HistoryQuery(filter, connection)
        guard !query.isEmpty else { return [] }
        var flips: [PairFlip] = []
        let rows = RowFinder(connection, rowsABlock: rowsABlock)
        let found = try FlipReader(connection, rows).flips(query, before: position, limit: limit)
        for (kind, before, after) in found {
            guard let kind = PairFlip.Kind(rawValue: kind),
                let before = try rows.row(before),
                let after = try rows.row(after)
            else { continue }
            flips.append(
                PairFlip(
                    kind: kind, before: try records.record(before),
                    after: try records.record(after)))
        }
        return flips
    }

    /// Runs statements on the file, as somebody could who has it.
    package func execute(_ sql: String) throws { try connection.execute(sql) }

    /// All rows of all tables as text, one a line, for comparing two files.
    package func dump() throws -> [String] {
        let tables = try connection.statement(
            "select name from sqlite_schema where type = 'table' order by name")
        var names: [String] = []
        while try tables.step() { names.append(tables.text(0)) }
        tables.reset()
        var lines: [String] = []
        for name in names {
            let rows = try connection.statement("select * from \(name) order by 1, 2")
            while try rows.step() { lines.append("\(name): \(rows.values(rows.columnCount))") }
            rows.reset()
        }
        return lines
    }
}
