import JobLog
import Scheduler
import TraceLog
import Traceflow

/// The schedules of a log: records them and what people want changed of them, finds them.
public struct ScheduleBook {
    /// One schedule as it is shown.
    public struct Entry: Sendable {
        public var id: ScheduleID
        public var life: ScheduleLife
        /// The next slot; nil while none is to come.
        public var nextSlot: Moment?
        /// The time of maintenance that lasts, or the next one, and why.
        public var maintenance: Range<Moment>?
        public var maintenanceReason: String = ""
        /// Whether it lasts.
        public var isInMaintenance = false

        public var name: String { life.spec.name }

        public init(id: ScheduleID, life: ScheduleLife) {
            self.id = id
            self.life = life
        }
    }

    public enum Saved: String, Sendable {
        case created, configured, unchanged
    }

    private let log: JobLog
    private let coding: TraceCoding
    private let clock: Clock
    private static let family = StreamFamily.schedule.rawValue

    public init(log: JobLog, clock: Clock = .system) {
        self.log = log
        self.clock = clock
        coding = TraceCoding(log: log)
    }

    /// Records a schedule, or what is different about it now.
    ///
    /// Refuses what could be recorded but never read again, such as a length of a thousand years.
    public func save(_ spec: ScheduleSpec, isPaused: Bool? = nil) throws -> Saved {
        try refuseUnreadable(spec)
        while true {
            var append = AppendRequest()
            var saved = Saved.created
            if let id = try id(named: spec.name) {
                let version = try log.read(stream: id.rawValue).last?.version
                let held = try coding.replayed().schedules[id]
                saved = .unchanged
                if held?.spec.inOneNotation != spec.inOneNotation {
                    append.drafts.append(try draft(.changed(spec), id))
                    saved = .configured
                }
                if let isPaused, held?.isPaused != isPaused {
                    append.drafts.append(try draft(isPaused ? .paused : .resumed, id))
                    saved = .configured
                }
                // Somebody may delete it meanwhile: then it is made anew.
                if !append.drafts.isEmpty { append.drafts[0].expectedVersion = version }
                if saved == .unchanged { return saved }
            } else {
                append.newStreams = [NewStream(family: Self.family, name: spec.name)]
                append.drafts = [
                    try coding.draft(.schedule(.changed(spec)), stream: .new(0))
                ]
                if isPaused == true {
                    append.drafts.append(
                        try coding.draft(.schedule(.paused), stream: .new(0)))
                }
            }
            do throws(JobLogError) {
                try log.append(append)
                return saved
            } catch {
                guard error.isContention else { throw error }
            }
        }
    }

    private func refuseUnreadable(_ spec: ScheduleSpec) throws {
        let draft = try coding.draft(.schedule(.changed(spec)), stream: .new(0))
        let recorded = RecordedEvent(
            position: 1, stream: 1, version: 1, type: draft.type, schema: draft.schema,
            recordedAt: 0, payload: draft.payload)
        do {
            _ = try coding.event(recorded)
        } catch let error as TraceLogError {
            throw Refusal(
                "schedule \"\(spec.name)\": \(error.detail): out of bounds; lengths of time may"
                    + " be a hundred years at most")
        }
    }

    /// All schedules by name. Costs a replay from the last checkpoint.
    public func all() throws -> [Entry] {
        let state = try coding.replayed()
        return state.schedules.map { entry($0.key, $0.value) }.sorted { $0.name < $1.name }
    }

    public func entry(named name: String) throws -> Entry {
        guard let id = try id(named: name), let life = try coding.replayed().schedules[id] else {
            throw Refusal("schedule \"\(name)\" not found; `tracectl schedule list` shows all")
        }
        return entry(id, life)
    }

