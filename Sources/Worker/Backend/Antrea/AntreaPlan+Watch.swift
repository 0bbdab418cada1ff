import Kubernetes
import Scheduler
import Traceflow

/// What the watch tells of the cluster's Traceflows.
extension AntreaPlan {
    /// All there were at the list's version.
    mutating func replaced(
        _ all: [JSONValue], version: String, at now: Int64, _ time: Moment
    ) -> [Action] {
        var actions: [Action] = []
        var uids: [String: String] = [:]
        markSynced()
        for object in all {
            guard let status = AntreaStatus(object) else { continue }
            uids[status.name] = status.uid
            actions += take(object, status, at: now, time)
        }
        for (name, object) in made.sorted(by: { $0.key < $1.key })
        where object.state != .creating && (uids[name] == nil || uids[name] != object.uid) {
            // It may have been made since the list was.
            if isNewer(object.resourceVersion, than: version) { continue }
            // In which state it went nobody has seen.
            actions += settled(name, wasEmpty: object.isRequeued, at: now, time)
        }
        others = others.filter { uids[$0.key] == $0.value.uid }
        return actions + pump(at: now, time)
    }

    mutating func changed(_ object: JSONValue, at now: Int64, _ time: Moment) -> [Action] {
        guard let status = AntreaStatus(object) else { return [] }
        return take(object, status, at: now, time) + pump(at: now, time)
    }

    mutating func vanished(_ object: JSONValue, at now: Int64, _ time: Moment) -> [Action] {
        guard let status = AntreaStatus(object) else { return [] }
        if others[status.name]?.uid == status.uid { others[status.name] = nil }
        guard let known = made[status.name], known.uid == nil || known.uid == status.uid else {
            return pump(at: now, time)
        }
        // What it said last may be new.
        var actions: [Action] = []
        if !known.isOver { actions = tell(status, known.attempt, at: now, time) }
        return actions
            + settled(status.name, wasEmpty: status.phase == .waiting, at: now, time)
    }

    private mutating func take(
        _ object: JSONValue, _ status: AntreaStatus, at now: Int64, _ time: Moment
    ) -> [Action] {
        let owner = AntreaObject.owner(object["metadata"], log: log)
        if let known = made[status.name], known.uid == nil || known.uid == status.uid {
            // Labels may be taken away, but not from what we know by its uid.
            guard known.uid != nil || owner == known.attempt else {
                return other(status, owner, at: now)
            }
            return seen(mine: status, status.name, at: now, time)
        }
        return other(status, owner, at: now)
    }

    private mutating func other(
        _ status: AntreaStatus, _ owner: TraceAttempt?, at now: Int64
    ) -> [Action] {
        var other = others[status.name] ?? Other(uid: status.uid, holdsTag: false)
        if other.uid != status.uid { other = Other(uid: status.uid, holdsTag: false) }
        other.attempt = owner
        other.holdsTag = !status.isOver
        other.emptySince = status.phase == .waiting ? other.emptySince ?? now : nil
        others[status.name] = other
        guard let owner, !other.isDeleting else {
            return other.emptySince.map { [.look(at: $0 + Self.othersWaitMicrosecondsMax)] } ?? []
        }
        return [.judge(name: status.name, uid: status.uid, owner)]
    }

    /// An object of ours is there.
    mutating func seen(
        mine status: AntreaStatus, _ name: String, at now: Int64, _ time: Moment
    ) -> [Action] {
        guard var object = made[name] else { return [] }
        if object.uid != nil, object.uid != status.uid { return [] }
        // An answer may be older than what the watch has told.
        if isNewer(object.resourceVersion, than: status.resourceVersion) { return [] }
        if others[name]?.uid == status.uid { others[name] = nil }
        object.uid = status.uid
        object.resourceVersion = status.resourceVersion
        if object.state == .creating { object.state = .present }
        // It was begun after all: it is not to be taken back.
        if object.isRequeued, status.phase != .waiting, object.state == .deleting {
            (object.state, object.isRequeued, object.lookAt) = (.present, false, nil)
        }
        object.lookAt = object.state == .present ? nil : object.lookAt
        let isEmpty = status.phase == .waiting
        object.emptySince = isEmpty ? object.emptySince ?? now : nil
        made[name] = object
        guard !object.isOver else { return object.state == .present ? delete(name) : [] }
        var actions = tell(status, object.attempt, at: now, time)
        if isEmpty, object.state == .present, let since = object.emptySince {
            actions.append(.look(at: since + Self.emptyMicrosecondsMax))
        }
        return actions
    }

