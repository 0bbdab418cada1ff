import Scheduler
import Traceflow

extension Maintenance {
    /// A length of whole seconds, as people write it; nil when it is none, or out of bounds.
    package static func seconds(_ text: String) -> Int64? {
        guard let length = Duration64(argument: text), length.microseconds % 1_000_000 == 0,
            (1...secondsMax).contains(length.microseconds / 1_000_000)
        else { return nil }
        return length.microseconds / 1_000_000
    }

    /// A moment as RFC 3339 has it; nil when it is none, or lies before 1970.
    package static func moment(_ text: String) -> Moment? {
        guard !text.hasPrefix("-"), let argument = MomentArgument(argument: text) else {
            return nil
        }
        let moment = argument.moment(now: Moment(microseconds: 0))
        return (0...253_402_300_799_000_000).contains(moment.microseconds) ? moment : nil
    }
}
