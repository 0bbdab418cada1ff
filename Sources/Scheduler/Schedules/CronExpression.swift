/// When to do something, by the calendar: five fields as Kubernetes' CronJob takes them
/// (github.com/robfig/cron, the standard parser), minute by minute of a place's local time.
///
/// Minutes that a place skips, as daylight saving begins, have no slot; those that it has twice, as
/// it ends, have two. Where both days of the month and of the week are given, either is enough.
public struct CronExpression: Hashable, Sendable {
    /// As it was written.
    public let text: String
    /// A bit for each value that matches.
    let minutes: UInt64
    let hours: UInt64
    let days: UInt64
    let months: UInt64
    let weekdays: UInt64
    /// Whether a day must match both by month and by week, since one of them is open.
    let needsBothDays: Bool

    /// What is wrong with a text that is no expression.
    public struct Fault: Error, Hashable, Sendable, CustomStringConvertible {
        public let description: String
    }

    private static let names: [String: String] = [
        "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *",
        "@weekly": "0 0 * * 0", "@daily": "0 0 * * *", "@midnight": "0 0 * * *",
        "@hourly": "0 * * * *",
    ]
    private static let monthNames = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ]
    private static let weekdayNames = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
    /// The longest expression that is looked at, in bytes.
    private static let lengthMax = 256

    public init(_ text: String) throws(Fault) {
        self.text = text
        guard text.utf8.count <= Self.lengthMax else {
            throw Fault(description: "longer than \(Self.lengthMax) characters")
        }
        let written = Self.names[text.lowercased()] ?? text
        let fields = written.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
        guard fields.count == 5 else {
            throw Fault(
                description: "\(fields.count) fields, and five are needed: minute, hour, day of the"
                    + " month, month, day of the week")
        }
        minutes = try Self.bits(fields[0], 0...59, [], "minute").bits
        hours = try Self.bits(fields[1], 0...23, [], "hour").bits
        let day = try Self.bits(fields[2], 1...31, [], "day of the month")
        months = try Self.bits(fields[3], 1...12, Self.monthNames, "month").bits
        // Sunday is 0, and 7 as well.
        let week = try Self.bits(fields[4], 0...7, Self.weekdayNames, "day of the week")
        days = day.bits
        weekdays = (week.bits | week.bits >> 7) & 0x7f
        needsBothDays = day.isOpen || week.isOpen
        guard canMatch else { throw Fault(description: "\"\(text)\" never comes") }
    }

    /// Whether there is a day in the calendar at all; the 30th of February is none.
    private var canMatch: Bool {
        let longest = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        if !needsBothDays { return true }
        return (1...12).contains { month in
            months & 1 << UInt64(month) != 0
                && days & ((1 << UInt64(longest[month - 1] + 1)) - 2) != 0
        }
    }

    private static func bits(
        _ field: String, _ range: ClosedRange<Int>, _ names: [String], _ what: String
    ) throws(Fault) -> (bits: UInt64, isOpen: Bool) {
        var bits: UInt64 = 0
        var isOpen = false
        for part in field.split(separator: ",", omittingEmptySubsequences: false) {
            let pieces = part.split(separator: "/", omittingEmptySubsequences: false)
            guard pieces.count <= 2, let span = pieces.first else {
                throw Fault(description: "\(what): \"\(part)\" has more than one step")
            }
            var step = 1
            if pieces.count == 2 {
                guard let given = Int(pieces[1]), given > 0 else {
                    throw Fault(description: "\(what): \"\(pieces[1])\" is no step")
                }
                step = given
            }
            var bounds = range
            if span == "*" || span == "?" {
                // A week has seven days, though the last may be written in two ways.
                if range.upperBound == 7 { bounds = 0...6 }
                if step == 1 { isOpen = true }
            } else {
                bounds = try self.bounds(span, range, names, what, isOpenEnded: pieces.count == 2)
            }
            for value in stride(from: bounds.lowerBound, through: bounds.upperBound, by: step) {
                bits |= 1 << UInt64(value)
            }
        }
        return (bits, isOpen)
    }

    private static func bounds(
        _ span: Substring, _ range: ClosedRange<Int>, _ names: [String], _ what: String,
        isOpenEnded: Bool
    ) throws(Fault) -> ClosedRange<Int> {
        let ends = span.split(separator: "-", omittingEmptySubsequences: false)
        var values: [Int] = []
        for end in ends {
            let known = names.firstIndex(of: end.lowercased()).map {
                $0 + (names.count == 12 ? 1 : 0)
            }
            guard let value = known ?? Int(end), range.contains(value) else {
                throw Fault(
                    description: "\(what): \"\(end)\" is not between \(range.lowerBound) and"
                        + " \(range.upperBound)")
            }
            values.append(value)
        }
        guard ends.count <= 2, let first = values.first, let last = values.last, first <= last
        else { throw Fault(description: "\(what): \"\(span)\" is no range") }
        // `5/15` means from 5 on.
        if ends.count == 1, isOpenEnded {
            return first...(range.upperBound == 7 ? max(6, first) : range.upperBound)
        }
        return first...last
    }
}