    private func isNewer(_ version: String, than other: String) -> Bool {
        guard let version = Int64(version), let other = Int64(other) else { return false }
        return version > other
    }

    /// An object of ours is gone, and with it the tag it held.
    mutating func settled(
        _ name: String, wasEmpty: Bool, at now: Int64, _ time: Moment
    ) -> [Action] {
        guard let object = made.removeValue(forKey: name) else { return [] }
        var actions: [Action] = []
        if !object.isOver, var run = runs[object.attempt] {
            if wasEmpty, !run.isBegun {
                run.incarnation += 1
                run.notBefore = now + Int64(run.backoff.next()) * 1000
                runs[object.attempt] = run
                line.insert(object.attempt, at: 0)
            } else {
                actions += flush(object.attempt)
                actions += fail(object.attempt, "", Self.deletedByOthers)
            }
        }
        return actions + pump(at: now, time)
    }

    static let deletedByOthers = "the Traceflow was deleted on the cluster before it ended"

    // MARK: reports

    /// Tells what the object says that was not told before.
    mutating func tell(
        _ status: AntreaStatus, _ key: TraceAttempt, at now: Int64, _ time: Moment
    ) -> [Action] {
        guard let run = runs[key] else { return [] }
        var actions: [Action] = []
        if !run.isBegun, status.phase != .waiting {
            runs[key]?.isBegun = true
            // Antrea's clock may be wrong, but it began after it was asked to and before now.
            let madeAt = run.madeAt ?? time
            let begun = max(madeAt, min(status.startTime ?? madeAt, time))
            actions.append(
                .report(BackendReport(trace: key.trace, attempt: key.attempt, begunAt: begun)))
        }
        return actions + report(status, key, at: now)
    }

    mutating func report(_ status: AntreaStatus, _ key: TraceAttempt, at now: Int64) -> [Action] {
        guard var run = runs[key] else { return [] }
        var actions: [Action] = []
        run.held = nil
        while run.reportedResults < status.results.count {
            let result = status.results[run.reportedResults]
            if Self.lacksPod(result), !status.isOver {
                let since = run.heldSince ?? now
                run.heldSince = since
                if now - since < Self.heldMicrosecondsMax {
                    run.held = status
                    actions.append(.look(at: since + Self.heldMicrosecondsMax))
                    break
                }
            }
            run.reportedResults += 1
            let captured = run.isCaptureReported ? nil : status.captured
            run.isCaptureReported = run.isCaptureReported || captured != nil
            actions.append(
                .report(
                    BackendReport(
                        trace: key.trace,
                        id: ReportID(
                            attempt: key.attempt, node: result.node, sequence: run.reportedResults),
                        content: .observed(result.observations, captured: captured),
                        seconds: result.timestamp)))
        }
        runs[key] = run
        return actions + end(status, key)
    }

    /// What is held back is told as it is: nothing more comes.
    private mutating func flush(_ key: TraceAttempt) -> [Action] {
        guard let status = runs[key]?.held else { return [] }
        runs[key]?.heldSince = .min / 2
        return report(status, key, at: 0)
    }

    /// What an end on the cluster means that the results do not tell. Antrea's timeout is none: the
    /// log has its own deadline, which counts from the same moment.
    private mutating func end(_ status: AntreaStatus, _ key: TraceAttempt) -> [Action] {
        if status.phase == .succeeded, status.leavesOut {
            return fail(
                key, "", "Antrea reports what this version of tracectl does not know; upgrade it")
        }
        guard status.phase == .failed, let reason = status.reason,
            reason.lowercased() != TraceLife.timeoutReason.lowercased()
        else { return [] }
        guard let failure = AntreaNodeError(reason: reason) else { return fail(key, "", reason) }
        return fail(key, failure.node, failure.error)
    }

    /// Whether the controller has yet to say which Pod an address was translated to.
    private static func lacksPod(_ result: NodeResult) -> Bool {
        result.observations.contains { $0.translatedDstIP != nil && $0.pod == nil }
    }
}
