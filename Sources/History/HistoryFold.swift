import JobLog
import Scheduler
import TraceLog
import Traceflow

/// Folds the log into the read models, a chunk of events a transaction.
///
///     fresh ──chunk──▶ going on ──another process folded meanwhile──▶ fresh
///                         │ a transaction fails: whoever owns this makes another
///
/// Invariants: rows are numbered and written in the order of the events that end attempts, whoever
/// folds and however the chunks are cut, so that every fold of a log makes the same rows; `open`
/// only saves looking traces up.
struct HistoryFold {
    private let log: JobLog
    private let coding: TraceCoding
    private let connection: Connection
    private let lender: SegmentLender
    private let chunk: Int
    private var blocks: BlockWriter
    private var dictionaries: Dictionaries
    private var pairs: PairWriter
    private var terms: TermReader
    private var open = NumberTable<OpenTrace>()
    /// Where this process stopped; another may be further.
    private var position: Int64 = -1
    private var missed: Int64 = 0

    static let chunkMax = 20_000
    /// Beyond so many open traces, others are looked up when they end.
    private static let openMax = 100_000

    init(
        _ log: JobLog, _ coding: TraceCoding, _ connection: Connection, _ lender: SegmentLender,
        rowsABlock: Int, chunk: Int
    ) {
        self.log = log
        self.coding = coding
        self.connection = connection
        self.lender = lender
        self.chunk = chunk
        blocks = BlockWriter(connection, rowsABlock: rowsABlock)
        dictionaries = Dictionaries(connection, coding)
        pairs = PairWriter(connection)
        terms = TermReader(connection)
    }

    /// Events are missing that should be there: a segment was put away in this moment.
    struct Gap: Error {}

    /// Folds the next events; returns how many there were. Throws `Gap` when some cannot be read
    /// that were there right before.
    mutating func step() throws -> Int {
        do {
            return try connection.transaction { try fold() }
        } catch let error as JobLogError where error.code == .refused {
            throw atOdds(error.message)
        }
    }

    /// The file holds rows of events that it says are not folded yet.
    private func atOdds(_ why: String) -> JobLogError {
        JobLogError(
            .damaged, "\(why): it is at odds with itself",
            remedy: "make the file anew with `tracectl log rebuild`")
    }

    private mutating func fold() throws -> Int {
        let folded = try connection.number("select position from progress") ?? 0
        if folded != position {
            open.removeAll()
            missed = try connection.number("select missed from progress") ?? 0
            dictionaries = Dictionaries(connection, coding)
            terms = TermReader(connection)
            try blocks.load()
            let last =
                try connection.number(
                    "select last_position from block order by number desc limit 1") ?? 0
            guard last <= folded else {
                throw atOdds("\(connection.file): rows up to \(last), folded to \(folded)")
            }
            position = folded
        }
        let (from, most) = try lender.reach(after: position)
        let limit = min(chunk, most)
        var reading = Reading(coding: coding, open: open, position: from)
        // Not held twice, or the first change would copy all. Where reading fails they are looked
        // up.
        open.removeAll()
        let count = try log.scan(after: from, limit: limit) { try reading.take($0) }
        guard count > 0 else { return 0 }
        // The request of a slot follows in the same transaction of the log.
        if reading.isInSlot, count == limit { try reading.takeOneMore(log) }
        open = reading.open
        for kept in reading.kept { try keep(kept) }
        for ended in reading.ended {
            if let open = try ended.open ?? lookUp(ended) {
                try write(ended, open)
            } else {
                missed += 1
            }
        }
        try blocks.flush()
        try pairs.flush()
        position = reading.position
        try connection.run(
            "update progress set position = ?, recorded_at = ?, missed = ?", .number(position),
            .number(reading.recordedAt), .number(missed))
        try trimOpen()
        return count
    }

    /// What is archived is looked up at a high price: its traces are remembered, and without the
    /// help of symbols that lie in it.
    private mutating func trimOpen() throws {
        guard try log.hasAbsentSegment() else {
            if open.count > Self.openMax { open.removeAll() }
            return
        }
        for (_, trace) in open.all { try trace.detach(coding) }
    }

    /// The trace up to the event that ended its attempt, from its own events.
    private func lookUp(_ ended: EndedTrace) throws -> OpenTrace? {
        var found: OpenTrace?
        try lender.scan(stream: ended.trace, before: ended.position) { events in
            for recorded in events {
                try recorded.withRow { row in
                    guard let type = LogEventType(rawValue: row.type) else { return }
                    if type == .traceRequested {
                        found = try OpenTrace(row, coding)
                    } else {
                        try found?.take(row, type, coding)
                    }
                }
                if found?.request.naming.schedule != nil, recorded.version == 1 {
                    found?.firing = try firing(before: recorded.position)
                }
            }
            // The next segment may take the place of this one.
            try found?.detach(coding)
        }
        return found
    }

    private func firing(before position: Int64) throws -> SlotFiring? {
        guard let fired = try log.read(after: position - 2, limit: 1).first,
            fired.position == position - 1,
            case .schedule(.fired(let firing)) = try coding.event(fired)
        else { return nil }
        return firing
    }

