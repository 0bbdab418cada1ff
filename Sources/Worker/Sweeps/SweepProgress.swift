import JobLog
import Scheduler
import TraceLog

/// How far a sweep has come, counted from its events as they go by.
public struct SweepProgress {
    public let id: SweepID
    public private(set) var request: SweepRequest?
    public private(set) var expanded: Int64 = 0
    public private(set) var tally = SweepTally()
    /// Members that hold a tag.
    public private(set) var running = 0
    public private(set) var isFinished = false
    /// Why it was cancelled: empty when people wanted it; nil while it was not.
    public private(set) var cancelledReason: String?

    private let coding: TraceCoding
    private var members = SweepMembers()
    private var held: Set<Int64> = []
    /// The last ends of members that failed: a retry takes them back.
    private var failures: [Int64: TraceEvent] = [:]

    public init(id: SweepID, coding: TraceCoding) {
        self.id = id
        self.coding = coding
    }

    public var isOver: Bool { isFinished || cancelledReason != nil }

    /// Takes in the next event of the log, of whatever stream.
    public mutating func take(_ row: EventRow) throws {
        switch LogEventType(rawValue: row.type) {
        case .traceRequested:
            guard let (sweep, number) = try coding.member(of: row), sweep == id.rawValue else {
                return
            }
            members.add(number, stream: row.stream)
        case .tagAllocated:
            guard members.member(row.stream) != nil else { return }
            if held.insert(row.stream).inserted { running += 1 }
        case .traceSucceeded, .traceTimedOut, .traceFailed:
            guard members.member(row.stream) != nil, let end = try coding.end(of: row) else {
                return
            }
            if held.remove(row.stream) != nil { running -= 1 }
            tally.add(end)
            if case .succeeded = end { break }
            failures[row.stream] = end
        case .retryRequested:
            if let end = failures.removeValue(forKey: row.stream) { tally.remove(end) }
        case .sweepRequested, .sweepExpanded, .sweepFinished, .sweepCancelled:
            guard row.stream == id.rawValue, case .sweep(let event) = try coding.event(row) else {
                return
            }
            take(event)
        case _: break
        }
    }

    private mutating func take(_ event: SweepEvent) {
        switch event {
        case .requested(let request): self.request = request
        case .expanded(let first, let count): expanded = first + Int64(count)
        case .finished(let tally):
            self.tally = tally
            isFinished = true
        case .cancelled(let reason): cancelledReason = reason
        }
    }
}
