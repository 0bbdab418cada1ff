import Scheduler
import TraceLog
import Traceflow

/// What is shown of one trace.
struct TraceView: Hashable, Sendable {
    var id: TraceID
    var createdAt: Moment
    var request: TraceRequest
    var trace: Trace

    var name: String { request.name }

    /// The resource as Antrea has it, with our few additions in `status`.
    var resource: OutputValue {
        .object([
            "apiVersion": .string(request.apiVersion.rawValue),
            "kind": .string("Traceflow"),
            "metadata": .object([
                "name": .string(name),
                "creationTimestamp": .string(RFC3339.text(createdAt)),
                "labels": .strings(request.labels),
                "annotations": .strings(request.annotations),
            ]),
            "spec": request.spec.output,
            "status": status,
        ])
    }

    private var status: OutputValue {
        let isModern =
            switch request.apiVersion {
            case .v1beta1: true
            case .v1alpha1: false
            }
        let tag = trace.allocation.map(\.tag)
        return .object([
            "phase": .string(trace.phase.rawValue),
            "reason": .text(trace.reason),
            "verdict": .text(trace.verdict?.rawValue),
            "attempt": trace.attempt > 1 ? .int(trace.attempt) : nil,
            "dataplaneTag": tag == 0 ? nil : .number(tag),
            "queuedAt": .string(RFC3339.text(trace.queuedAt)),
            "startTime": isModern ? .text(trace.startedAt.map { RFC3339.text($0) }) : nil,
            "finishedAt": .text(trace.finishedAt.map { RFC3339.text($0) }),
            "capturedPacket": trace.capturedPacket?.output,
            "results": trace.results.isEmpty ? nil : .list(trace.results.map(\.output)),
        ])
    }
}

/// Moments as Kubernetes prints them (RFC 3339, whole seconds, UTC).
enum RFC3339 {
    static func text(_ moment: Moment, fraction: Bool = false) -> String {
        let seconds = moment.seconds
        let (days, rest) = floorDivide(seconds, 86400)
        let (year, month, day) = civil(days)
        var text = "\(pad(year, 4))-\(pad(month, 2))-\(pad(day, 2))T"
        text += "\(pad(rest / 3600, 2)):\(pad(rest / 60 % 60, 2)):\(pad(rest % 60, 2))"
        if fraction { text += ".\(pad(moment.microseconds - seconds * 1_000_000, 6))" }
        return text + "Z"
    }

    private static func floorDivide(_ a: Int64, _ b: Int64) -> (Int64, Int64) {
        let quotient = a / b - (a % b < 0 ? 1 : 0)
        return (quotient, a - quotient * b)
    }

    /// Days since 1970-01-01 as a date of the proleptic Gregorian calendar.
    private static func civil(_ days: Int64) -> (Int64, Int64, Int64) {
        let shifted = days + 719_468
        let (era, dayOfEra) = floorDivide(shifted, 146_097)
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let part = (5 * dayOfYear + 2) / 153
        let month = part < 10 ? part + 3 : part - 9
        return (
            yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month,
            dayOfYear - (153 * part + 2) / 5 + 1
        )
    }

    private static func pad(_ number: Int64, _ width: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }
}
