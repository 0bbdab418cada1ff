import Dispatch
import Foundation
import JobLog
import Kubernetes
import NIOCore
import Synchronization
import Traceflow
import Worker

/// Follows the log for all readers and watchers, on a thread of its own.
///
///     waiting ──events──▶ folding (ObjectStore) ──changes──▶ encoding once a key ──▶ watchers
///        ▲                                                                             │
///        └─────────────────────────────────────────────────────────────────────────────┘
///
/// A watcher hears of every event after the position it names: those that were followed before it
/// came are folded for it alone (`WatchReplay`). Under load changes of one object that came
/// together are told as one; the last one counts.
final class WatchHub: Sendable {
    let store: ObjectStore
    private let others: OtherObjects
    private let clock: Clock
    private let tell: @Sendable (String) -> Void
    private let waker = Waker()
    private let state = Mutex(State())
    private let ended = DispatchSemaphore(value: 0)
    /// Somebody may wait for the log to be followed further.
    private let arrival = NSCondition()

    private struct State {
        var watchers: [Int: Watcher] = [:]
        var nextID = 1
        var isStopped = false
        /// Up to where watchers were told.
        var told: Int64 = 0
    }

    /// Events that are read at once.
    private static let readMax = 5000
    /// Changes that came together are told one by one up to here.
    private static let singleMax = 32
    /// Between two looks while much happens.
    private static let restMicroseconds: Int64 = 10_000
    private static let waitSeconds = 3.0
    private static let tickMicroseconds: Int64 = 1_000_000

    /// Follows at once; `tell` hears why following ended, if it does.
    init(
        store: ObjectStore, others: OtherObjects, clock: Clock,
        tell: @escaping @Sendable (String) -> Void
    ) {
        self.store = store
        self.others = others
        self.clock = clock
        self.tell = tell
        let thread = Thread { [self] in
            follow()
            ended.signal()
        }
        thread.name = "watch"
        thread.stackSize = 8 << 20
        thread.start()
    }

    /// Ends all watches, once; returns when the thread has ended.
    func stop() {
        state.withLock { $0.isStopped = true }
        store.log.wake(waker)
        ended.wait()
    }

    var watcherCount: Int { state.withLock { $0.watchers.count } }

    // MARK: watchers

    /// Lets somebody watch. What lies between the request's position and now comes first; blocks
    /// until that is read.
    func watch(_ request: WatchRequest) throws -> (id: Int, chunks: AsyncStream<ByteBuffer>) {
        var request = request
        let replay = WatchReplay(store: store, others: others, key: request.key, clock: clock)
        var first: [UInt8] = []
        if request.after == nil {
            let (bytes, position) = try replay.everything(endMarked: request.wantsInitialEnd)
            (first, request.after) = (bytes, position)
        }
        let start = request.after ?? 0
        let (chunks, queue) = AsyncStream.makeStream(
            of: ByteBuffer.self, bufferingPolicy: .bufferingOldest(Watcher.queuedMax))
        let (id, position) = try enter(request, queue, from: start)
        do {
            first += try replay.bytes(after: start, through: position)
        } catch {
            leave(id)
            throw error
        }
        release(id, first)
        return (id, chunks)
    }

    func leave(_ id: Int) {
        let gone = state.withLock { $0.watchers.removeValue(forKey: id) }
        gone?.queue.finish()
    }

    /// From the position that is given back on, the watcher gets what is told.
    private func enter(
        _ request: WatchRequest, _ queue: AsyncStream<ByteBuffer>.Continuation, from start: Int64
    ) throws -> (id: Int, position: Int64) {
        let now = clock.monotonicMicroseconds()
        let watcher = Watcher(
            request: request, queue: queue, until: now + request.timeoutSeconds * 1_000_000,
            bookmarkAt: now + Watcher.bookmarkMicroseconds)
        let limit = Date(timeIntervalSinceNow: Self.waitSeconds)
        return try arrival.withLock {
            while true {
                let entered: (Int, Int64)? = state.withLock { state in
                    guard state.told >= start else { return nil }
                    defer { state.nextID += 1 }
                    state.watchers[state.nextID] = watcher
                    return (state.nextID, state.told)
                }
                if let entered { return entered }
                guard arrival.wait(until: limit) else {
                    throw APIStatus.tooNew(start)
                }
            }
        }
    }

    /// The watcher's past is told, then what came meanwhile, then what comes.
    private func release(_ id: Int, _ first: [UInt8]) {
        state.withLock { state in
            guard let held = state.watchers[id]?.held else { return }
            state.watchers[id]?.held = nil
            // Headers alone tell the client that it watches.
            if !first.isEmpty { state.watchers[id]?.queue.yield(ByteBuffer(bytes: first)) }
            for chunk in held { state.watchers[id]?.queue.yield(chunk) }
        }
    }

