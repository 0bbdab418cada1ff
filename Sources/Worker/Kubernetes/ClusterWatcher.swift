import Cluster
import Dispatch
import JobLog
import Kubernetes
import Synchronization
import TraceLog

/// Keeps the log told of a live cluster: what appeared, changed and vanished, and by whom.
///
///     listing ──every kind was listed──▶ watching ──changes, and then quiet──▶ recorded ──┐
///                                            ▲────────────────────────────────────────────┘
///
/// Invariants: nothing is recorded before every kind was listed once; what is recorded together is
/// one observation; what the model does not understand is told, and left out.
public final class ClusterWatcher: Sendable {
    private let client: KubernetesClient
    private let store: ClusterStore
    private let complain: @Sendable (String) -> Void
    private let queue = DispatchQueue(label: "tracectl.cluster-watcher")
    private let state = Mutex(State())
    private let firstRecord = DispatchSemaphore(value: 0)

    private struct State {
        var reflectors: [Reflector] = []
        var unlisted: Set<String> = []
        /// By the kind's path and the object's name.
        var objects: [String: [String: Held]] = [:]
        /// Objects that are new or changed, and those that went, since the last record.
        var changed: [String: Held] = [:]
        var removed: [String: Resource] = [:]
        var cluster: Cluster?
        var references: [String: ResourceReference] = [:]
        var isDue = false
        var failures: Set<String> = []
        var isStopped = false
    }

    private struct Held {
        var resource: Resource
        var reference: ResourceReference
        var content: Content
    }

    /// What changes in so long a time is one observation.
    private static let togetherMilliseconds = 300
    private static let retrySeconds = 5

    public init(
        client: KubernetesClient, store: ClusterStore,
        complain: @escaping @Sendable (String) -> Void
    ) {
        self.client = client
        self.store = store
        self.complain = complain
    }

    /// Begins to watch, and waits until the cluster as it is now was recorded, for so many seconds
    /// at most. Blocks; throws when the API server cannot be asked which kinds it has.
    public func start(waitingSecondsMax seconds: Int) throws {
        let served = try ClusterKind.served(by: client)
        let reflectors = served.map { kind, resource in
            Reflector(client, resource, kind.selection) { [weak self] news in
                self?.take(news, kind, resource.path())
            }
        }
        state.withLock { state in
            state.reflectors = reflectors
            state.unlisted = Set(served.map { $0.1.path() })
        }
        for reflector in reflectors { reflector.start() }
        guard firstRecord.wait(timeout: .now() + .seconds(seconds)) == .success else {
            throw WorkerError("the cluster's objects cannot be listed in \(seconds) s")
        }
    }

    public func stop() {
        for reflector in state.withLock({ state in
            state.isStopped = true
            return state.reflectors
        }) { reflector.stop() }
        queue.sync {}
    }

    private func take(_ news: Reflector.News, _ kind: ClusterKind, _ path: String) {
        // Made ready on the reflector's own queue.
        switch news {
        case .failing(let error):
            let isNew = state.withLock { $0.failures.insert(path).inserted }
            // One that is cut off now and then is nothing to speak of.
            guard (error as? APIStatus)?.code == 403 else { return }
            if isNew { complain("\(error)") }
            // Without it the traffic mode is what it is by default.
            if kind.only != nil { queue.async { [self] in replace([], path) } }
            return
        case .replaced(let all):
            let held = all.items.filter(kind.includes).compactMap(ObservedObject.resource)
                .compactMap { self.held($0) }
            queue.async { [self] in replace(held, path) }
        case .changed(let object):
            guard kind.includes(object), let resource = ObservedObject.resource(object) else {
                return
            }
            guard let held = held(resource) else {
                // As it was it is no longer.
                queue.async { [self] in remove(ClusterStore.reference(to: resource).0.key, path) }
                return
            }
            queue.async { [self] in change(held, path) }
        case .deleted(let object):
            guard kind.includes(object), let resource = ObservedObject.resource(object) else {
                return
            }
            queue.async { [self] in remove(ClusterStore.reference(to: resource).0.key, path) }
        }
    }

    /// Nil where the model does not understand it.
    private func held(_ resource: Resource) -> Held? {
        do {
            _ = try Cluster([resource])
        } catch {
            complain("\(resource.kind) \(resource.name) is left out: \(error)")
            return nil
        }
        let (reference, content) = ClusterStore.reference(to: resource)
        return Held(resource: resource, reference: reference, content: content)
    }

    private func replace(_ all: [Held], _ path: String) {
        let fresh = Dictionary(all.map { ($0.reference.key, $0) }, uniquingKeysWith: { $1 })
        state.withLock { state in
            state.unlisted.remove(path)
            let known = state.objects[path] ?? [:]
            for key in known.keys where fresh[key] == nil { Self.remove(key, path, &state) }
            for (_, held) in fresh { Self.change(held, path, &state) }
        }
        recordLater()
    }

    private func change(_ held: Held, _ path: String) {
        state.withLock { Self.change(held, path, &$0) }
        recordLater()
    }

    private func remove(_ key: String, _ path: String) {
        if state.withLock({ Self.remove(key, path, &$0) }) { recordLater() }
    }

    private static func change(_ held: Held, _ path: String, _ state: inout State) {
        let key = held.reference.key
        let known = state.objects[path]?[key]
        guard known?.reference.digest != held.reference.digest else { return }
        state.objects[path, default: [:]][key] = held
        state.changed[key] = held
        state.removed[key] = nil
        state.references[key] = held.reference
    }

    /// Returns whether it was there.
    @discardableResult
    private static func remove(_ key: String, _ path: String, _ state: inout State) -> Bool {
        guard let known = state.objects[path]?.removeValue(forKey: key) else { return false }
        state.changed[key] = nil
        state.removed[key] = known.resource
        state.references[key] = nil
        return true
    }

    /// On the queue.
    private func recordLater() {
        let now = DispatchTime.now()
        let isDue = state.withLock { state in
            guard state.unlisted.isEmpty, !state.isDue else { return false }
            state.isDue = true
            return true
        }
        guard isDue else { return }
        queue.asyncAfter(deadline: now + .milliseconds(Self.togetherMilliseconds)) { [weak self] in
            self?.record()
        }
    }

    private func record() {
        let isDone = state.withLock { state in
            state.isDue = false
            guard !state.isStopped else { return true }
            do {
                var cluster = state.cluster
                if cluster == nil {
                    cluster = try Cluster(
                        state.objects.values.flatMap { $0.values.map(\.resource) })
                } else {
                    try cluster?.apply(
                        state.changed.values.map(\.resource),
                        removing: Array(state.removed.values))
                }
                guard let cluster else { return true }
                try store.observe(state.references, state.changed.mapValues(\.content), cluster)
                (state.changed, state.removed) = ([:], [:])
                state.cluster = cluster
                firstRecord.signal()
                return true
            } catch {
                // What could not be recorded is with the next; the model is made anew then.
                state.cluster = nil
                complain("the cluster could not be recorded: \(error)")
                return false
            }
        }
        guard !isDone else { return }
        queue.asyncAfter(deadline: .now() + .seconds(Self.retrySeconds)) { [weak self] in
            self?.recordLater()
        }
    }
}