    private mutating func write(_ ended: EndedTrace, _ open: OpenTrace) throws {
        let (phase, verdict, reason, attempt): (Phase, Verdict?, String, Int)
        switch ended.end {
        case .succeeded(let number, let found):
            (phase, verdict, reason, attempt) = (.succeeded, found, "", number)
        case .timedOut(let number, let found):
            (phase, verdict, reason, attempt) = (.failed, found, Trace.timeoutReason, number)
        case .failed(let number, let why):
            let results = try open.reports.map { try $0.result(coding) }
            (phase, verdict, reason, attempt) = (
                .failed, Completion.verdictAtDeadline(of: results), why, number
            )
        case _: return
        }
        let asked = try dictionaries.question(open.request.content)
        let reports = try open.reports.map { try dictionaries.report($0.content) }
        var row = TraceRow(
            position: ended.position, endedAt: ended.endedAt, requestedAt: open.requestedAt,
            trace: ended.trace, attempt: Int64(attempt), source: asked.source,
            destination: asked.destination, question: asked.question, cluster: asked.cluster,
            outcome: try dictionaries.outcome(
                phase, verdict, reason, expected: open.firing?.expected,
                isExcused: SlotFiring.isExcused(
                    open.firing?.maintenance, endedAt: Moment(microseconds: ended.endedAt))),
            origin: try dictionaries.origin(open.request.naming), member: 0,
            labels: try dictionaries.labelSet(open.request.labels), reports: reports)
        switch open.request.naming {
        case .given(let name):
            try connection.run(
                "insert into given_name (position, name) values (?, ?)", .number(row.position),
                .text(name))
        case .member(_, let number): row.member = number
        case .slot(_, _, let slot): row.member = slot.microseconds
        }
        let place = try blocks.add(row, isSlot: open.request.naming.schedule != nil, terms)
        // One that failed otherwise than by time tells of whoever stopped it.
        if phase == .succeeded || reason == Trace.timeoutReason, let verdict {
            pairs.add(row, at: place, verdict, isWhole: phase == .succeeded)
        }
    }

    private func keep(_ event: RecordedEvent) throws {
        try connection.run(
            """
            insert into kept_event (position, stream, version, type, schema, recorded_at, payload)
            values (?, ?, ?, ?, ?, ?, ?)
            """, .number(event.position), .number(event.stream), .number(event.version),
            .number(Int64(event.type)), .number(Int64(event.schema)), .number(event.recordedAt),
            .blob(event.payload))
        guard case .clusterObserved(let observed) = try coding.event(event) else { return }
        for reference in observed.appeared + observed.changed {
            guard let bytes = try log.content(reference.digest) else { continue }
            try connection.run(
                "insert or ignore into kept_content (digest, bytes) values (?, ?)",
                .blob(reference.digest), .blob(bytes))
        }
    }
}

/// What a chunk of events says, in their order.
private struct Reading {
    let coding: TraceCoding
    var open: NumberTable<OpenTrace>
    var position: Int64
    var recordedAt: Int64 = 0
    var ended: [EndedTrace] = []
    var kept: [RecordedEvent] = []
    /// The slot that was fired last, until its request comes.
    private var firing: (schedule: Int64, slot: SlotFiring)?

    init(coding: TraceCoding, open: NumberTable<OpenTrace>, position: Int64) {
        self.coding = coding
        self.open = open
        self.position = position
    }

    var isInSlot: Bool { firing != nil }

    mutating func takeOneMore(_ log: JobLog) throws {
        guard let next = try log.read(after: position, limit: 1).first else { return }
        try next.withRow { try take($0) }
    }

    mutating func take(_ row: EventRow) throws {
        guard let type = LogEventType(rawValue: row.type) else {
            throw TraceLogError(
                .unknownEvent, position: row.position, detail: "type \(row.type)")
        }
        guard row.position == position + 1 else { throw HistoryFold.Gap() }
        position = row.position
        recordedAt = row.recordedAt
        let fired = firing
        firing = nil
        switch type {
        case .traceRequested:
            let trace = try OpenTrace(row, coding)
            if let fired, trace.request.naming.schedule?.rawValue == fired.schedule {
                trace.firing = fired.slot
            }
            open.put(trace, at: row.stream)
        case .tagAllocated, .nodeReported: try open[row.stream]?.take(row, type, coding)
        case .traceSucceeded, .traceTimedOut, .traceFailed:
            guard let end = try coding.end(of: row) else { return }
            ended.append(
                EndedTrace(
                    position: row.position, endedAt: row.recordedAt, trace: row.stream, end: end,
                    open: open.remove(row.stream)))
        case .slotFired:
            guard case .schedule(.fired(let slot)) = try coding.event(row) else { return }
            firing = (row.stream, slot)
        case .clusterObserved, .scheduleChanged, .schedulePaused, .scheduleResumed,
            .scheduleDeleted, .probeBroken, .probeHealthy, .pathChanged, .sweepRequested,
            .sweepFinished, .sweepCancelled, .captureArchived, .capturesExported,
            .capturesPruned, .captureFilePushed, .captureFileDropped, .captureUploaded:
            kept.append(row.recorded)
        case .traceStarted, .nodeFailed, .packetCaptured, .retryRequested, .cancelRequested,
            .traceDeleted,
            .metadataChanged,
            .scheduleRunRequested, .slotMissed, .notificationDelivered, .sweepExpanded,
            .logCreated, .deciderTookOver, .tagProfileChanged, .segmentSealed, .checkpoint,
            .segmentArchived, .segmentRestored, .segmentDropped:
            break
        }
    }
}
