import JobLog
import Scheduler
import TraceLog
import Traceflow

/// Who made the events that were just seen.
struct Author: Equatable {
    var name: String
}

/// Reads the log event by event and says what is wrong with it.
///
/// It shares no rule with the product but the vocabulary: what may follow what, who may decide,
/// who is next and which tag is free are worked out here from the events alone.
struct Ledger {
    private(set) var last: Int64 = 0
    private(set) var recordedAt = Int64.min
    /// Of everything read so far.
    private(set) var digest: UInt64 = 0xCBF2_9CE4_8422_2325
    /// The digest up to each position.
    private(set) var digests: [UInt64] = []
    private var versions: [Int64] = [0]
    var stories: [Story?] = [nil]
    /// Traces that are Pending or Running.
    var openCount = 0
    var tags = TagLedger()
    var names = NameLedger()
    var sweeps: [Int64: SweepStory] = [:]
    /// The members whose requests must follow at once.
    var expected: (sweep: Int64, next: Int64, left: Int)?
    var schedules: [Int64: ScheduleStory] = [:]
    /// When the cluster was last another.
    var clusterChangedAt: Int64?
    /// What the digests of paths stand for.
    var paths: [PathDigest: [String]] = [:]
    /// The schedule whose run must follow at once.
    var beginning: Int64?
    private(set) var epoch: Int64 = 0
    private(set) var decider: String?
    var tally = Tally()
    /// How many attempts each worker may run at once.
    var rooms: [String: Int] = [:]
    var loads: [String: Int] = [:]
    /// Reports that stand in the log.
    var reports: Set<ReportKey> = []
    /// Where the last segment was sealed.
    private var sealed: Int64 = 0
    /// The trace that ended in the event before.
    var endedLast: Int64?

    struct ReportKey: Hashable {
        var trace: TraceID
        var id: ReportID
    }

    func story(_ id: Int64) -> Story? {
        stories.indices.contains(Int(id)) ? stories[Int(id)] : nil
    }

    // MARK: any event

    mutating func take(_ row: EventRow, _ event: LogEvent, by author: Author?) throws {
        try checkPlace(of: row)
        let before = endedLast
        endedLast = nil
        try checkExpected(event, row)
        try takeRun(event, row)
        try checkFindings(before: row)
        tally.events += 1
        switch event {
        case .trace(let event): try take(event, row, by: author, endedBefore: before)
        case .deciderTookOver(let new, let holder):
            // Whoever loses the role before it says so leaves an epoch out.
            guard new > epoch else {
                throw Violation("epoch \(new) follows epoch \(epoch)")
            }
            guard author.map({ $0.name == holder }) ?? true else {
                throw Violation("\(author?.name ?? "") took over in the name of \(holder)")
            }
            (epoch, decider) = (new, holder)
            tally.deciders += 1
        case .tagProfileChanged(let profile):
            try checkMayDecide(author)
            tags.profile = profile
        case .checkpoint:
            // Whoever finds a segment sealed may begin the next with one.
            if sealed != row.position - 1 { try checkMayDecide(author) }
            tally.checkpoints += 1
        case .segmentSealed:
            try checkMayDecide(author)
            sealed = row.position
            tally.segments += 1
        case .logCreated:
            guard row.position == 1 else { throw Violation("the log was created twice") }
        case .sweep(let event): try take(event, row, by: author)
        case .schedule(let event): try take(event, row, by: author)
        case .clusterObserved(let observed):
            if row.version > 1, !observed.isWhole { clusterChangedAt = row.recordedAt }
        case .segmentArchived, .segmentRestored, .segmentDropped, .captures: break
        }
    }

    private mutating func checkPlace(of row: EventRow) throws {
        guard row.position == last + 1 else {
            throw Violation("position \(row.position) follows \(last)")
        }
        guard row.recordedAt >= recordedAt else {
            throw Violation("event \(row.position) was recorded before the one before it")
        }
        while versions.count <= row.stream {
            versions.append(0)
            stories.append(nil)
        }
        guard row.version == versions[Int(row.stream)] + 1 else {
            throw Violation(
                "event \(row.position): version \(row.version) of stream \(row.stream) follows"
                    + " \(versions[Int(row.stream)])")
        }
        versions[Int(row.stream)] = row.version
        (last, recordedAt) = (row.position, row.recordedAt)
        digest = Self.digest(of: row, digest)
        digests.append(digest)
    }

    /// Decisions come from who holds the newest epoch.
    func checkMayDecide(_ author: Author?) throws {
        guard let author, author.name != decider else { return }
        throw Violation("\(author.name) decided; the decider is \(decider ?? "nobody")")
    }

    static func digest(of row: EventRow, _ start: UInt64) -> UInt64 {
        var digest = start
        func mix(_ value: UInt64) { digest = (digest ^ value) &* 0x0000_0100_0000_01B3 }
        mix(UInt64(bitPattern: row.position))
        mix(UInt64(bitPattern: row.stream))
        mix(UInt64(bitPattern: row.version))
        mix(UInt64(bitPattern: Int64(row.type) << 32 | Int64(row.schema)))
        mix(UInt64(bitPattern: row.recordedAt))
        var offset = 0
        while offset + 8 <= row.payload.count {
            mix(row.payload.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            offset += 8
        }
        for byte in row.payload[offset...] { mix(UInt64(byte) | 0x100) }
        return digest ^ digest >> 29
    }
}
