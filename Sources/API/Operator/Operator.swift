import Dispatch
import Foundation
import JobLog
import Kubernetes
import Synchronization
import TraceLog
import Traceflow
import Worker

/// Makes the log's schedules and sweeps those that the cluster's TraceSchedules and TraceSweeps ask
/// for, and their status what the log says.
///
///     watching ──news of an object, or of the log──▶ reconciling ──▶ watching
///
/// One round looks at everything: what is to be follows from the objects, what is from the log, so
/// that a round may be cut off anywhere, and be made again. Only who holds the log's lease acts.
/// Invariants:
/// - a schedule or sweep that people made, and no object, is left alone;
/// - nothing is deleted before all objects were listed.
public final class Operator: Sendable {
    public struct Options: Sendable {
        /// Whether this process decides for the log.
        public var isLeader: @Sendable () -> Bool
        /// Told what does not work, in one line.
        public var complain: @Sendable (String) -> Void

        public init(
            isLeader: @escaping @Sendable () -> Bool,
            complain: @escaping @Sendable (String) -> Void
        ) {
            self.isLeader = isLeader
            self.complain = complain
        }
    }

    static let group = "tracectl.dev"
    static let version = "v1alpha1"

    let client: KubernetesClient
    let log: JobLog
    let clusters: ClusterStore
    let clock: Clock
    private let options: Options
    private let waker = Waker()
    private let ended = DispatchSemaphore(value: 0)
    private let state = Mutex(State())

    private struct State {
        var reflectors: [Reflector] = []
        /// Objects by plural and name; nil before they were listed.
        var objects: [String: [String: JSONValue]?] = [:]
        var hasNews = false
        var isStopped = false
        /// What was complained of last, so that it is said once.
        var complaint = ""
        var objectComplaints: Set<String> = []
    }

    /// The log may change many times a second; a round now and then keeps statuses up.
    private static let roundMicroseconds: Int64 = 2_000_000

    public init(
        client: KubernetesClient, log: JobLog, clusters: ClusterStore, clock: Clock = .system,
        options: Options
    ) {
        self.client = client
        self.log = log
        self.clusters = clusters
        self.clock = clock
        self.options = options
    }

    /// Begins to watch, and to reconcile on a thread of its own. Blocks for a moment; throws when
    /// the cluster cannot be asked, or has none of our kinds.
    public func start() throws {
        let served = try client.resources(group: Self.group, version: Self.version)
        let wanted = [TraceScheduleObjects.plural, TraceSweepObjects.plural]
        for plural in wanted where !served.contains(where: { $0.plural == plural }) {
            throw WorkerError(
                "the cluster has no \(plural).\(Self.group); apply"
                    + " deploy/kustomize/base/crds.yaml first")
        }
        let reflectors = served.filter { wanted.contains($0.plural) }.map { resource in
            Reflector(client, resource) { [weak self] news in self?.take(news, resource.plural) }
        }
        state.withLock { state in
            state.reflectors = reflectors
            for plural in wanted { state.objects[plural] = .some(nil) }
        }
        for reflector in reflectors { reflector.start() }
        let thread = Thread { [self] in
            run()
            ended.signal()
        }
        thread.name = "tracectl.operator"
        thread.stackSize = 8 << 20
        thread.start()
    }

    /// Ends the round that is under way and makes no other.
    public func stop() {
        let reflectors = state.withLock { state in
            state.isStopped = true
            return state.reflectors
        }
        guard !reflectors.isEmpty else { return }
        for reflector in reflectors { reflector.stop() }
        log.wake(waker)
        // A server that is away may hold up a call for minutes; a round may end anywhere.
        _ = ended.wait(timeout: .now() + .seconds(Self.stopSecondsMax))
    }

    private static let stopSecondsMax = 5

