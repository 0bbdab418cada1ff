import Foundation
import Scheduler
import Traceflow
import Worker

/// How long it takes to say slots of ten years, of a five-minute schedule and fifty odd expressions
/// in six time zones, that another program said as well: the fixture of `CronTests`. Of expressions
/// that come more often than 12,000 times in ten years, these are the first 12,000.
enum CronSlots: Scenario {
    static let name = "cron"
    static let summary = "milliseconds for the slots of 50 cron expressions in six zones"

    private static let begin = Moment(microseconds: 1_767_225_600_000_000)

    static func run(_ setting: Setting) throws {
        let lines = try String(contentsOfFile: setting.slots, encoding: .utf8).split(
            separator: "\n")
        let watch = Stopwatch()
        var count = 0
        for line in lines { count += try slots(of: line) }
        let seconds = watch.seconds
        Output.figure(name, "all slots", seconds * 1000, "ms")
        Output.figure(name, "slots", Double(count) / seconds, "slots/s")
    }

    /// A line is `zone|expression|count|sum of squares|first slots`.
    private static func slots(of line: Substring) throws -> Int {
        let parts = line.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 5, let count = Int(parts[2]), let wanted = Int64(parts[3]),
            let zone = TimeZones.shared.offsets(parts[0], around: begin)
        else { throw BenchError("no line of slots: \(line)") }
        let expression = try CronExpression(parts[1])
        var squares: Int64 = 0
        var moment = Moment(microseconds: begin.microseconds - 1)
        for _ in 0..<count {
            guard let next = expression.next(after: moment, in: zone) else {
                throw BenchError("\(parts[1]) in \(parts[0]) has too few slots")
            }
            let minute = (next.microseconds - begin.microseconds) / 60_000_000
            squares = (squares + minute * minute) % (1 << 61)
            moment = next
        }
        guard squares == wanted else {
            throw BenchError("\(parts[1]) in \(parts[0]) has other slots")
        }
        return count
    }
}
