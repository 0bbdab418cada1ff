import Foundation
import Scheduler
import Testing
import Traceflow
import Worker

/// Cron expressions against an oracle of their own (`Fixtures/cron_oracle.py`), and what they refuse.
struct CronTests {
    struct Line: Sendable, CustomTestStringConvertible {
        var zone: String
        var expression: String
        var count: Int
        var squares: Int64
        var first: [Int64]
        var testDescription: String { "\(expression) in \(zone)" }
    }

    static let begin: Int64 = 1_767_225_600
    static let end: Int64 = 2_082_758_400
    /// Of expressions that come more often the oracle says so many slots, the first ones.
    static let kept = 12_000

    static func lines() throws -> [Line] {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Fixtures/cron-slots.txt")
        return try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map { line in
            let parts = line.split(separator: "|", omittingEmptySubsequences: false)
            return Line(
                zone: String(parts[0]), expression: String(parts[1]),
                count: try #require(Int(parts[2])), squares: try #require(Int64(parts[3])),
                first: parts[4].split(separator: " ").compactMap { Int64($0) })
        }
    }

    @Test func tenYearsOfSlotsAreThoseOfTheOracle() throws {
        for line in try Self.lines() {
            let expression = try CronExpression(line.expression)
            let zone = try #require(
                TimeZones.shared.offsets(
                    line.zone, around: Moment(microseconds: Self.begin * 1_000_000)))
            var moment = Moment(microseconds: Self.begin * 1_000_000 - 1)
            var squares: Int64 = 0
            var first: [Int64] = []
            var count = 0
            while count < line.count, let next = expression.next(after: moment, in: zone) {
                let second = next.microseconds / 1_000_000
                if first.count < 3 { first.append(second) }
                let minute = (second - Self.begin) / 60
                squares = (squares + minute * minute) % (1 << 61)
                count += 1
                moment = next
            }
            #expect(first == line.first, "\(line.testDescription)")
            #expect(count == line.count, "\(line.testDescription)")
            #expect(squares == line.squares, "\(line.testDescription)")
            guard count != Self.kept else { continue }
            let following = expression.next(after: moment, in: zone)?.microseconds ?? .max
            #expect(following >= Self.end * 1_000_000, "\(line.testDescription)")
        }
    }

    @Test(
        arguments: [
            ("* * * *", "4 fields"), ("60 * * * *", "minute"), ("* 24 * * *", "hour"),
            ("* * 0 * *", "day of the month"), ("* * * 13 *", "month"), ("* * * * 8", "week"),
            ("5-1 * * * *", "no range"), ("*/0 * * * *", "no step"), ("1/2/3 * * * *", "step"),
            ("* * * foo *", "foo"), ("0 0 30 2 *", "never comes"), ("-1 * * * *", "minute"),
            (", * * * *", "minute"), ("@often", "fields"), ("1-2-3 * * * *", "range"),
            ("9999999999999999999999 * * * *", "minute"),
            (String(repeating: "1,", count: 200) + "1 * * * *", "longer"),
        ])
    func aWrongExpressionIsRefusedByItsField(text: String, word: String) {
        #expect {
            try CronExpression(text)
        } throws: {
            "\($0)".contains(word)
        }
    }

    /// Berlin skips from 02:00 to 03:00 on 2026-03-29, and has 02:00 to 03:00 twice on 2026-10-25.
    @Test(
        arguments: [
            (
                "30 2 * * *", "2026-03-28T02:00:00+01:00",
                ["2026-03-28T01:30:00Z", "2026-03-30T00:30:00Z"]
            ),
            (
                "30 2 25 10 *", "2026-10-01T00:00:00Z",
                ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"]
            ),
            (
                "0 0 29 2 *", "2026-01-01T00:00:00Z",
                ["2028-02-28T23:00:00Z", "2032-02-28T23:00:00Z"]
            ),
            ("@monthly", "2026-11-30T23:30:00Z", ["2026-12-31T23:00:00Z", "2027-01-31T23:00:00Z"]),
        ])
    func aSkippedHourHasNoSlotAndADoubledOneHasTwo(
        text: String, start: String, slots: [String]
    ) throws {
        let formatter = ISO8601DateFormatter()
        func moment(_ text: String) throws -> Moment {
            let date = try #require(formatter.date(from: text))
            return Moment(microseconds: Int64(date.timeIntervalSince1970) * 1_000_000)
        }
        var at = try moment(start)
        let zone = try #require(TimeZones.shared.offsets("Europe/Berlin", around: at))
        let expression = try CronExpression(text)
        for slot in slots {
            at = try #require(expression.next(after: at, in: zone))
            #expect(at == (try moment(slot)), "\(slot)")
        }
    }

    @Test func aZoneNobodyKnowsIsNone() {
        let now = Moment(microseconds: Self.begin * 1_000_000)
        #expect(TimeZones.shared.offsets("Mars/Olympus", around: now) == nil)
        #expect(TimeZones.shared.offsets("", around: now) == nil)
        #expect(TimeZones.shared.offsets("UTC", around: now) == .utc)
    }
}
