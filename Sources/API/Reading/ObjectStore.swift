import Cluster
import Foundation
import History
import JobLog
import Kubernetes
import Scheduler
import Synchronization
import TraceLog
import Traceflow
import Worker

/// The objects of a log as the API has them; reads block on the log.
///
///     log ──follow (WatchHub)──▶ TraceFold ──▶ objects ──▶ get, list
///                                    ▲                └──▶ changes ──▶ watchers
///               log ──read on demand─┘
///
/// A read waits until the fold is as far as the log was when it began, so that everybody sees what
/// they wrote. Names are the log's own index; what a name stands for is kept or read again.
final class ObjectStore: Sendable {
    let log: JobLog
    let coding: TraceCoding
    private let state: Mutex<State>
    private let progress = NSCondition()

    private struct State {
        var fold: TraceFold
        var position: Int64
        var failure: String?
    }

    private static let family = StreamFamily.trace.rawValue
    private static let waitSeconds = 10.0
    private static let page = 1000

    init(log: JobLog) throws {
        self.log = log
        coding = TraceCoding(log: log)
        state = Mutex(
            State(
                fold: TraceFold(coding: coding, logID: log.logID),
                position: try log.lastPosition()))
    }

    /// How far the log was followed.
    var position: Int64 { state.withLock { $0.position } }

    // MARK: following

    /// Takes in the next events of the log; tells what they did to objects of traces, and which
    /// schedules and sweeps they were about.
    func follow(
        _ events: [RecordedEvent], isWatched: Bool
    ) throws -> (changes: [ObjectChange], others: Set<Int64>) {
        var changes: [ObjectChange] = []
        var others: Set<Int64> = []
        for event in events {
            switch LogEventType(rawValue: event.type)?.family {
            case .trace:
                // One event at a time: who asks for an object need not wait for a thousand.
                let change = try state.withLock { state in
                    defer { state.position = event.position }
                    return try state.fold.take(
                        event, load: isWatched ? { try self.view($0, through: $1) } : nil)
                }
                if let change { changes.append(change) }
            case .schedule, .sweep:
                others.insert(event.stream)
                state.withLock { $0.position = event.position }
            case .log:
                if let change = try followCaptures(event) { changes.append(change) }
                state.withLock { $0.position = event.position }
            case .cluster, nil: state.withLock { $0.position = event.position }
            }
        }
        progress.withLock { progress.broadcast() }
        return (changes, others)
    }

    private func followCaptures(_ event: RecordedEvent) throws -> ObjectChange? {
        switch LogEventType(rawValue: event.type) {
        case .captureUploaded:
            guard case .captures(.uploaded(let upload)) = try coding.event(event) else {
                return nil
            }
            return state.withLock { state in
                state.fold.change(upload.trace.rawValue, position: event.position) { view in
                    if view.trace.attempt == upload.attempt { view.upload = upload }
                }
            }
        case .capturesPruned:
            state.withLock { $0.fold.forgetCaptures() }
            return nil
        case _: return nil
        }
    }

    /// Whether what is in the log gets here.
    var isFollowing: Bool { state.withLock { $0.failure == nil } }

    /// The log cannot be followed any more: reads say so.
    func fail(_ why: String) {
        state.withLock { $0.failure = why }
        progress.withLock { progress.broadcast() }
    }

    // MARK: reading

    /// Waits until everything that is in the log now was taken in; tells how far that is.
    func caughtUp() throws -> Int64 {
        let end = try log.lastPosition()
        let limit = Date(timeIntervalSinceNow: Self.waitSeconds)
        return try progress.withLock {
            while true {
                let (position, failure) = state.withLock { ($0.position, $0.failure) }
                if position >= end { return position }
                if failure != nil || !progress.wait(until: limit) {
                    throw APIStatus(503, .serviceUnavailable, "the log cannot be followed")
                }
            }
        }
    }

    /// The trace's object as it is now; nil when there is none of that name.
    func trace(_ kind: ResourceKind, named name: String) throws -> APIObject? {
        _ = try caughtUp()
        guard let stream = try log.stream(named: kind.traceName(of: name), family: Self.family)
        else { return nil }
        return try object(stream)
    }

    /// The objects of traces by name, `limit` at most of those that are selected, and the name
    /// after which the rest begins.
    func traces(
        _ kind: ResourceKind, _ selector: Selector, after name: String, limit: Int
    ) throws -> (objects: [APIObject], last: String?) {
        if let name = selector.name {
            let object = try trace(kind, named: name).map { [$0] } ?? []
            return (object.filter(selector.selects), nil)
        }
        var objects: [APIObject] = []
        var after = kind.traceName(of: name)
        while true {
            let names = try log.names(family: Self.family, after: after, limit: Self.page)
            for entry in names {
                after = entry.name
                guard kind.owns(traceName: entry.name) else {
                    // Names of PacketCaptures lie together.
                    if kind == .packetCapture { return (objects, nil) }
                    continue
                }
                guard let object = try listed(entry.stream), selector.selects(object) else {
                    continue
                }
                objects.append(object)
                if objects.count == limit { return (objects, object.name) }
            }
            if names.count < Self.page { return (objects, nil) }
        }
    }

    /// Nil also for what lies in a segment that is not here: a list must not fail for it.
    private func listed(_ stream: Int64) throws -> APIObject? {
        do {
            return try object(stream)
        } catch let error as JobLogError where error.code == .archived {
            return nil
        }
    }

    private func object(_ stream: Int64) throws -> APIObject? {
        if let known = state.withLock({ $0.fold.entries[stream]?.object }) { return known }
        let events = try log.read(stream: stream)
        guard let last = events.last, let view = try view(stream, through: .max) else {
            try log.refuseArchived(stream)
            return nil
        }
        guard view.isShown, !view.trace.isDeleted else { return nil }
        return state.withLock {
            $0.fold.insert(view, version: last.version, position: last.position)
        }
    }

    /// The trace as its first events tell it; nil when they are not here.
    func view(_ stream: Int64, through version: Int64) throws -> TraceView? {
        let events = try log.read(stream: stream).filter { $0.version <= version }
        guard let story = try coding.story(events), let request = story.request else {
            return nil
        }
        var view = TraceView(
            id: TraceID(stream), createdAt: story.begunAt, request: request, trace: story.trace)
        if !view.trace.captures.isEmpty || request.packetCapture?.fileServer != nil {
            let reader = TraceReader(log: log) { log in
                let history = try History(of: log)
                try history.catchUp()
                return history
            }
            if let read = try reader.view(stream) {
                (view.prunedCaptures, view.upload) = (read.prunedCaptures, read.upload)
            }
        }
        return view
    }
}

extension ResourceKind {
    /// What the trace behind an object is called.
    func traceName(of name: String) -> String {
        self == .packetCapture ? PacketCaptureManifest.traceName(of: name) : name
    }

    /// Whether the trace of the name is behind an object of this kind.
    func owns(traceName: String) -> Bool {
        (self == .packetCapture) == (PacketCaptureManifest.name(ofTrace: traceName) != nil)
    }
}
