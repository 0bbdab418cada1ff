import Kubernetes
import Traceflow

/// One condition of a status (k8s.io/apimachinery, meta/v1 `Condition`).
struct Condition {
    var type: String
    /// Nil for what nobody knows.
    var holds: Bool?
    /// In one word.
    var reason: String
    var message: String

    /// The conditions as they are now; a moment of transition stays until the status changes.
    static func json(
        _ conditions: [Condition], of object: JSONValue, at now: Moment
    ) -> JSONValue {
        let known = object["status"]["conditions"].elements
        return .array(
            conditions.map { condition in
                let before = known.first { $0["type"].text == condition.type }
                let status = condition.holds.map { $0 ? "True" : "False" } ?? "Unknown"
                let since =
                    before?["status"].text == status ? before?["lastTransitionTime"].text : nil
                return .of([
                    "type": .string(condition.type), "status": .string(status),
                    "reason": .string(condition.reason), "message": .string(condition.message),
                    "lastTransitionTime": .string(since ?? RFC3339.text(now)),
                    "observedGeneration": object["metadata"]["generation"],
                ])
            })
    }
}
