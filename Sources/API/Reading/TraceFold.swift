import JobLog
import Scheduler
import TraceLog
import Traceflow

/// What one event did to an object.
struct ObjectChange: Sendable {
    enum Kind: String, Sendable {
        case added = "ADDED"
        case modified = "MODIFIED"
        case deleted = "DELETED"
    }

    var kind: Kind
    var object: APIObject
    /// What it was before, where that is known.
    var before: APIObject?
}

/// The traces of a log that have names of their own, folded event by event.
///
/// Members of sweeps and runs of schedules are no objects of the API: there may be millions, and
/// their names are none that Kubernetes allows. Invariant: an entry holds its stream's events up
/// to its version, and none beyond.
struct TraceFold {
    struct Entry: Sendable {
        /// As of the stream.
        var version: Int64
        var object: APIObject
    }

    private let coding: TraceCoding
    private let logID: String
    private(set) var entries: [Int64: Entry] = [:]
    private var hidden = StreamRanges()
    /// Streams in the order in which they came, to forget finished ones by.
    private var order: [Int64] = []

    /// Entries that are kept; finished ones beyond it are read again when somebody asks.
    static let entriesMax = 30_000

    init(coding: TraceCoding, logID: String) {
        self.coding = coding
        self.logID = logID
    }

    func isHidden(_ stream: Int64) -> Bool { hidden.contains(stream) }

    /// Takes in the next event of a trace; nil when it is about none that is shown.
    ///
    /// `load` reads a trace that is not known yet, up to a version of its stream; without it
    /// events of unknown traces are passed over, until somebody asks for them.
    mutating func take(
        _ event: RecordedEvent, load: ((Int64, _ through: Int64) throws -> TraceView?)?
    ) throws -> ObjectChange? {
        guard !hidden.contains(event.stream) else { return nil }
        let moment = Moment(microseconds: event.recordedAt)
        if event.type == LogEventType.traceRequested.rawValue {
            return try begin(event, moment)
        }
        guard let entry = entries[event.stream] else {
            guard let load else { return nil }
            guard let view = try load(event.stream, event.version), view.isShown else {
                hidden.insert(event.stream)
                return nil
            }
            let object = object(view, event)
            if view.trace.isDeleted { return ObjectChange(kind: .deleted, object: object) }
            insert(Entry(version: event.version, object: object))
            return ObjectChange(kind: .modified, object: object)
        }
        // Somebody has read further meanwhile, and the entry holds the event already.
        guard event.version > entry.version else {
            return ObjectChange(kind: .modified, object: entry.object, before: entry.object)
        }
        guard case .trace(let fact) = try coding.event(event),
            case .trace(var view) = entry.object.content
        else { return nil }
        view.take(fact, at: moment)
        let object = object(view, event)
        if view.trace.isDeleted {
            entries[event.stream] = nil
            return ObjectChange(kind: .deleted, object: object, before: entry.object)
        }
        entries[event.stream] = Entry(version: event.version, object: object)
        return ObjectChange(kind: .modified, object: object, before: entry.object)
    }

    private mutating func begin(
        _ event: RecordedEvent, _ moment: Moment
    ) throws -> ObjectChange? {
        if let known = entries[event.stream] {
            return ObjectChange(kind: .added, object: known.object)
        }
        guard case .trace(let fact) = try coding.event(event), case .requested(let request) = fact,
            let trace = Trace(fact, at: moment)
        else { return nil }
        let view = TraceView(
            id: TraceID(event.stream), createdAt: moment, request: request, trace: trace)
        guard view.isShown else {
            hidden.insert(event.stream)
            return nil
        }
        let object = object(view, event)
        insert(Entry(version: event.version, object: object))
        return ObjectChange(kind: .added, object: object)
    }

    /// What somebody has read of a trace, up to a version of its stream.
    mutating func insert(_ view: TraceView, version: Int64, position: Int64) -> APIObject {
        if let known = entries[view.id.rawValue], known.version >= version { return known.object }
        let object = APIObject(
            .trace(view), stream: view.id.rawValue, position: position, logID: logID)
        insert(Entry(version: version, object: object))
        return object
    }

    /// A change that no event of the trace's own stream tells of.
    mutating func change(
        _ stream: Int64, position: Int64, _ body: (inout TraceView) -> Void
    ) -> ObjectChange? {
        guard let entry = entries[stream], case .trace(var view) = entry.object.content else {
            return nil
        }
        body(&view)
        let object = APIObject(.trace(view), stream: stream, position: position, logID: logID)
        entries[stream] = Entry(version: entry.version, object: object)
        return ObjectChange(kind: .modified, object: object, before: entry.object)
    }

    /// Forgets what it knows of traces that keep packets.
    mutating func forgetCaptures() {
        for (stream, entry) in entries {
            guard case .trace(let view) = entry.object.content, !view.trace.captures.isEmpty
            else { continue }
            entries[stream] = nil
        }
    }

    private func object(_ view: TraceView, _ event: RecordedEvent) -> APIObject {
        APIObject(.trace(view), stream: event.stream, position: event.position, logID: logID)
    }

    private mutating func insert(_ entry: Entry) {
        if entries.updateValue(entry, forKey: entry.object.stream) == nil {
            order.append(entry.object.stream)
        }
        if order.count > Self.entriesMax * 2 { forgetFinished() }
    }

    private mutating func forgetFinished() {
        var kept: [Int64] = []
        var surplus = order.count - Self.entriesMax
        for stream in order {
            guard let entry = entries[stream] else { continue }
            if surplus > 0, case .trace(let view) = entry.object.content,
                view.trace.phase.isTerminal
            {
                entries[stream] = nil
                surplus -= 1
            } else {
                kept.append(stream)
            }
        }
        order = kept
    }
}

extension TraceView {
    /// Whether it is an object of the API: named by people.
    var isShown: Bool {
        if case .given = request.naming { true } else { false }
    }

    /// Takes in the next event of the trace's stream.
    mutating func take(_ event: TraceEvent, at moment: Moment) {
        trace.evolve(event, at: moment)
        if case .metadataChanged(let labels, let annotations) = event {
            request.labels = labels
            request.annotations = annotations
        }
    }
}
