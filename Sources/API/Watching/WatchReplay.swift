import JobLog
import Kubernetes
import Scheduler
import TraceLog
import Traceflow
import Worker

/// What a watcher is told of the past, from the position that it names.
struct WatchReplay {
    let store: ObjectStore
    let others: OtherObjects
    let key: WatchRequest.Key
    let clock: Clock

    /// Changes that are told one by one; of more the last one of each object counts.
    private static let singleMax = 2000
    private static let page = 5000
    /// Who asks for more begins with a list.
    private static let eventsMax: Int64 = 2_000_000

    /// All objects that are there, as if they had just appeared, and the position they are of.
    func everything(endMarked: Bool) throws -> (bytes: [UInt8], position: Int64) {
        let position = try store.caughtUp()
        let objects: [APIObject]
        switch key.form.kind {
        case .traceflow, .packetCapture:
            objects = try store.traces(key.form.kind, key.selector, after: "", limit: .max).objects
        case .traceSchedule, .traceSweep:
            objects = try others.all(key.form.kind, key.selector)
        }
        var bytes: [UInt8] = []
        let now = clock.now()
        for object in objects {
            key.write(ObjectChange.Kind.added.rawValue, object, at: now, to: &bytes)
        }
        if endMarked {
            let event: JSONValue = [
                "type": "BOOKMARK",
                "object": key.form.bookmark(position: position, endsInitialEvents: true),
            ]
            bytes += event.bytes + [0x0a]
        }
        return (bytes, position)
    }

    /// The events after the position, up to another.
    ///
    /// Throws Expired when some of them are archived or dropped.
    func bytes(after start: Int64, through end: Int64) throws -> [UInt8] {
        try refuseGone(start)
        if key.form.kind == .traceSchedule || key.form.kind == .traceSweep { try others.look() }
        guard start < end else { return [] }
        if end - start > Self.eventsMax { throw Self.expired(start) }
        var changes: [ObjectChange] = []
        switch key.form.kind {
        case .traceflow, .packetCapture: changes = try traceChanges(after: start, through: end)
        case .traceSchedule, .traceSweep: changes = try otherChanges(after: start, through: end)
        }
        var bytes: [UInt8] = []
        key.write(changes, at: clock.now(), to: &bytes)
        return bytes
    }

    /// A position cannot be watched from when what came after it is not here any more.
    func refuseGone(_ start: Int64) throws {
        let first = try store.log.firstPosition()
        guard start + 1 >= first, try store.log.absentSegment(after: start) == nil else {
            throw Self.expired(start)
        }
    }

    private static func expired(_ start: Int64) -> APIStatus {
        APIStatus(
            410, .expired,
            "too old resource version: \(start): the log's segment of it is archived; list anew")
    }

    private func traceChanges(
        after start: Int64, through end: Int64
    ) throws -> [ObjectChange] {
        var fold = TraceFold(coding: store.coding, logID: store.log.logID)
        var changes: [ObjectChange] = []
        var position = start
        while position < end {
            let events = try store.log.read(
                after: position, limit: Int(min(Int64(Self.page), end - position)))
            guard let last = events.last else { break }
            position = last.position
            for event in events where event.position <= end {
                guard LogEventType(rawValue: event.type)?.family == .trace else { continue }
                let change = try fold.take(event) { stream, version in
                    try store.view(stream, through: version)
                }
                if let change { changes.append(change) }
            }
            if changes.count > Self.singleMax { changes = changes.joined() }
        }
        return changes
    }

    private func otherChanges(
        after start: Int64, through end: Int64
    ) throws -> [ObjectChange] {
        var streams: Set<Int64> = []
        var began: Set<Int64> = []
        try store.log.scan(after: start, limit: Int(end - start)) { row in
            switch LogEventType(rawValue: row.type)?.family {
            case .schedule, .sweep:
                streams.insert(row.stream)
                if row.version == 1 { began.insert(row.stream) }
            case .trace, .cluster, .log, nil: break
            }
        }
        guard !streams.isEmpty else { return [] }
        return try others.changes(streams).map { change in
            var change = change
            if change.kind == .modified, began.contains(change.object.stream) {
                change.kind = .added
            }
            change.before = nil
            return change
        }
    }
}
