import Dispatch
import Synchronization

/// Keeps somebody told of all objects of a kind: a list, then a watch from where the list ends.
///
///     listing ──all chunks──▶ watching ◀──the stream ended: again from the last version──┐
///        ▲                        ├──────────────────────────────────────────────────────┘
///        └──410 Gone, or an event that is none──┘          stop() ends it at any point
///
/// Invariants:
/// - `tell` is called on one queue, in the order of the server;
/// - after `replaced` the changes are those since that list, none missing.
public final class Reflector: Sendable {
    public enum News: Sendable {
        /// All there are, by a list: what is not among them is gone.
        case replaced(ObjectList)
        /// Added or modified.
        case changed(JSONValue)
        case deleted(JSONValue)
        /// The server does not answer as it should; it is tried again.
        case failing(any Error)
    }

    private let client: KubernetesClient
    private let resource: APIResource
    private let selection: ObjectSelection
    private let tell: @Sendable (News) -> Void
    private let queue: DispatchQueue
    private let state = Mutex(State())

    private struct State {
        var isStopped = false
        /// Of the list or stream whose answers count.
        var round = 0
        var version = ""
        var lines = WatchLines()
        var backoff = Backoff(firstMilliseconds: 250, millisecondsMax: 15_000)
        var hasHeard = false
    }

    /// So long the server keeps a watch open, in seconds; random, so that they do not end at once.
    private static let watchSeconds = 240...480
    private static let answerSlackSeconds = 30

    /// `tell` may wait: nothing else runs on its queue.
    public init(
        _ client: KubernetesClient, _ resource: APIResource,
        _ selection: ObjectSelection = ObjectSelection(),
        tell: @escaping @Sendable (News) -> Void
    ) {
        self.client = client
        self.resource = resource
        self.selection = selection
        self.tell = tell
        queue = DispatchQueue(label: "tracectl.reflector.\(resource.plural)")
    }

    public func start() { queue.async { self.list() } }

    /// Nothing is told any more once this returned, but what is being told.
    public func stop() { state.withLock { $0.isStopped = true } }

    /// The number of a new round; nil after `stop`.
    private func begin() -> Int? {
        state.withLock { state in
            guard !state.isStopped else { return nil }
            state.round += 1
            return state.round
        }
    }

    private func isCurrent(_ round: Int) -> Bool {
        state.withLock { !$0.isStopped && $0.round == round }
    }

    private func list() {
        guard let round = begin() else { return }
        list(round, [], continue: nil)
    }

    private func list(_ round: Int, _ items: [JSONValue], continue token: String?) {
        let call = KubernetesClient.listCall(resource, selection, continue: token)
        client.send(call) { [self] result in
            queue.async { [self] in
                guard isCurrent(round) else { return }
                switch result {
                case .success(let object):
                    let page = ListPage(object, resource)
                    guard let next = page.continue else {
                        tell(
                            .replaced(
                                ObjectList(
                                    items: items + page.items,
                                    resourceVersion: page.resourceVersion)))
                        state.withLock { state in
                            state.version = page.resourceVersion
                            state.backoff.reset()
                        }
                        return watch()
                    }
                    list(round, items + page.items, continue: next)
                case .failure(let error):
                    let isExpired = (error as? APIStatus)?.code == 410
                    if !isExpired { tell(.failing(error)) }
                    later { $0.list() }
                }
            }
        }
    }

    private func later(_ work: @escaping @Sendable (Reflector) -> Void) {
        let wait = state.withLock { $0.backoff.next() }
        queue.asyncAfter(deadline: .now() + .milliseconds(wait)) { work(self) }
    }

    private func watch() {
        guard let round = begin() else { return }
        let version = state.withLock { state in
            state.lines = WatchLines()
            state.hasHeard = false
            return state.version
        }
        let seconds = Int.random(in: Self.watchSeconds)
        let call = APICall(
            "GET", resource.path(namespace: selection.namespace),
            query: selection.query + [
                ("watch", "true"), ("allowWatchBookmarks", "true"), ("resourceVersion", version),
                ("timeoutSeconds", String(seconds)),
            ], timeoutMilliseconds: (seconds + Self.answerSlackSeconds) * 1000)
        client.stream(
            call,
            receive: { [self] bytes in
                guard isCurrent(round) else { return false }
                queue.async { [self] in take(bytes, round) }
                return true
            },
            end: { [self] error in
                queue.async { [self] in ended(error, round) }
            })
    }

    private func take(_ bytes: [UInt8], _ round: Int) {
        guard isCurrent(round) else { return }
        for event in state.withLock({ $0.lines.take(bytes) }) {
            switch event {
            case .added(let object), .modified(let object):
                tell(.changed(object))
                heard(object)
            case .deleted(let object):
                tell(.deleted(object))
                heard(object)
            case .bookmark(let version):
                state.withLock { state in
                    state.version = version
                    state.hasHeard = true
                }
            case .error(let status):
                return ended(status, round)
            case .malformed: return later { $0.list() }
            }
            guard isCurrent(round) else { return }
        }
    }

    private func heard(_ object: JSONValue) {
        state.withLock { state in
            state.version = object["metadata"]["resourceVersion"].text ?? state.version
            state.hasHeard = true
        }
    }

    private func ended(_ error: (any Error)?, _ round: Int) {
        guard isCurrent(round) else { return }
        if let status = error as? APIStatus, status.code == 410 || status.reason == .expired {
            return later { $0.list() }
        }
        let isQuick = state.withLock { state in
            if state.hasHeard { state.backoff.reset() }
            return error == nil && state.hasHeard
        }
        if let error { tell(.failing(error)) }
        isQuick ? watch() : later { $0.watch() }
    }
}
