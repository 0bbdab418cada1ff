import Kubernetes
import Traceflow

/// What the server answered to what was asked of it.
extension AntreaPlan {
    enum Answer: Hashable, Sendable {
        case there(AntreaStatus, owner: TraceAttempt?)
        /// There is an object of that name already.
        case occupied
        case gone
        /// It is not as it was when it was to be deleted.
        case changed
        /// The server will not: whenever it is asked, or perhaps because it is not ready yet.
        case refused(String, isFinal: Bool)
        /// Whether it was done nobody knows.
        case unknown
    }

    mutating func created(_ name: String, _ answer: Answer, at now: Int64, _ time: Moment)
        -> [Action]
    {
        guard let object = made[name] else { return [] }
        made[name]?.isAsked = false
        guard object.state == .creating else {
            // The watch was faster.
            return object.state == .present && object.isOver ? delete(name) : []
        }
        switch answer {
        case .there(let status, let owner):
            guard owner == object.attempt else {
                made[name] = nil
                return fail(object.attempt, "", "the name \(name) is taken on the cluster")
                    + pump(at: now, time)
            }
            refusingSince = nil
            return seen(mine: status, name, at: now, time)
        case .occupied: return [.read(name: name)]
        case .refused(let message, let isFinal):
            let since = refusingSince ?? now
            refusingSince = since
            let isEnough =
                now - since >= Self.refusedMicrosecondsMax
                && object.refusals + 1 >= Self.refusalsMax
            guard isFinal || isEnough || object.isOver && !object.mayBeThere else {
                made[name]?.refusals += 1
                return later(name, at: now)
            }
            made[name] = nil
            return fail(object.attempt, "", message) + pump(at: now, time)
        // It was there and is gone: whether it ran nobody can tell any more.
        case .gone, .changed: return settled(name, wasEmpty: false, at: now, time)
        case .unknown:
            refusingSince = nil
            made[name]?.refusals = 0
            made[name]?.mayBeThere = true
            return later(name, at: now)
        }
    }

    mutating func deleted(_ name: String, _ answer: Answer, at now: Int64, _ time: Moment)
        -> [Action]
    {
        if made[name]?.state != .deleting, others[name] != nil {
            // What is still there is judged again.
            switch answer {
            case .there, .gone: break
            case .occupied, .changed, .refused, .unknown: others[name]?.isDeleting = false
            }
            return []
        }
        guard let object = made[name], object.state == .deleting else { return [] }
        switch answer {
        // The watch tells when it has settled; if that is late, asking once more does.
        case .there, .occupied: return later(name, at: now)
        case .gone: return settled(name, wasEmpty: object.isRequeued, at: now, time)
        case .changed:
            made[name]?.state = .present
            made[name]?.isRequeued = false
            made[name]?.emptySince = nil
            return object.isOver ? delete(name) : [.read(name: name)]
        case .refused, .unknown: return later(name, at: now)
        }
    }

    /// What became of an object that was read by its name.
    mutating func read(_ name: String, _ answer: Answer, at now: Int64, _ time: Moment) -> [Action]
    {
        guard let object = made[name] else { return [] }
        switch answer {
        case .there(let status, let owner):
            guard owner == object.attempt, object.uid == nil || object.uid == status.uid else {
                return settled(name, wasEmpty: false, at: now, time)
            }
            return seen(mine: status, name, at: now, time)
        case .gone:
            // A request to create it may be on its way yet: it is made again, or asked for again.
            if object.state == .creating, !object.isOver { return later(name, at: now) }
            return settled(name, wasEmpty: object.isRequeued, at: now, time)
        case .occupied, .changed, .refused, .unknown: return later(name, at: now)
        }
    }

    /// To be looked after again in a while.
    private mutating func later(_ name: String, at now: Int64) -> [Action] {
        guard var object = made[name] else { return [] }
        let wait = Int64(object.retry.next()) * 1000
        object.lookAt = now + wait
        made[name] = object
        return [.look(at: now + wait)]
    }

    /// Time has passed.
    mutating func look(at now: Int64, _ time: Moment) -> [Action] {
        var actions: [Action] = []
        for (name, object) in made.sorted(by: { $0.key < $1.key }) {
            if let moment = object.lookAt, moment <= now {
                made[name]?.lookAt = nil
                actions += lookAgain(name, object)
            } else if let moment = object.lookAt {
                // Who looks remembers one moment alone: the next is said again.
                actions.append(.look(at: moment))
            }
            if object.state == .present, !object.isOver, let since = object.emptySince {
                if object.isAsked {
                    actions.append(.look(at: now + Self.emptyMicrosecondsMax))
                } else if now - since >= Self.emptyMicrosecondsMax, let uid = object.uid {
                    made[name]?.state = .deleting
                    made[name]?.isRequeued = true
                    actions.append(
                        .delete(
                            name: name, uid: uid, resourceVersion: object.resourceVersion))
                } else {
                    actions.append(.look(at: since + Self.emptyMicrosecondsMax))
                }
            }
        }
        for key in runs.keys.sorted(by: { $0.trace < $1.trace }) {
            guard let status = runs[key]?.held else { continue }
            actions += report(status, key, at: now)
        }
        return actions + pump(at: now, time)
    }

    private mutating func lookAgain(_ name: String, _ object: Made) -> [Action] {
        switch object.state {
        case .creating:
            guard !object.isOver, let run = runs[object.attempt] else { return [.read(name: name)] }
            // The same name: if it is there already, the server says so.
            made[name]?.isAsked = true
            return [
                .create(
                    AntreaObject(
                        log: log, attempt: object.attempt, incarnation: run.incarnation),
                    run.started.request)
            ]
        case .present: return []
        case .deleting:
            guard let uid = object.uid else { return [.read(name: name)] }
            return [
                .delete(
                    name: name, uid: uid,
                    resourceVersion: object.isRequeued && !object.isOver
                        ? object.resourceVersion : nil)
            ]
        }
    }

    /// What the log says of an object that this worker did not make.
    mutating func judged(_ name: String, uid: String, isCurrent: Bool) -> [Action] {
        guard let other = others[name], other.uid == uid, !isCurrent, !other.isDeleting else {
            return []
        }
        others[name]?.isDeleting = true
        return [.delete(name: name, uid: uid, resourceVersion: nil)]
    }

    /// Asks the log again about what others of this log have made.
    func judgeAll() -> [Action] {
        others.sorted { $0.key < $1.key }.compactMap { name, other in
            guard let attempt = other.attempt, !other.isDeleting else { return nil }
            return .judge(name: name, uid: other.uid, attempt)
        }
    }
}
