import CSQLite
import Foundation
import Testing

@testable import JobLog

/// Events of archived segments, a column at a time.
struct EventColumnsTests {
    private struct Row: Hashable {
        var numbers: [Int64]
        var payload: [UInt8]
    }

    private let connection: Connection

    init() throws {
        connection = try Connection(
            file: ":memory:", flags: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs: nil)
        let columns = SegmentFacts.eventTable.columns.joined(separator: ", ")
        try connection.execute("create table event (\(columns))")
    }

    private func insert(_ rows: [Row]) throws {
        let insertion = try connection.statement("insert into event values (?, ?, ?, ?, ?, ?, ?)")
        for row in rows {
            for (place, number) in row.numbers.enumerated() {
                insertion.bind(Int32(place + 1), number)
            }
            insertion.bind(7, blob: row.payload)
            _ = try insertion.step()
            insertion.reset()
        }
    }

    private func read(inColumns: Bool) throws -> [Row] {
        var rows: [Row] = []
        try SegmentFacts(connection: connection, isInColumns: inColumns).forEachEvent {
            rows.append(Row(numbers: $0, payload: $1))
        }
        return rows
    }

    static let logs: [[[Int64]]] = [
        [],
        [[1, 1, 1, 1, 1, 0]],
        [[7, .max, .min, .max, 0, .min], [8, .min, 0, 0, .max, .max]],
        // Ends of segments whose positions do not follow each other.
        [[1, 5, 1, 3, 1, 9], [2, 4, 1, 2, 1, 8], [4, 3, 1, 3, 1, 7], [9, 5, 2, 2, 1, 9]],
    ]

    @Test(arguments: logs)
    func eventsComeBackAsTheyWere(log: [[Int64]]) throws { try comeBack(log) }

    @Test func manyEventsAreSeveralRunsAndComeBackToo() throws {
        try comeBack(
            (1...40_000).map { [$0, $0 / 3 + 1, $0 % 3 + 1, $0 % 7 * 100, 1, $0 * 1_000_003] })
        #expect(try connection.number("select count(*) from event_run") == 3)
    }

    private func comeBack(_ log: [[Int64]]) throws {
        let rows = log.enumerated().map { place, numbers in
            Row(
                numbers: numbers,
                payload: (0..<place % 300).map { UInt8(truncatingIfNeeded: $0 &+ place) })
        }
        try insert(rows)
        try PlainSegment.writeEvents(of: connection, to: connection)
        #expect(try read(inColumns: true) == rows)
        #expect(try read(inColumns: false) == rows)
    }

    @Test func whatIsInTheColumnsOfNoRunIsToldAndNeverBelieved() throws {
        try insert(
            (1...50).map { Row(numbers: [$0, $0, 1, $0 % 3, 1, 5], payload: [1, 2, 3]) })
        try PlainSegment.writeEvents(of: connection, to: connection)
        let columns = [
            "streams", "versions", "types", "schemas", "recorded_at", "lengths", "payloads",
        ]
        var changes = ["count = 51", "count = 49", "count = -1", "count = 9223372036854775807"]
        for column in columns {
            changes += [
                "\(column) = x''", "\(column) = \(column) || x'00'", "\(column) = x'ffff'",
                "\(column) = substr(\(column), 2)", "\(column) = null", "\(column) = 'text'",
                "\(column) = zeroblob(100000)",
            ]
        }
        changes += [
            "lengths = x'ffffffffffffffffff01' || substr(lengths, 2)", "first_position = -1",
        ]
        for change in changes {
            try connection.execute("savepoint before; update event_run set \(change)")
            #expect(throws: JobLogError.self, "\(change)") { try read(inColumns: true) }
            try connection.execute("rollback to before; release before")
        }
        #expect(try read(inColumns: true).count == 50)
    }
}
