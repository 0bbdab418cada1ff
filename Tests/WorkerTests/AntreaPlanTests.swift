import Kubernetes
import Scheduler
import Testing
import Traceflow

@testable import Worker

/// A cluster in memory with Antrea's controller on it, and people who use it too; what it is asked
/// arrives late, twice or never, and so do its answers.
private struct ImaginedCluster {
    struct Object {
        var uid: String
        var version: Int
        var owner: TraceAttempt?
        var labels: [String: String]
        var phase = ""
        var isBegun = false
    }

    var objects: [String: Object] = [:]
    var version = 1
    var nextUID = 1
    /// How many objects were begun for each attempt.
    var begun: [TraceAttempt: Int] = [:]
    var busyMax = 0

    var busy: Int { objects.values.count { $0.phase == "Running" } }

    func json(_ name: String, _ object: Object) -> JSONValue {
        .of([
            "metadata": .of([
                "name": .string(name), "uid": .string(object.uid),
                "resourceVersion": .string(String(object.version)),
                "labels": .texts(object.labels),
            ]),
            "status": .of([
                "phase": .string(object.phase),
                "results": object.phase == "Succeeded" ? Self.results : .null,
            ]),
        ])
    }

    private static let results: JSONValue = [
        [
            "node": "n",
            "observations": [
                ["component": "SpoofGuard", "action": "Forwarded"],
                ["component": "Forwarding", "action": "Delivered"],
            ],
        ]
    ]

    mutating func create(_ object: AntreaObject, _ request: TraceRequest) -> AntreaPlan.Answer {
        if objects[object.name] != nil { return .occupied }
        let made = object.json(of: request, groupVersion: "crd.antrea.io/v1beta1")
        add(
            object.name,
            labels: made["metadata"]["labels"].texts, owner: object.attempt)
        return read(object.name)
    }

    mutating func add(_ name: String, labels: [String: String] = [:], owner: TraceAttempt? = nil) {
        version += 1
        objects[name] = Object(
            uid: "u\(nextUID)", version: version, owner: owner, labels: labels)
        nextUID += 1
    }

    func read(_ name: String) -> AntreaPlan.Answer {
        guard let object = objects[name],
            let status = AntreaStatus(json(name, object))
        else { return .gone }
        return .there(status, owner: object.owner)
    }

    mutating func delete(_ name: String, uid: String, version: String?) -> AntreaPlan.Answer {
        guard let object = objects[name] else { return .gone }
        guard object.uid == uid, version == nil || version == String(object.version) else {
            return .changed
        }
        objects[name] = nil
        self.version += 1
        return .there(
            AntreaStatus(json(name, object)) ?? AntreaStatus.none(name), owner: object.owner)
    }

    /// Antrea goes on with one of the objects.
    mutating func advance(_ name: String) {
        guard var object = objects[name] else { return }
        switch object.phase {
        case "" where busy < 14:
            object.phase = "Running"
            if let owner = object.owner { begun[owner, default: 0] += 1 }
        case "Running": object.phase = "Succeeded"
        case _: return
        }
        version += 1
        object.version = version
        objects[name] = object
        busyMax = max(busyMax, busy)
    }
}

extension AntreaStatus {
    fileprivate static func none(_ name: String) -> AntreaStatus {
        guard let none = AntreaStatus(["metadata": ["name": .string(name), "uid": "none"]]) else {
            preconditionFailure("an object with name and uid")
        }
        return none
    }
}

@Suite("What is done about attempts on a real cluster")
struct AntreaPlanTests {
    private static let request = TraceRequest(
        name: "t", apiVersion: .v1beta1,
        spec: TraceflowSpec(source: .init(namespace: "a", pod: "p"), timeout: 20))

    private static func attempt(_ trace: Int64) -> StartedAttempt {
        StartedAttempt(
            trace: TraceID(trace), attempt: 1, tag: 0, deadline: Moment(microseconds: .max),
            request: request)
    }