    private func take(_ news: Reflector.News, _ plural: String) {
        func name(_ object: JSONValue) -> String { object["metadata"]["name"].text ?? "" }
        state.withLock { state in
            switch news {
            case .failing: return
            case .replaced(let all):
                state.objects[plural] = Dictionary(
                    all.items.map { (name($0), $0) }, uniquingKeysWith: { $1 })
            case .changed(let object): state.objects[plural]??[name(object)] = object
            case .deleted(let object): state.objects[plural]??[name(object)] = nil
            }
            state.hasNews = true
        }
        log.wake(waker)
    }

    private func run() {
        var seen: Int64 = -1
        while !state.withLock({ $0.isStopped }) {
            do {
                let position = try log.lastPosition()
                if options.isLeader() {
                    let hasNews = state.withLock { state in
                        defer { state.hasNews = false }
                        return state.hasNews
                    }
                    if hasNews || position > seen {
                        try round()
                        seen = position
                    }
                } else {
                    seen = -1
                }
                // What the log says next may wait; what people ask for does not.
                let end = clock.monotonicMicroseconds() + Self.roundMicroseconds
                let isLeader = seen >= 0
                while !state.withLock({ $0.hasNews && isLeader || $0.isStopped }) {
                    let left = end - clock.monotonicMicroseconds()
                    guard left > 0 else { break }
                    _ = try log.waitForNews(
                        after: .max, timeoutMicroseconds: left, waker: waker)
                }
                complain("")
            } catch {
                complain("\(error)")
                state.withLock { $0.hasNews = true }
                Thread.sleep(forTimeInterval: Self.secondsAfterFailure)
            }
        }
    }

    private static let secondsAfterFailure = 2.0

    /// Says what is wrong with one object, once.
    func complain(ofObject text: String) {
        let isNew = state.withLock { state in
            if state.objectComplaints.count >= Self.complaintsMax { state.objectComplaints = [] }
            return state.objectComplaints.insert(text).inserted
        }
        if isNew { options.complain(text) }
    }

    private static let complaintsMax = 1000

    private func complain(_ text: String) {
        let isNew = state.withLock { state in
            defer { state.complaint = text }
            return state.complaint != text
        }
        if isNew, !text.isEmpty { options.complain(text) }
    }

    /// Blocks, for as long as the server takes.
    private func round() throws {
        let (schedules, sweeps) = state.withLock { state in
            (
                state.objects[TraceScheduleObjects.plural] ?? nil,
                state.objects[TraceSweepObjects.plural] ?? nil
            )
        }
        if let schedules {
            try TraceScheduleObjects(self).reconcile(schedules)
        }
        if let sweeps { try TraceSweepObjects(self).reconcile(sweeps) }
    }

    /// Writes an object's status where it says something else.
    func write(_ status: JSONValue, of object: JSONValue, _ plural: String) throws {
        guard let name = object["metadata"]["name"].text, object["status"] != status else {
            return
        }
        let resource = APIResource(
            group: Self.group, version: Self.version, plural: plural, kind: "",
            isNamespaced: false)
        // What is not said any more is taken away.
        var patch = status
        for key in object["status"].entries.keys where status[key].isNull {
            patch.setNull(key)
        }
        do {
            let written = try client.call(
                APICall(
                    "PATCH", resource.path(name: name, subresource: "status"),
                    body: ["status": patch], contentType: APICall.mergePatch, isRepeatable: true))
            // So that the next round does not write it again before the watch has told.
            state.withLock { state in
                if state.objects[plural]??[name] == object {
                    state.objects[plural]??[name] = written
                }
            }
        } catch let status as APIStatus where status.isOfOneObject {
            // One that is gone is told by the watch; what is wrong with one must not stop the rest.
            if status.code != 404 { complain(ofObject: "\(plural) \(name): \(status)") }
        }
    }
}

extension APIStatus {
    /// Whether the server refuses what was asked of this object, however often it is asked.
    var isOfOneObject: Bool {
        switch code {
        case 401, 408, 429: false
        case _: (400..<500).contains(code)
        }
    }
}

extension JSONValue {
    /// In a merge patch a null takes the key away.
    fileprivate mutating func setNull(_ key: String) {
        var entries = entries
        entries[key] = .null
        self = .object(entries)
    }
}
