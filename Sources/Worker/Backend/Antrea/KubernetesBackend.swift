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
        /// Told when the cluster does not answer as it should, and when it does again; nil words.
        public var complain: @Sendable (String?) -> Void = { _ in }

        public init() {}
    }

    public let abilities = BackendAbilities(
        liveTraffic: true, droppedOnly: true, takesOurTags: false,
        inFlightMax: TagPool.tags.count)

    private let client: KubernetesClient
    private let resource: APIResource
    private let log: JobLog
    private let coding: TraceCoding
    private let clock: Clock
    private let options: Options
    private let queue = DispatchQueue(label: "tracectl.kubernetes-backend")
    private let shared = Mutex(Shared())
    private let reflector = Mutex<Reflector?>(nil)
    /// Signalled once, by the first list.
    private let isKnown = DispatchSemaphore(value: 0)

    private struct Shared {
        var plan: AntreaPlan
        var reports: [TraceAttempt: @Sendable (BackendReport) -> Void] = [:]
        var allotment: TagProfile
        var allotmentChanged: @Sendable () -> Void = {}
        /// The moment of the next look that was asked for, on the monotonic clock.
        var nextLook: Int64 = .max
        var isFailing = false
        var isClosed = false

        init() {
            plan = AntreaPlan(log: "", reserve: 0)
            allotment = .external(reserve: 0, foreign: 0)
        }
    }

    /// So often the log is asked whether objects of its other workers are still wanted.
    private static let judgingSeconds = 5
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
                log: AntreaObject.shortened(logID: log.logID), reserve: options.reservedTags)
            shared.allotment = shared.plan.allotment
        }
        let watch = Reflector(client, resource) { [weak self] news in self?.take(news) }
        reflector.withLock { $0 = watch }
        watch.start()
        // What others hold must be known before the first decision.
        guard isKnown.wait(timeout: .now() + .seconds(Self.firstListSecondsMax)) == .success else {
            finish(secondsMax: 0)
            throw WorkerError("the cluster's Traceflows cannot be listed; is the API server there?")
        }
        judgeLater()
    }

    static func resource(_ client: KubernetesClient) throws -> APIResource {
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
        while DispatchTime.now() < end {
            let isEmpty = queue.sync { shared.withLock { $0.plan.made.isEmpty } }
            if isEmpty { break }
            Thread.sleep(forTimeInterval: 0.02)
        }
        shared.withLock { $0.isClosed = true }
        reflector.withLock { $0 }?.stop()
        client.close()
    }

    // MARK: what is heard

    private func take(_ news: Reflector.News) {
        queue.async { [self] in
            switch news {
            case .failing(let error):
                let isNew = shared.withLock { shared in
                    defer { shared.isFailing = true }
                    return !shared.isFailing
                }
                if isNew { options.complain("\(error)") }
                return
            case .replaced(let all):
                let isFirst = shared.withLock { !$0.plan.isSynced }
                step { $0.replaced(all, at: $1, $2) }
                if isFirst { isKnown.signal() }
            case .changed(let object): step { $0.changed(object, at: $1, $2) }
            case .deleted(let object): step { $0.vanished(object, at: $1, $2) }
            }
            let isOverNow = shared.withLock { shared in
                defer { shared.isFailing = false }
                return shared.isFailing
            }
            if isOverNow { options.complain(nil) }
        }
    }

    /// On the queue: decides, and does what was decided.
    private func step(_ decide: (inout AntreaPlan, Int64, Moment) -> [AntreaPlan.Action]) {
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

    private func perform(_ action: AntreaPlan.Action) {
        switch action {
        case .create(let object, let request):
            let body = object.json(of: request, groupVersion: resource.groupVersion)
            ask(APICall("POST", resource.path(), body: body)) { [self] answer in
                step { $0.created(object.name, answer, at: $1, $2) }
            }
        case .read(let name):
            ask(APICall("GET", resource.path(name: name))) { [self] answer in
                step { $0.read(name, answer, at: $1, $2) }
            }
        case .delete(let name, let uid, let version):
            let preconditions: JSONValue = .of([
                "uid": .string(uid), "resourceVersion": version.map { .string($0) },
            ])
            let call = APICall(
                "DELETE", resource.path(name: name),
                body: [
                    "apiVersion": "v1", "kind": "DeleteOptions", "preconditions": preconditions,
                ], isRepeatable: true)
            ask(call) { [self] answer in step { $0.deleted(name, answer, at: $1, $2) } }
        case .report(let report):
            let key = TraceAttempt(trace: report.trace, attempt: report.id.attempt)
            shared.withLock { $0.reports[key] }?(report)
        case .judge(let name, let uid, let attempt):
            let isCurrent = isCurrent(attempt)
            step { plan, _, _ in plan.judged(name, uid: uid, isCurrent: isCurrent) }
        case .look(let moment): lookLater(at: moment)
        }
    }

    private func ask(
        _ call: APICall, then: @escaping @Sendable (AntreaPlan.Answer) -> Void
    ) {
        client.send(call) { [queue, logName = AntreaObject.shortened(logID: log.logID)] result in
            let answer = Self.answer(result, isCreation: call.method == "POST", log: logName)
            queue.async { then(answer) }
        }
    }

    static func answer(
        _ result: Result<JSONValue, any Error>, isCreation: Bool, log: String
    ) -> AntreaPlan.Answer {
        switch result {
        case .success(let object):
            guard let status = AntreaStatus(object) else { return .gone }
            return .there(status, owner: AntreaObject.owner(object["metadata"], log: log))
        case .failure(let error):
            guard let status = error as? APIStatus else {
                return error is ConfigError ? .refused("\(error)") : .unknown
            }
            switch status.code {
            case 404: return isCreation ? .refused(status.message) : .gone
            case 409: return isCreation ? .occupied : .changed
            case 401, 408, 429: return .unknown
            case 400..<500: return .refused(status.message)
            default: return .unknown
            }
        }
    }

    // MARK: time and log

    private func lookLater(at moment: Int64) {
        let isSooner = shared.withLock { shared in
            guard moment < shared.nextLook else { return false }
            shared.nextLook = moment
            return true
        }
        guard isSooner else { return }
        let wait = max(0, moment - clock.monotonicMicroseconds())
        queue.asyncAfter(deadline: .now() + .microseconds(Int(wait))) { [weak self] in
            guard let self else { return }
            let isCurrent = shared.withLock { shared in
                guard shared.nextLook == moment else { return false }
                shared.nextLook = .max
                return true
            }
            if isCurrent { step { $0.look(at: $1, $2) } }
        }
    }

    private func judgeLater() {
        queue.asyncAfter(deadline: .now() + .seconds(Self.judgingSeconds)) { [weak self] in
            guard let self, !shared.withLock({ $0.isClosed }) else { return }
            step { plan, _, _ in plan.judgeAll() }
            judgeLater()
        }
    }

    /// Whether the log has the attempt as the one that runs. What cannot be read is left alone.
    private func isCurrent(_ attempt: TraceAttempt) -> Bool {
        do {
            guard let story = try coding.story(log.read(stream: attempt.trace.rawValue)) else {
                return false
            }
            return story.trace.phase == .running && story.trace.attempt == attempt.attempt
        } catch {
            return true
        }
    }
}