    /// Records what somebody wants of the schedule; false when it is so already, or was deleted.
    public func record(_ event: ScheduleEvent, of entry: Entry) throws -> Bool {
        while true {
            let last = try log.read(stream: entry.id.rawValue).last
            guard let last, last.type != LogEventType.scheduleDeleted.rawValue,
                let life = try coding.replayed().schedules[entry.id]
            else { return false }
            switch event {
            case .paused where life.isPaused: return false
            case .resumed where !life.isPaused: return false
            case _: break
            }
            var append = AppendRequest(drafts: [try draft(event, entry.id)])
            append.drafts[0].expectedVersion = last.version
            if case .deleted = event {
                append.releasedNames = [NewStream(family: Self.family, name: entry.name)]
            }
            do throws(JobLogError) {
                try log.append(append)
                return true
            } catch {
                guard error.isContention else { throw error }
            }
        }
    }

    /// The stream of the run of a slot, by its derived name; nil when the slot began none.
    public func stream(ofSlot slot: String, of id: ScheduleID) throws -> Int64? {
        for recorded in try log.read(stream: id.rawValue).reversed() {
            guard case .schedule(.fired(let firing)) = try coding.event(recorded),
                firing.slot.text == slot
            else { continue }
            // Its request follows the event that speaks of it.
            guard let next = try log.read(after: recorded.position, limit: 1).first,
                case .trace(.requested(let request)) = try coding.event(next),
                request.naming.schedule == id
            else { return nil }
            return next.stream
        }
        return nil
    }

    /// The schedule of the name, deleted or not.
    public func id(named name: String) throws -> ScheduleID? {
        try log.stream(named: name, family: Self.family).map { ScheduleID($0) }
    }

    /// A schedule whose history is asked for: by number, by name, or the one that had the name last
    /// before it was deleted.
    public func past(named name: String) throws -> Past {
        let firsts = try log.firsts(ofType: LogEventType.scheduleChanged.rawValue)
        let held = try id(named: name)
        let number = Int64(name)
        for first in firsts.reversed() {
            guard case .schedule(.changed(let spec)) = try coding.event(first) else { continue }
            let id = ScheduleID(first.stream)
            guard held.map({ $0 == id }) ?? (first.stream == number || spec.name == name) else {
                continue
            }
            return Past(id: id, name: spec.name, life: try coding.replayed().schedules[id])
        }
        // Its first event may be in an archived segment.
        let entry = try entry(named: name)
        return Past(id: entry.id, name: entry.name, life: entry.life)
    }

    /// A schedule, and what is known of it while it is there.
    public struct Past: Sendable {
        public var id: ScheduleID
        public var name: String
        /// Nil once it was deleted.
        public var life: ScheduleLife?
    }

    /// The events of a schedule, the latest first, `limit` at most.
    public func events(
        of id: ScheduleID, limit: Int
    ) throws -> [(at: Moment, event: ScheduleEvent)] {
        try log.read(stream: id.rawValue).suffix(limit).reversed().compactMap { recorded in
            guard case .schedule(let event) = try coding.event(recorded) else { return nil }
            return (Moment(microseconds: recorded.recordedAt), event)
        }
    }

    private func entry(_ id: ScheduleID, _ life: ScheduleLife) -> Entry {
        let now = clock.now()
        var next: Moment?
        if !life.isPaused, let zone = TimeZones.shared.offsets(life.spec.zone, around: now) {
            // Slots of the past are being decided, or nobody works.
            next = life.spec.slot(after: max(life.decidedThrough, now), in: zone)
        }
        var entry = Entry(id: id, life: life)
        entry.nextSlot = next
        let zones = { TimeZones.shared.offsets($0, around: now) }
        if let found = life.spec.maintenanceWindow(at: now, zones) {
            entry.maintenance = found.window
            entry.maintenanceReason = found.maintenance.reason
            entry.isInMaintenance = found.window.contains(now)
        }
        return entry
    }

    private func draft(
        _ event: ScheduleEvent, _ id: ScheduleID
    ) throws(TraceLogError) -> Draft {
        try coding.draft(.schedule(event), stream: .existing(id.rawValue))
    }
}
