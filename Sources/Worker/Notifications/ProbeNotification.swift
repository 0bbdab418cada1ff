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

    public var isBroken: Bool { change.mismatches > 0 }

    /// The trace that made the difference.
    var trace: String { "schedule/\(probe)/\(change.slot.text)" }

    var summary: String {
        isBroken
            ? "\(probe): \(change.verdict.rawValue), expected \(change.expected.rawValue),"
                + " \(change.mismatches) in a row"
            : "\(probe): \(change.verdict.rawValue) again, as expected"
    }

    /// The command that shows what happened.
    var command: String { "tracectl incident \(probe) --around \(change.slot.text)" }

    /// The notification as JSON, one object (docs/notifications.md).
    public var json: Data {
        encoded(
            [
                "version": 1, "id": id, "probe": probe, "status": isBroken ? "broken" : "healthy",
                "verdict": change.verdict.rawValue, "expected": change.expected.rawValue,
                "mismatches": change.mismatches, "slot": change.slot.text, "trace": trace,
                "labels": labels, "summary": summary, "command": command,
            ] as [String: Any])
    }

    /// The same as Alertmanager takes it (its API v2, `POST /api/v2/alerts`).
    public var alertmanagerJSON: Data {
        var all = labels
        all["alertname"] = "TracectlProbeBroken"
        all["probe"] = probe
        var alert: [String: Any] = [
            "labels": all,
            "annotations": ["summary": summary, "trace": trace, "command": command, "id": id],
        ]
        alert[isBroken ? "startsAt" : "endsAt"] = change.slot.text
        return encoded([alert])
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
