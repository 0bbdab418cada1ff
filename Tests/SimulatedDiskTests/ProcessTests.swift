import CSQLite
import SimulatedDisk
import Testing

struct ProcessTests {
    let disk = SimulatedDisk(seed: 1)

    @Test func twoProcessesWriteAndReadOneDatabase() throws {
        let ledgers = try (0..<2).map { _ in try Ledger(disk.startProcess()) }
        for number in 1...40 {
            try ledgers[number % 2].enter(number)
            let other = ledgers[(number + 1) % 2].database
            #expect(try other.number("select max(number) from entry") == number)
        }
        #expect(Ledger.last(disk.startProcess()) == 40)
    }

    @Test func aSecondWriterIsToldThatTheDatabaseIsBusy() throws {
        let (first, second) = (disk.startProcess(), disk.startProcess())
        let (writer, other) = (try Ledger(first), try Ledger(second))
        try writer.database.run("begin immediate")
        #expect(throws: SQLError(code: SQLITE_BUSY)) {
            try other.database.run("begin immediate")
        }
        #expect(second.counts[.sleep] == 0)
        try other.database.run("pragma busy_timeout = 1000")
        #expect(throws: SQLError(code: SQLITE_BUSY)) {
            try other.database.run("begin immediate")
        }
        #expect(second.counts[.sleep] > 0, "it waited without taking time")
        try writer.database.run("rollback")
        try other.enter(1)
    }

    @Test func locksOfRollbackJournalsExclude() throws {
        let (writer, reader) =
            (try Database(disk.startProcess()), try Database(disk.startProcess()))
        try writer.run("create table t (a); insert into t values (1)")
        try reader.run("begin; select * from t")
        try writer.run("begin immediate; insert into t values (2)")
        #expect(try reader.number("select count(*) from t") == 1)
        // The writer waits for readers, and lets no new one in.
        #expect(throws: SQLError(code: SQLITE_BUSY)) { try writer.run("commit") }
        let late = try Database(disk.startProcess())
        #expect(throws: SQLError(code: SQLITE_BUSY)) { try late.number("select count(*) from t") }
        try reader.run("commit")
        try writer.run("commit")
        #expect(try late.number("select count(*) from t") == 2)
    }

    @Test func theLocksOfAKilledProcessAreFree() throws {
        let (dying, living) = (disk.startProcess(), disk.startProcess())
        let (killed, other) = (try Ledger(dying), try Ledger(living))
        try killed.database.run("begin immediate; insert into entry values (9, 9, 9)")
        dying.kill()
        try other.enter(1)
        #expect(throws: SQLError.self) { try killed.database.run("commit") }
        #expect(Ledger.last(disk.startProcess()) == 1)
    }

    @Test func aDeadConnectionThatRollsBackHarmsNobody() throws {
        let (dying, living) = (disk.startProcess(), disk.startProcess())
        let (killed, other) = (try Ledger(dying), try Ledger(living))
        /// Enough to spill pages into the WAL, which a rollback takes out of the WAL index again.
        func beginLargeTransaction(_ database: Database) throws {
            try database.run("pragma cache_size = 1; begin immediate")
            for row in 0..<40 {
                try database.run("insert into entry values (1, \(row), zeroblob(600))")
            }
        }
        try beginLargeTransaction(killed.database)
        dying.kill()
        try beginLargeTransaction(other.database)
        #expect(throws: SQLError.self) { try killed.database.run("rollback; select * from entry") }
        try other.database.run("commit")
        #expect(other.database.isSound)
        #expect(try other.database.number("select count(*) from entry where number = 1") == 40)
    }

    @Test func aProcessThatDiesInAnyOperationLeavesWholeTransactions() throws {
        /// The operations of the fifth entry, which runs a checkpoint as well.
        func run(dyingAt n: Int) throws -> (operations: Int, isAcknowledged: Bool, found: Int?) {
            let disk = SimulatedDisk(seed: UInt64(n))
            let process = disk.startProcess()
            let ledger = try Ledger(process)
            for number in 1...4 { try ledger.enter(number) }
            let before = process.counts.all
            process.kill(atOperation: n)
            let isAcknowledged = (try? ledger.enter(5)) != nil
            return (process.counts.all - before, isAcknowledged, Ledger.last(disk.startProcess()))
        }
        let whole = try run(dyingAt: 0)
        #expect(whole.isAcknowledged && whole.found == 5)
        #expect(whole.operations > 20)
        for n in 1...whole.operations {
            let outcome = try run(dyingAt: n)
            #expect(outcome.operations == n)
            #expect(outcome.found == 5 || (outcome.found == 4 && !outcome.isAcknowledged))
        }
    }

    @Test func theNextProcessRecoversAHotWAL() throws {
        let process = disk.startProcess()
        let ledger = try Ledger(process)
        try ledger.enter(1)
        process.kill()
        let next = disk.startProcess()
        #expect(try next.size(of: "/data.db-wal") > 0)
        #expect(Ledger.last(next) == 1)
        #expect(try !next.exists("/data.db-wal"), "closing the last connection removes it")
    }

    @Test func nothingADeadProcessAsksIsDone() throws {
        let process = disk.startProcess()
        try process.write([1], to: "/a")
        process.kill()
        let digest = disk.digest
        let refusal = SimulatedDiskError(code: SQLITE_IOERR, path: "/a")
        #expect(throws: refusal) { try process.write([2], to: "/a") }
        #expect(throws: refusal) { try process.exists("/a") }
        #expect(throws: refusal) { try process.remove("/a") }
        #expect(throws: SQLError(code: SQLITE_IOERR)) { try Database(process) }
        #expect(process.isDead)
        #expect(disk.digest == digest)
    }

    @Test func aFolderIsLockedUntilItIsUnlockedOrItsHolderDies() throws {
        let (first, second) = (disk.startProcess(), disk.startProcess())
        let refusal = SimulatedDiskError(code: SQLITE_BUSY, path: "/log")
        let unlock = try first.lockFolder("/log", isShared: true)
        try second.lockFolder("/log", isShared: true)()
        try second.lockFolder("/other", isShared: false)()
        #expect(throws: refusal) { try second.lockFolder("/log", isShared: false) }
        unlock()
        _ = try second.lockFolder("/log", isShared: false)
        #expect(throws: refusal) { try first.lockFolder("/log", isShared: true) }
        second.kill()
        #expect(disk.isAlive(first.number) && !disk.isAlive(second.number))
        try first.lockFolder("/log", isShared: false)()
    }

    @Test func aDiskOutlivesItsOwnerWhileAConnectionIsOpen() throws {
        var disk: SimulatedDisk? = SimulatedDisk()
        var ledger = try disk.map { try Ledger($0.startProcess()) }
        disk = nil
        #expect(throws: SQLError.self) { try ledger?.enter(1) }
        ledger = nil
    }

    @Test func syncsAreCountedByFile() throws {
        let process = disk.startProcess()
        let ledger = try Ledger(process)
        let before = process.counts
        try ledger.enter(1)
        let after = process.counts
        #expect(after.syncs(of: .wal) - before.syncs(of: .wal) == 1)
        #expect(after.syncs(of: .database) == before.syncs(of: .database))
        #expect(after.bytesWritten > before.bytesWritten)
    }

    @Test func timeIsWhatTheTestSays() throws {
        disk.setTime(milliseconds: 1_000_000_000_000)
        let database = try Database(disk.startProcess())
        #expect(try database.rows("select datetime('now')") == [["2001-09-09 01:46:40"]])
    }
}
