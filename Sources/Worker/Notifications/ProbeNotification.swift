import Foundation
import Scheduler
import Traceflow

/// What somebody is told of a probe that changed.
public struct ProbeNotification: Hashable, Sendable {
    /// The same whenever it is told again: the log, the schedule and the number of the change.
    public var id: String
    public var schedule: ScheduleID
    public var number: Int
    public var probe: String
    public var labels: [String: String]
    public var change: ProbeChange

    /// The trace that made the difference.
    var trace: String { "schedule/\(probe)/\(change.slot.text)" }

    var summary: String {
        switch change.kind {
        case .broken:
            "\(probe): \(change.verdict.rawValue), expected \(change.expected.rawValue),"
                + " \(change.mismatches) in a row"
        case .healthy: "\(probe): \(change.verdict.rawValue) again, as expected"
        case .pathChanged: "\(probe): \(change.verdict.rawValue) as before, by another path"
        }
    }

    /// The command that shows what happened.
    var command: String { "tracectl incident \(probe) --around \(change.slot.text)" }

    /// How long an alert that nothing ends is told to last: long enough to be sent on.
    private static let pathAlertSeconds = 3600

    /// The notification as JSON, one object (docs/notifications.md).
    public var json: Data {
        var object: [String: Any] = [
            "version": 1, "id": id, "probe": probe, "status": change.kind.rawValue,
            "verdict": change.verdict.rawValue, "expected": change.expected.rawValue,
            "mismatches": change.mismatches, "slot": change.slot.text, "trace": trace,
            "labels": labels, "summary": summary, "command": command,
        ]
        if let turn = change.path {
            object["pathBefore"] = turn.before.text
            object["pathAfter"] = turn.after.text
            object["slotBefore"] = turn.beforeSlot.text
        }
        return encoded(object)
    }

    /// The same as Alertmanager takes it (its API v2, `POST /api/v2/alerts`).
    public var alertmanagerJSON: Data {
        var all: [String: String] = [:]
        for (key, value) in labels { all[Self.alertLabel(key)] = value }
        all["alertname"] = change.path == nil ? "TracectlProbeBroken" : "TracectlProbePathChanged"
        all["probe"] = probe
        var alert: [String: Any] = [
            "labels": all,
            "annotations": ["summary": summary, "trace": trace, "command": command, "id": id],
        ]
        switch change.kind {
        case .broken:
            alert["startsAt"] = change.slot.text
            // Without an end Alertmanager takes an alert that is not repeated for resolved.
            alert["endsAt"] = change.slot.advanced(bySeconds: Self.brokenAlertSeconds).text
        case .healthy: alert["endsAt"] = change.slot.text
        case .pathChanged:
            // Nothing is wrong for longer, so nothing will end it.
            alert["startsAt"] = change.slot.text
            alert["endsAt"] = change.slot.advanced(bySeconds: Self.pathAlertSeconds).text
        }
        return encoded([alert])
    }

    /// How long an alert stands whose end is not told, in seconds: a year.
    private static let brokenAlertSeconds = 31_536_000

    /// A label's key as Prometheus names labels: `app.kubernetes.io/name` is no such name.
    private static func alertLabel(_ key: String) -> String {
        let name = key.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" }
        return (name.first?.isNumber ?? true ? "_" : "") + String(name)
    }

    private func encoded(_ object: Any) -> Data {
        // Only texts and numbers are in it, which JSON always has a form for.
        (try? JSONSerialization.data(
            withJSONObject: object, options: [.sortedKeys, .withoutEscapingSlashes])) ?? Data()
    }
}

/// Tells somebody. Blocks until it is told or has failed; called on a thread of its own.
public protocol NotificationSender: Sendable {
    func send(_ notification: ProbeNotification) throws
}