    /// Whatever comes in which order: each attempt is begun once at most, credits are kept, and in
    /// the end every attempt was told and nothing is left.
    @Test(arguments: 0..<60) func anyOrderOfThings(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        func chance(_ percent: Int) -> Bool { random.happens(percent) }
        var cluster = ImaginedCluster()
        var plan = AntreaPlan(log: "log", reserve: 4)
        var now: Int64 = 0
        var pending: [AntreaPlan.Action] = []
        var ended: Set<TraceAttempt> = []
        var told: [TraceAttempt: Int] = [:]
        let total: Int64 = 30
        var started: Int64 = 0
        var foreign = 0
        let isRough = seed % 3 != 0

        func take(_ actions: [AntreaPlan.Action]) {
            for action in actions {
                guard case .report(let report) = action else {
                    pending.append(action)
                    continue
                }
                let key = TraceAttempt(trace: report.trace, attempt: report.id.attempt)
                if case .said = report.content {
                    told[key, default: 0] += 1
                    ended.insert(key)
                }
            }
        }

        /// Asks the cluster; the answer may be lost.
        func perform(_ action: AntreaPlan.Action) {
            let moment = Moment(microseconds: now)
            let isLostBefore = isRough && chance(8)
            let isLostAfter = isRough && chance(8)
            func answered(_ ask: () -> AntreaPlan.Answer) -> AntreaPlan.Answer {
                if isLostBefore { return .unknown }
                let answer = ask()
                return isLostAfter ? .unknown : answer
            }
            switch action {
            case .create(let object, let request):
                take(
                    plan.created(
                        object.name,
                        isRough && chance(5)
                            ? .refused("not ready", isFinal: false)
                            : answered { cluster.create(object, request) }, at: now, moment))
            case .read(let name):
                take(plan.read(name, answered { cluster.read(name) }, at: now, moment))
            case .delete(let name, let uid, let version):
                take(
                    plan.deleted(
                        name, answered { cluster.delete(name, uid: uid, version: version) },
                        at: now, moment))
            case .judge(let name, let uid, let attempt):
                take(plan.judged(name, uid: uid, isCurrent: !ended.contains(attempt)))
            case .look, .report: break
            }
        }

        /// What a list says may be told when it is true no longer.
        var listed = cluster
        func relist() {
            if !isRough || chance(70) { listed = cluster }
            take(
                plan.replaced(
                    listed.objects.map { listed.json($0.key, $0.value) },
                    version: String(listed.version), at: now, Moment(microseconds: now)))
        }

        relist()
        for round in 0..<20_000 {
            now += Int64.random(in: 0...400_000, using: &random)
            let moment = Moment(microseconds: now)
            if started < total, chance(20) {
                started += 1
                take(plan.start(Self.attempt(started), at: now, moment))
            }
            if foreign < 6, chance(2) {
                foreign += 1
                cluster.add("foreign-\(foreign)")
            }
            // What the watch tells is told by lists here; they may be late.
            if chance(30) { relist() }
            if !pending.isEmpty, chance(60) {
                perform(pending.remove(at: Int.random(in: 0..<pending.count, using: &random)))
            }
            if chance(40), let name = cluster.objects.keys.sorted().randomElement(using: &random) {
                cluster.advance(name)
            }
            for key in ended.sorted(by: { $0.trace < $1.trace }) where plan.runs[key] != nil {
                take(plan.stop(key, at: now, moment))
            }
            take(plan.look(at: now, moment))
            #expect(plan.made.count <= 10, "round \(round)")
            if started == total, ended.count == Int(total), plan.made.isEmpty, pending.isEmpty,
                cluster.objects.values.allSatisfy({ $0.owner == nil })
            {
                break
            }
        }
        #expect(ended.count == Int(total), "seed \(seed): \(ended.count) were told")
        #expect(cluster.begun.values.allSatisfy { $0 == 1 }, "seed \(seed): \(cluster.begun)")
        #expect(cluster.objects.values.allSatisfy { $0.owner == nil }, "seed \(seed)")
        #expect(plan.made.isEmpty && plan.runs.isEmpty && plan.line.isEmpty)
    }

    @Test("where people wait for a tag nothing is made, for five minutes at most")
    func peopleFirst() {
        var plan = AntreaPlan(log: "log", reserve: 4)
        let moment = Moment(microseconds: 0)
        let waiting: JSONValue = ["metadata": ["name": "theirs", "uid": "u"]]
        _ = plan.replaced([waiting], version: "1", at: 0, moment)
        #expect(!plan.start(Self.attempt(1), at: 1, moment).contains { $0.isCreation })
        #expect(!plan.look(at: 299_000_000, moment).contains { $0.isCreation })
        #expect(plan.look(at: 300_000_001, moment).contains { $0.isCreation })
    }

