import API
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
