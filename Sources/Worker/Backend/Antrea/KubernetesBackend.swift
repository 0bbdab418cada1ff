import Cluster
import Dispatch
import Foundation
import JobLog
import Kubernetes
import Scheduler
import Synchronization
import TraceLog
import Traceflow

/// Real Antrea: an attempt is a Traceflow on the cluster, which its controller and agents drive.
///
/// `AntreaPlan` decides; here is who asks the server and the log, on a queue of its own. What the
/// server does wrong (drops, delays, is away) is tried again: an attempt ends by what the cluster
/// says of it, or by its deadline in the log.
public final class KubernetesBackend: Backend {
    public struct Options: Sendable {
        /// Tags that are left to people.
        public var reservedTags = 4
        /// How many traces are begun a second, in all and in a namespace.
        public var radius = BlastRadius()
        /// Told when the cluster does not answer as it should, and when it does again; nil words.
        public var complain: @Sendable (String?) -> Void = { _ in }

        public init() {}
    }

    public let abilities = BackendAbilities(
        liveTraffic: true, droppedOnly: true, takesOurTags: false,
        inFlightMax: TagPool.tags.count)

    let client: KubernetesClient
    let resource: APIResource
    let log: JobLog
    let coding: TraceCoding
    let clock: Clock
    let options: Options
    let queue = DispatchQueue(label: "tracectl.kubernetes-backend")
    let shared = Mutex(Shared())
    private let reflectors = Mutex<[Reflector]>([])
    /// Signalled by the first list of Traceflows, and that of namespaces.
    private let isKnown = DispatchSemaphore(value: 0)

    struct Shared {
        var plan: AntreaPlan
        var reports: [TraceAttempt: @Sendable (BackendReport) -> Void] = [:]
        var allotment: TagProfile
        var allotmentChanged: @Sendable () -> Void = {}
        /// The moment of the next look that was asked for, on the monotonic clock.
        var nextLook: Int64 = .max
        /// Answers in a row that were none.
        var failures = 0
        var knowsNamespaces = false
        var isClosed = false

        init() {
            plan = AntreaPlan(log: "", reserve: 0)
            allotment = .external(reserve: 0, foreign: 0)
        }
    }

    /// So often the log is asked whether objects of its other workers are still wanted.
    static let judgingSeconds = 5
    private static let firstListSecondsMax = 30

    /// Finds out which version of Traceflow the server has. Blocks; throws when it cannot be
    /// reached, or has none.
    public init(
        client: KubernetesClient, log: JobLog, clock: Clock = .system, options: Options = Options()
    ) throws {
        self.client = client
        self.log = log
        self.clock = clock
        self.options = options
        coding = TraceCoding(log: log)
        resource = try Self.resource(client)
        shared.withLock { shared in
            shared.plan = AntreaPlan(
                log: AntreaObject.shortened(logID: log.logID), reserve: options.reservedTags,
                radius: options.radius)
            shared.allotment = shared.plan.allotment
        }
        let watch = Reflector(client, resource) { [weak self] news in self?.take(news) }
        let namespaces = Reflector(client, Self.namespaces) { [weak self] news in
            self?.take(namespaces: news)
        }
        reflectors.withLock { $0 = [watch, namespaces] }
        watch.start()
        namespaces.start()
        // What others hold must be known before the first decision.
        let end = DispatchTime.now() + .seconds(Self.firstListSecondsMax)
        guard isKnown.wait(timeout: end) == .success, isKnown.wait(timeout: end) == .success else {
            finish(secondsMax: 0)
            throw WorkerError(
                "the cluster's Traceflows and namespaces cannot be listed; is the API server there?"
            )
        }
        judgeLater()
    }

    static func resource(_ client: KubernetesClient) throws -> APIResource {
        client.waitUntilReady()
        for version in AntreaObject.versions {
            let known = try client.resources(group: AntreaObject.group, version: version)
            if let found = known.first(where: { $0.plural == AntreaObject.plural }) { return found }
        }
        throw WorkerError(
            "the cluster has no Traceflow (\(AntreaObject.group)); is Antrea installed there?")
    }

    // MARK: Backend

    public var allotment: TagProfile? { shared.withLock { $0.allotment } }

    public func whenAllotmentChanges(_ call: @escaping @Sendable () -> Void) {
        shared.withLock { $0.allotmentChanged = call }
    }

