import JobLog
import Scheduler
import TraceLog
import Traceflow

/// The sweeps of a log: records them, finds them, cancels them.
public struct SweepBook {
    /// One sweep as it is shown.
    public struct Entry: Sendable {
        public enum Phase: String, Sendable, CaseIterable {
            case running = "Running"
            case finished = "Finished"
            case cancelled = "Cancelled"
        }

        public var id: SweepID
        public var request: SweepRequest
        public var requestedAt: Moment
        /// Where it was asked for in the log: nothing of it lies before.
        public var position: Int64
        public var phase: Phase
        public var endedAt: Moment?
        public var expanded: Int64
        public var tally: SweepTally
        /// Why it was cancelled; empty when people wanted it.
        public var reason: String

        public init(
            id: SweepID, request: SweepRequest, requestedAt: Moment, position: Int64, phase: Phase,
            endedAt: Moment? = nil, expanded: Int64, tally: SweepTally, reason: String
        ) {
            self.id = id
            self.request = request
            self.requestedAt = requestedAt
            self.position = position
            self.phase = phase
            self.endedAt = endedAt
            self.expanded = expanded
            self.tally = tally
            self.reason = reason
        }

        /// What people call it.
        public var name: String { request.name ?? id.description }
    }

    private let log: JobLog
    private let coding: TraceCoding
    private static let family = StreamFamily.sweep.rawValue

    public init(log: JobLog) {
        self.log = log
        coding = TraceCoding(log: log)
    }

    /// Records a sweep; throws a refusal when its name is taken.
    public func record(_ request: SweepRequest) throws -> SweepID {
        let append = AppendRequest(
            newStreams: [NewStream(family: Self.family, name: request.name)],
            drafts: [try coding.draft(.sweep(.requested(request)), stream: .new(0))])
        do throws(JobLogError) {
            return SweepID(try log.append(append).streams[0])
        } catch {
            guard error.code == .nameTaken else { throw error }
            throw Refusal("sweep \"\(request.name ?? "")\": exists already; choose another name")
        }
    }

    /// All sweeps, the latest first. Costs a replay from the last checkpoint while any runs.
    public func all() throws -> [Entry] {
        let firsts = try log.firsts(ofType: LogEventType.sweepRequested.rawValue)
        var state: SchedulerState?
        return try firsts.reversed().compactMap { try entry($0, &state) }
    }

    /// The sweep with the name or number.
    public func entry(named name: String) throws -> Entry {
        let stream = try Int64(name) ?? log.stream(named: name, family: Self.family)
        var state: SchedulerState?
        guard let stream, let first = try log.read(stream: stream).first,
            let entry = try entry(first, &state)
        else { throw Refusal("sweep \"\(name)\" not found; `tracectl sweep list` shows all") }
        return entry
    }

    /// What the sweep of the name asks for; nil when there is none.
    public func held(_ name: String) throws -> SweepRequest? {
        guard let stream = try log.stream(named: name, family: Self.family),
            let first = try log.read(stream: stream).first,
            case .sweep(.requested(let request)) = try coding.event(first)
        else { return nil }
        return request
    }

    /// The stream of a member, by its derived name; nil when there is no such member yet.
    public func stream(ofMember member: Int64, of sweep: SweepID) throws -> Int64? {
        for recorded in try log.read(stream: sweep.rawValue) {
            guard case .sweep(.expanded(let first, let count)) = try coding.event(recorded),
                member >= first, member < first + Int64(count)
            else { continue }
            // Requests follow the event that speaks of them.
            let place = recorded.position + (member - first)
            return try log.read(after: place, limit: 1).first?.stream
        }
        return nil
    }

    /// Ends the sweep, for a reason or because people want it; nil when it was over already.
    public func cancel(_ id: SweepID, reason: String = "") throws -> SweepID? {
        while true {
            let events = try log.read(stream: id.rawValue)
            let isOver = try events.contains { recorded in
                switch try coding.event(recorded) {
                case .sweep(.finished), .sweep(.cancelled): true
                case _: false
                }
            }
            if isOver { return nil }
            let draft = try coding.draft(
                .sweep(.cancelled(reason: reason)), stream: .existing(id.rawValue),
                expectedVersion: events.last?.version)
            do throws(JobLogError) {
                try log.append(AppendRequest(drafts: [draft]))
                return id
            } catch {
                guard error.isContention else { throw error }
            }
        }
    }

    private func entry(
        _ first: RecordedEvent, _ state: inout SchedulerState?
    ) throws -> Entry? {
        guard case .sweep(.requested(let request)) = try coding.event(first) else { return nil }
        var entry = Entry(
            id: SweepID(first.stream), request: request,
            requestedAt: Moment(microseconds: first.recordedAt), position: first.position,
            phase: .running, expanded: 0, tally: SweepTally(), reason: "")
        for recorded in try log.read(stream: first.stream).dropFirst() {
            guard case .sweep(let event) = try coding.event(recorded) else { continue }
            switch event {
            case .requested: break
            case .expanded(let first, let count): entry.expanded = first + Int64(count)
            case .finished(let tally):
                (entry.phase, entry.tally) = (.finished, tally)
                entry.endedAt = Moment(microseconds: recorded.recordedAt)
            case .cancelled(let reason):
                (entry.phase, entry.reason) = (.cancelled, reason)
                entry.endedAt = Moment(microseconds: recorded.recordedAt)
            }
        }
        if entry.phase == .running {
            let now = try state ?? coding.replayed()
            state = now
            entry.tally = now.sweeps[entry.id]?.tally ?? entry.tally
        } else if entry.phase == .cancelled {
            entry.tally = try counted(entry)
        }
        return entry
    }

    /// What the members of a cancelled sweep came to, which no event sums up.
    private func counted(_ entry: Entry) throws -> SweepTally {
        var progress = SweepProgress(id: entry.id, coding: coding)
        try log.scan(after: entry.position - 1) { try progress.take($0) }
        return progress.tally
    }
}
