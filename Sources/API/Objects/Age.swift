import Traceflow

/// A length of time as kubectl's AGE column has it: 5s, 3m20s, 2h, 4d.
package enum Age {
    package static func text(from start: Moment, to end: Moment) -> String {
        let seconds = max(0, (end.microseconds - start.microseconds) / 1_000_000)
        let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400)
        if seconds < 120 { return "\(seconds)s" }
        if minutes < 10 {
            return seconds % 60 == 0 ? "\(minutes)m" : "\(minutes)m\(seconds % 60)s"
        }
        if minutes < 180 { return "\(minutes)m" }
        if hours < 8 { return minutes % 60 == 0 ? "\(hours)h" : "\(hours)h\(minutes % 60)m" }
        if hours < 48 { return "\(hours)h" }
        if days < 8 { return hours % 24 == 0 ? "\(days)d" : "\(days)d\(hours % 24)h" }
        return "\(days)d"
    }
}