    // MARK: following

    private func follow() {
        var position = store.position
        state.withLock { $0.told = position }
        do {
            while !state.withLock({ $0.isStopped }) {
                let now = clock.monotonicMicroseconds()
                let isNews = try store.log.waitForNews(
                    after: position, timeoutMicroseconds: Self.tickMicroseconds, waker: waker)
                if isNews {
                    let events = try store.log.read(after: position, limit: Self.readMax)
                    guard let last = events.last else {
                        // What is archived is passed over.
                        position = try store.log.lastPosition()
                        continue
                    }
                    try take(events)
                    position = last.position
                    let took = clock.monotonicMicroseconds() - now
                    if events.count > Self.singleMax, took < Self.restMicroseconds {
                        usleep(UInt32(Self.restMicroseconds - took))
                    }
                }
                tick()
            }
        } catch {
            tell("the API cannot follow the log any more: \(error)")
            store.fail("\(error)")
        }
        let watchers = state.withLock { state in
            defer { state.watchers = [:] }
            return state.watchers
        }
        for watcher in watchers.values { watcher.queue.finish() }
    }

    private func take(_ events: [RecordedEvent]) throws {
        let kinds = state.withLock { Set($0.watchers.values.map(\.request.form.kind)) }
        let seesTraces = !kinds.isDisjoint(with: [.traceflow, .packetCapture])
        let seesOthers = !kinds.isDisjoint(with: [.traceSchedule, .traceSweep])
        var (changes, others) = try store.follow(events, isWatched: seesTraces)
        if changes.count > Self.singleMax { changes = changes.joined() }
        if seesOthers, !others.isEmpty { changes += try self.others.changes(others) }
        deliver(changes, through: events.last?.position ?? 0)
        arrival.withLock { arrival.broadcast() }
    }

    private func deliver(_ changes: [ObjectChange], through position: Int64) {
        let now = clock.now()
        // Watchers of equal keys share the bytes; who enters meanwhile must not miss them.
        state.withLock { state in
            state.told = position
            guard !changes.isEmpty else { return }
            var chunks: [WatchRequest.Key: ByteBuffer] = [:]
            var slow: [Int] = []
            for (id, watcher) in state.watchers {
                let key = watcher.request.key
                let chunk: ByteBuffer
                if let known = chunks[key] {
                    chunk = known
                } else {
                    var bytes: [UInt8] = []
                    key.write(changes, at: now, to: &bytes)
                    chunk = ByteBuffer(bytes: bytes)
                    chunks[key] = chunk
                }
                guard chunk.readableBytes > 0 else { continue }
                if watcher.held != nil {
                    state.watchers[id]?.held?.append(chunk)
                } else if case .enqueued = watcher.queue.yield(chunk) {
                    continue
                } else {
                    slow.append(id)
                }
            }
            for id in slow { state.watchers.removeValue(forKey: id)?.queue.finish() }
        }
    }

    /// Ends watches whose time is over; tells positions to those who want to know.
    private func tick() {
        let now = clock.monotonicMicroseconds()
        state.withLock { state in
            for (id, watcher) in state.watchers where watcher.held == nil {
                let isOver = now >= watcher.until
                let isDue = now >= watcher.bookmarkAt
                guard isOver || isDue else { continue }
                if watcher.request.wantsBookmarks {
                    let object = watcher.request.form.bookmark(
                        position: state.told, endsInitialEvents: false)
                    let event: JSONValue = ["type": "BOOKMARK", "object": object]
                    watcher.queue.yield(ByteBuffer(bytes: event.bytes + [0x0a]))
                }
                state.watchers[id]?.bookmarkAt = now + Watcher.bookmarkMicroseconds
                if isOver { state.watchers.removeValue(forKey: id)?.queue.finish() }
            }
        }
    }
}

extension [ObjectChange] {
    /// One change an object, the last one; what came and went is left out.
    func joined() -> [ObjectChange] {
        var places: [Int64: Int] = [:]
        var joined: [ObjectChange?] = []
        for change in self {
            guard let place = places[change.object.stream], let earlier = joined[place] else {
                places[change.object.stream] = joined.count
                joined.append(change)
                continue
            }
            if change.kind == .deleted, earlier.kind == .added {
                joined[place] = nil
                continue
            }
            var later = change
            later.before = earlier.before
            if earlier.kind == .added { later.kind = .added }
            joined[place] = later
        }
        return joined.compactMap { $0 }
    }
}