    public func start(
        _ attempt: StartedAttempt, report: @escaping @Sendable (BackendReport) -> Void
    ) {
        let key = TraceAttempt(trace: attempt.trace, attempt: attempt.attempt)
        queue.async { [self] in
            shared.withLock { $0.reports[key] = report }
            step { $0.start(attempt, at: $1, $2) }
        }
    }

    public func stop(_ trace: TraceID, attempt: Int) {
        let key = TraceAttempt(trace: trace, attempt: attempt)
        queue.async { [self] in
            shared.withLock { _ = $0.reports.removeValue(forKey: key) }
            step { $0.stop(key, at: $1, $2) }
        }
    }

    /// Waits until what is over is gone from the cluster, at most so long; then asks no more.
    /// Blocks. What is left behind the next worker of this log removes.
    public func finish(secondsMax: Int) {
        let end = DispatchTime.now() + .seconds(secondsMax)
        queue.sync { step { plan, _, _ in plan.judgeAll() } }
        while DispatchTime.now() < end {
            if queue.sync(execute: { shared.withLock { $0.plan.isClean } }) { break }
            Thread.sleep(forTimeInterval: 0.02)
        }
        shared.withLock { $0.isClosed = true }
        for reflector in reflectors.withLock({ $0 }) { reflector.stop() }
        client.close()
    }

    // MARK: what is heard

    private func take(_ news: Reflector.News) {
        queue.async { [self] in
            switch news {
            case .failing(let error):
                let failures = shared.withLock { shared in
                    shared.failures += 1
                    return shared.failures
                }
                // A watch that is cut off now and then is nothing to speak of.
                if failures == Self.failuresMax { options.complain("\(error)") }
                return
            case .replaced(let all):
                let isFirst = shared.withLock { !$0.plan.isSynced }
                step { $0.replaced(all.items, version: all.resourceVersion, at: $1, $2) }
                if isFirst { isKnown.signal() }
            case .changed(let object): step { $0.changed(object, at: $1, $2) }
            case .deleted(let object): step { $0.vanished(object, at: $1, $2) }
            }
            let failures = shared.withLock { shared in
                defer { shared.failures = 0 }
                return shared.failures
            }
            if failures >= Self.failuresMax { options.complain(nil) }
        }
    }

    /// Which namespaces want no traces.
    private func take(namespaces news: Reflector.News) {
        queue.async { [self] in
            shared.withLock { shared in
                switch news {
                case .replaced(let all):
                    shared.plan.radius.optedOut = Set(all.items.compactMap(Self.optedOut))
                case .changed(let object):
                    guard let name = object["metadata"]["name"].text else { return }
                    if Self.optedOut(object) == nil {
                        shared.plan.radius.optedOut.remove(name)
                    } else {
                        shared.plan.radius.optedOut.insert(name)
                    }
                case .deleted(let object):
                    object["metadata"]["name"].text.map {
                        _ = shared.plan.radius.optedOut.remove($0)
                    }
                case .failing: return
                }
            }
            let isFirst = shared.withLock { shared in
                guard case .replaced = news, !shared.knowsNamespaces else { return false }
                shared.knowsNamespaces = true
                return true
            }
            if isFirst { isKnown.signal() }
        }
    }

    private static func optedOut(_ namespace: JSONValue) -> String? {
        let labels = namespace["metadata"]["labels"].texts
        return TracingOptOut.isMeant(by: labels) ? namespace["metadata"]["name"].text : nil
    }

    private static let namespaces = APIResource(
        group: "", version: "v1", plural: "namespaces", kind: "Namespace", isNamespaced: false)
    private static let failuresMax = 3

    /// On the queue: decides, and does what was decided.
    func step(_ decide: (inout AntreaPlan, Int64, Moment) -> [AntreaPlan.Action]) {
        let now = clock.monotonicMicroseconds()
        let time = clock.now()
        let (actions, changed) = shared.withLock { shared in
            guard !shared.isClosed else { return ([AntreaPlan.Action](), nil as (() -> Void)?) }
            let actions = decide(&shared.plan, now, time)
            let allotment = shared.plan.allotment
            guard allotment != shared.allotment else { return (actions, nil) }
            shared.allotment = allotment
            return (actions, shared.allotmentChanged)
        }
        changed?()
        for action in actions { perform(action) }
    }
}
