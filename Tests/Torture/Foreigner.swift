import ArgumentParser
import Foundation

/// Another program at the log's file: knows SQLite, and nothing of us.
struct Foreigner: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Be another program at the log's file.", shouldDisplay: false)

    enum Kind: String, ExpressibleByArgument { case writer, reader }

    /// What it says of each thing it did; any other line tells what should have been refused.
    enum Word: String { case held, refused, looked }

    @Argument var kind: Kind
    @Argument var log: String
    @Option var seed: UInt64

    func run() throws {
        var chance = Chance(seed: seed)
        for _ in 0..<chance.number(2...8) {
            // Mostly the newest; the sealed ones hold facts too.
            let earlier = try PlainFile.segments(of: log).dropLast()
            let file =
                if chance.happens(30), let path = chance.pick(Array(earlier)) {
                    try PlainFile(path: log + "/" + path)
                } else {
                    try PlainFile.newest(in: log)
                }
            file.setPatience(milliseconds: 60_000)
            switch kind {
            case .writer: try write(file, &chance)
            case .reader: try read(file, &chance)
            }
        }
    }

    private func say(_ text: String) {
        FileHandle.standardOutput.write(Data((text + "\n").utf8))
    }

    private func read(_ file: PlainFile, _ chance: inout Chance) throws {
        file.run("begin")
        let before = try file.rows("select count(*), max(position) from event")
        Wait.pause(milliseconds: chance.number(200...2000))
        guard try file.rows("select count(*), max(position) from event") == before else {
            return say("what a reader sees changed within its transaction")
        }
        file.run("commit")
        say(Word.looked.rawValue)
    }

    private func write(_ file: PlainFile, _ chance: inout Chance) throws {
        guard file.run("begin immediate") == .done else {
            return say("a write transaction could not begin within 60 s")
        }
        let attempts = try Self.attempts(file, &chance)
        file.run("rollback")
        for sql in attempts.shuffled(using: &chance).prefix(6) {
            Wait.pause(milliseconds: chance.milliseconds(upTo: 200))
            guard file.run("begin immediate") == .done else {
                return say("a write transaction could not begin within 60 s")
            }
            Wait.pause(milliseconds: chance.milliseconds(upTo: 1000))
            say(Word.held.rawValue)
            // A guard may speak at the statement, or when it is committed.
            var answer = file.run(sql)
            if answer == .done { answer = file.run("commit") }
            file.run("rollback")
            say(answer == .done ? sql : Word.refused.rawValue)
        }
    }

    /// Statements that would change the past, made from the tables as they are.
    private static func attempts(
        _ file: PlainFile, _ chance: inout Chance
    ) throws -> [String] {
        var attempts: [String] = []
        let tables = try file.rows("select name from sqlite_master where type = 'table'")
        for table in tables.map({ $0[0] }) where guarded.contains(table) {
            let columns = try file.rows("select name from pragma_table_info('\(table)')")
            let count = try file.rows("select count(*) from \(table)").first.flatMap { Int($0[0]) }
            guard let column = chance.pick(columns)?.first, let count, count > 0 else { continue }
            // A table without row numbers is known by its digests.
            let key = table == "content" ? "digest" : "rowid"
            let row = chance.number(0...count - 1)
            let place = "where \(key) = (select \(key) from \(table) limit 1 offset \(row))"
            attempts += [
                "update \(table) set \(column) = \(column) \(place)",
                "update or replace \(table) set \(column) = \(column) \(place)",
                "delete from \(table) \(place)",
                "insert or replace into \(table) select * from \(table) \(place)",
                "insert into \(table) select * from \(table) \(place)",
            ]
        }
        return attempts + (try gaps(file, &chance))
    }

    /// The tables that hold facts; the others are indexes and leases.
    private static let guarded: Set = ["event", "symbol", "content", "segment", "carried", "seal"]

    /// Events that leave out a position or a version, and ones that stand where others do.
    private static func gaps(_ file: PlainFile, _ chance: inout Chance) throws -> [String] {
        let columns = try file.rows("select name from pragma_table_info('event')").map { $0[0] }
        let gap = chance.number(1...1000)
        func insertion(_ position: String, _ version: String) -> String {
            let values = columns.map { column in
                switch column {
                case "position": position
                case "version": version
                default: column
                }
            }
            return "insert into event select \(values.joined(separator: ", ")) from event"
                + " where position = (select max(position) from event)"
        }
        let next = "(select max(version) + 1 from event e where e.stream = event.stream)"
        return [
            insertion("position + 1 + \(gap)", next),
            insertion("position + 1", "\(next) + \(gap)"),
            insertion("position + 1", "version"),
            insertion("position", next),
            insertion("-\(gap)", next), insertion("-1", next), insertion("0", next),
            insertion("null", "\(next) + \(gap)"), insertion("null", "version"),
        ]
    }
}