    @Test("what is refused by a server that may not be ready is asked for again, for ten seconds")
    func notReady() {
        var plan = AntreaPlan(log: "log", reserve: 4)
        let moment = Moment(microseconds: 0)
        _ = plan.replaced([], version: "1", at: 0, moment)
        guard case .create(let object, _) = plan.start(Self.attempt(1), at: 0, moment).first else {
            Issue.record("nothing was made")
            return
        }
        let refused = AntreaPlan.Answer.refused("404 page not found", isFinal: false)
        for second: Int64 in [0, 3, 6] {
            #expect(plan.created(object.name, refused, at: second * 1_000_000, moment).count == 1)
            #expect(
                plan.look(at: second * 1_000_000 + 2_999_999, moment).contains { $0.isCreation })
        }
        let end = plan.created(object.name, refused, at: 10_000_000, moment)
        #expect(end.contains { if case .report = $0 { true } else { false } })
        #expect(plan.made.isEmpty)
        // One that nobody wants any more is not asked for again.
        guard case .create(let other, _) = plan.start(Self.attempt(2), at: 0, moment).first else {
            Issue.record("nothing was made")
            return
        }
        _ = plan.stop(TraceAttempt(trace: TraceID(2), attempt: 1), at: 1, moment)
        _ = plan.created(other.name, refused, at: 2, moment)
        #expect(plan.made.isEmpty)
    }

    @Test("an object that was made anew by others under its name, unseen, holds no credit of ours")
    func remade() {
        var plan = AntreaPlan(log: "log", reserve: 4)
        let moment = Moment(microseconds: 0)
        _ = plan.replaced([], version: "1", at: 0, moment)
        guard
            case .create(let object, let request) = plan.start(
                Self.attempt(1), at: 0, moment
            ).first
        else {
            Issue.record("nothing was made")
            return
        }
        var cluster = ImaginedCluster()
        _ = plan.created(object.name, cluster.create(object, request), at: 1, moment)
        #expect(plan.used == 1)
        cluster.add(object.name)
        let actions = plan.replaced(
            cluster.objects.map { cluster.json($0.key, $0.value) },
            version: String(cluster.version), at: 2, moment)
        #expect(actions.contains { if case .report = $0 { true } else { false } })
        #expect(plan.used == 0 && plan.foreign == 1)
    }

    @Test("rates are kept, in all and in each namespace")
    func rates() {
        var radius = BlastRadius(ratePerSecond: 4, ratePerSecondAndNamespace: 2)
        var taken: [String: Int] = [:]
        for tick in 0..<1000 {
            for namespace in ["a", "b", "c"] {
                if radius.take([namespace], at: Int64(tick) * 10_000) == nil {
                    taken[namespace, default: 0] += 1
                }
            }
        }
        // Ten seconds, and what may be taken at once.
        #expect(taken.values.reduce(0, +) <= 4 * 10 + 4)
        #expect(taken.values.allSatisfy { $0 <= 2 * 10 + 2 })
        #expect(taken.values.reduce(0, +) >= 4 * 10)
    }

    @Test("a namespace that wants none gets none, whoever is meant")
    func optedOut() {
        var plan = AntreaPlan(log: "log", reserve: 4)
        plan.radius.optedOut = ["a"]
        _ = plan.replaced([], version: "1", at: 0, Moment(microseconds: 0))
        let actions = plan.start(Self.attempt(1), at: 0, Moment(microseconds: 0))
        #expect(actions.count == 1)
        guard case .report(let report) = actions.first,
            case .said(.failed(let error)) = report.content
        else {
            Issue.record("\(actions)")
            return
        }
        #expect(error == "namespace a wants no traces (label tracectl.dev/tracing=disabled)")
    }

    @Test("Antrea's words for a node's failure are taken apart, others are left whole")
    func reasons() {
        #expect(AntreaNodeError(reason: "Node: n1, error: no, really")?.node == "n1")
        #expect(AntreaNodeError(reason: "Node: n1, error: no, really")?.error == "no, really")
        #expect(AntreaNodeError(reason: "Invalid Traceflow request, err: x") == nil)
    }

    @Test("a spec is sent as Antrea has it, without what is ours")
    func spec() {
        let spec = TraceflowSpec(
            source: .init(namespace: "a", pod: "p"), destination: .init(ip: "10.0.0.1"),
            packet: Packet(
                ipHeader: IPHeader(protocol: 6, ttl: 3),
                transportHeader: TransportHeader(tcp: TCPHeader(dstPort: 80, flags: 0))),
            liveTraffic: true, timeout: 7, capture: CaptureRequest(firstN: 1))
        #expect(
            spec.json.description
                == #"{"destination":{"ip":"10.0.0.1"},"liveTraffic":true,"packet":{"ipHeader":"#
                + #"{"protocol":6,"ttl":3},"transportHeader":{"tcp":{"dstPort":80,"flags":0}}},"#
                + #""source":{"namespace":"a","pod":"p"},"timeout":7}"#)
    }
}

extension AntreaPlan.Action {
    fileprivate var isCreation: Bool {
        if case .create = self { true } else { false }
    }
}
