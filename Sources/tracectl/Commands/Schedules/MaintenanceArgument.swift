import ArgumentParser
import Scheduler
import Traceflow

/// When results count for nothing: `CRON@LENGTH`, or `MOMENT@LENGTH`.
struct MaintenanceArgument: ExpressibleByArgument {
    private enum Beginning {
        case cron(CronExpression)
        case once(Moment)
    }

    private var beginning: Beginning
    private var durationSeconds: Int64

    init?(argument: String) {
        // A cron expression may begin with the sign, as in @weekly.
        guard let sign = argument.lastIndex(of: "@"), sign != argument.startIndex,
            let seconds = Maintenance.seconds(String(argument[argument.index(after: sign)...]))
        else { return nil }
        let begin = String(argument[..<sign])
        durationSeconds = seconds
        if let moment = Maintenance.moment(begin) {
            beginning = .once(moment)
        } else if let expression = try? CronExpression(begin) {
            beginning = .cron(expression)
        } else {
            return nil
        }
    }

    func maintenance(in zone: String) -> Maintenance {
        let begin: Maintenance.Beginning =
            switch beginning {
            case .cron(let expression): .cron(expression, zone: zone)
            case .once(let moment): .once(moment)
            }
        return Maintenance(beginning: begin, durationSeconds: durationSeconds)
    }
}

extension Maintenance {
    /// A length of whole seconds, as people write it; nil when it is none, or out of bounds.
    static func seconds(_ text: String) -> Int64? {
        guard let length = Duration64(argument: text), length.microseconds % 1_000_000 == 0,
            (1...secondsMax).contains(length.microseconds / 1_000_000)
        else { return nil }
        return length.microseconds / 1_000_000
    }

    /// A moment as RFC 3339 has it; nil when it is none, or lies before 1970.
    static func moment(_ text: String) -> Moment? {
        guard !text.hasPrefix("-"), let argument = MomentArgument(argument: text) else {
            return nil
        }
        let moment = argument.moment(now: Moment(microseconds: 0))
        return (0...253_402_300_799_000_000).contains(moment.microseconds) ? moment : nil
    }
}
