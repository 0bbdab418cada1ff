import Foundation
import JobLog
import Testing

/// What the database itself refuses, asked by another program with plain SQL.
struct GuardTests {
    let sandbox: Sandbox
    let log: JobLog
    let sql: PlainSQL

    init() throws {
        sandbox = try Sandbox()
        log = try JobLog.open(sandbox.log, access: .create, options: options())
        try log.append(beginning("a", 3))
        try log.append(AppendRequest(contents: [Content(digest: [1], bytes: [1])]))
        var shared = draft(.existing(1))
        shared.symbols = [log.symbol([0xaa])]
        try log.append(AppendRequest(drafts: [shared]))
        sql = PlainSQL(file: sandbox.log + "/000001.db")
    }

    @Test(arguments: [
        "update event set payload = x'00' where position = 2",
        "update event set position = 9 where position = 3",
        "delete from event where position = 3", "delete from event",
        "insert or replace into event values (3, 1, 3, 1, 1, 0, x'00')",
        "insert or replace into event values (5, 1, 4, 1, 1, 0, x'00')",
        "insert or replace into event values (5, 1, 5, 1, 1, 0, x'00')",
        "insert or replace into event values (-1, 1, 5, 1, 1, 0, x'00')",
        "insert into event values (-1, 1, 5, 1, 1, 0, x'00')",
        "insert or replace into event values (null, 1, 4, 1, 1, 0, x'00')",
        "insert into event values (null, 1, 6, 1, 1, 0, x'00')",
        "insert into event values (null, 9, 2, 1, 1, 0, x'00')",
        "replace into event values (2, 7, 1, 1, 1, 0, x'00')",
        "insert into event values (3, 1, 5, 1, 1, 0, x'00')",
        "insert into event values (5, 1, 2, 1, 1, 0, x'00')",
        "insert into event values (0, 1, 5, 1, 1, 0, x'00')",
        "insert into event values (9, 1, 5, 1, 1, 0, x'00')",
        "insert into event values (5, 1, 9, 1, 1, 0, x'00')",
        "insert into event values (5, 8, 2, 1, 1, 0, x'00')",
        "insert or replace into event values (5, 1, 1, 1, 1, 0, x'00')",
        "update symbol set bytes = x'01'", "delete from symbol",
        "insert or replace into symbol values (1, x'01')",
        "insert or replace into symbol values (9, x'aa')",
        "insert into carried values (1, 1, 7)", "update segment set base_position = 7",
        "insert or replace into segment values (1, 'x', 0, 0, 0, 0)",
        "update content set bytes = x'00'", "delete from content",
        "insert or replace into content values (x'01', x'00')", "delete from segment",
    ])
    func whatWasRecordedStaysAsItIs(statement: String) throws {
        let before = try log.read(after: 0, limit: 100)
        #expect(sql.run(statement) != nil)
        #expect(try log.read(after: 0, limit: 100) == before)
        #expect(try log.verify().faults == [])
    }

    @Test func eventsCanBeReadByNameWithAnySQLiteTool() throws {
        #expect(sql.run("select * from trace_event where type = 'Asked'") == nil)
    }
}

/// Files that are not what they should be.
struct DamageTests {
    let sandbox: Sandbox
    var file: String { sandbox.log + "/000001.db" }

    init() throws {
        sandbox = try Sandbox()
        let log = try JobLog.open(sandbox.log, access: .create, options: options())
        for _ in 1...50 { try log.append(beginning(nil, 50)) }
    }

    private func code(of access: JobLog.Access = .readWrite) -> JobLogError.Code? {
        do {
            let log = try JobLog.open(sandbox.log, access: access, options: options())
            return try log.verify().faults.isEmpty ? nil : .damaged
        } catch {
            return error.code
        }
    }

    @Test func aGoodLogHasNoFaults() {
        #expect(code() == nil)
    }

    @Test func aLogOfANewerVersionIsRefusedAndLeftAlone() throws {
        #expect(PlainSQL(file: file).run("pragma user_version = 99") == nil)
        let before = try Data(contentsOf: URL(fileURLWithPath: file))
        #expect(code() == .newerVersion)
        #expect(code(of: .readOnly) == .newerVersion)
        #expect(try Data(contentsOf: URL(fileURLWithPath: file)) == before)
    }

    @Test func aLogOfABuildBeforeTheFirstReleaseIsNamedAndLeftAlone() throws {
        #expect(PlainSQL(file: file).run("drop table seal") == nil)
        for access in [JobLog.Access.readWrite, .readOnly] {
            #expect {
                try JobLog.open(sandbox.log, access: access, options: options())
            } throws: {
                ($0 as? JobLogError)?.message.contains("before the first release") == true
            }
        }
    }

    @Test func aTruncatedSegmentIsNamed() throws {
        #expect(PlainSQL(file: file).run("pragma wal_checkpoint(truncate)") == nil)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
        try bytes.prefix(bytes.count / 2).write(to: URL(fileURLWithPath: file))
        #expect(code() == .damaged)
    }

    @Test(arguments: [0, 4096, 20_000])
    func anOverwrittenSegmentIsNamed(offset: Int) throws {
        #expect(PlainSQL(file: file).run("pragma wal_checkpoint(truncate)") == nil)
        var bytes = try Data(contentsOf: URL(fileURLWithPath: file))
        bytes.replaceSubrange(offset..<offset + 4096, with: Data(repeating: 0xa5, count: 4096))
        try bytes.write(to: URL(fileURLWithPath: file))
        #expect(code() == .damaged)
    }

    @Test func anotherProgramsDatabaseIsNotALog() throws {
        try FileManager.default.removeItem(atPath: sandbox.log)
        try FileManager.default.createDirectory(
            atPath: sandbox.log, withIntermediateDirectories: true)
        #expect(PlainSQL(file: file).run("create table cats (name text)") == nil)
        #expect(code() == .notALog)
    }

    @Test func readingNeverMakesALog() throws {
        let folder = sandbox.path + "/none"
        #expect {
            try JobLog.open(folder, access: .readOnly, options: options())
        } throws: {
            ($0 as? JobLogError)?.code == .noLog
        }
        #expect(!FileManager.default.fileExists(atPath: folder))
    }

    @Test func theLogIsForItsOwnerOnly() throws {
        let attributes = try FileManager.default.attributesOfItem(atPath: file)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        let folder = try FileManager.default.attributesOfItem(atPath: sandbox.log)
        #expect(folder[.posixPermissions] as? Int == 0o700)
    }
}
