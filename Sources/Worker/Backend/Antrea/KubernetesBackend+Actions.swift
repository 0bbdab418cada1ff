import Dispatch
import Kubernetes
import Scheduler
import TraceLog
import Traceflow

/// Does what the plan decided: asks the server, the log, the clock.
extension KubernetesBackend {
    func perform(_ action: AntreaPlan.Action) {
        switch action {
        case .create(let object, let request):
            let body = object.json(of: request, groupVersion: resource.groupVersion)
            ask(APICall("POST", resource.path(), body: body), of: object.name) { [self] answer in
                step { $0.created(object.name, answer, at: $1, $2) }
            }
        case .read(let name):
            ask(APICall("GET", resource.path(name: name)), of: name) { [self] answer in
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
            ask(call, of: name) { [self] answer in step { $0.deleted(name, answer, at: $1, $2) } }
        case .report(let report):
            let key = TraceAttempt(trace: report.trace, attempt: report.id.attempt)
            shared.withLock { $0.reports[key] }?(report)
        case .judge(let name, let uid, let attempt):
            let isCurrent = isCurrent(attempt)
            step { plan, _, _ in plan.judged(name, uid: uid, isCurrent: isCurrent) }
        case .look(let moment): lookLater(at: moment)
        }
    }

    func ask(
        _ call: APICall, of name: String, then: @escaping @Sendable (AntreaPlan.Answer) -> Void
    ) {
        client.send(call) { [queue, logName = AntreaObject.shortened(logID: log.logID)] result in
            let answer = Self.answer(
                result, of: name, isCreation: call.method == "POST", log: logName)
            queue.async { then(answer) }
        }
    }

    static func answer(
        _ result: Result<JSONValue, any Error>, of name: String, isCreation: Bool, log: String
    ) -> AntreaPlan.Answer {
        switch result {
        case .success(let object):
            guard let status = AntreaStatus(object) else { return .gone }
            return .there(status, owner: AntreaObject.owner(object["metadata"], log: log))
        case .failure(let error):
            guard let status = error as? APIStatus else {
                // A credential that cannot be had now may be had later.
                return .unknown
            }
            switch status.code {
            // A server that has only just begun does not know its kinds and roles yet.
            case 404 where isCreation: return .refused(status.message, isFinal: false)
            case 404: return status.isAbsence(of: name) ? .gone : .unknown
            // What an admission webhook says is meant.
            case 403:
                return .refused(
                    status.message, isFinal: status.message.hasPrefix("admission webhook"))
            case 409: return isCreation ? .occupied : .changed
            case 401, 408, 429: return .unknown
            case 400..<500: return .refused(status.message, isFinal: true)
            default: return .unknown
            }
        }
    }

    // MARK: time and log

    func lookLater(at moment: Int64) {
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

    func judgeLater() {
        queue.asyncAfter(deadline: .now() + .seconds(Self.judgingSeconds)) { [weak self] in
            guard let self, !shared.withLock({ $0.isClosed }) else { return }
            step { plan, _, _ in plan.judgeAll() }
            judgeLater()
        }
    }

    /// Whether the log has the attempt as the one that runs. What cannot be read is left alone.
    func isCurrent(_ attempt: TraceAttempt) -> Bool {
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
