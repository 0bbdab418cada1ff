import Glibc
import JobLog
import Testing

@testable import History

/// Who asks while another folds sees what one transaction left, whole.
struct BesideAFoldTests {
    @Test func whatIsAskedTogetherIsOfOneState() throws {
        let written = try WrittenLog(seed: 4)
        try written.write(60)
        let reader = try History(log: written.log, rowsABlock: 16, chunk: 500)
        try reader.catchUp()
        try written.write(60)
        let folder = try History(log: written.log, rowsABlock: 16, chunk: 500)
        let (known, folded) = try reader.connection.reading {
            let known = try reader.count()
            try folder.catchUp()
            #expect(try folder.count() > known)
            #expect(try reader.count() == known)
            #expect(try reader.traces(HistoryFilter(), limit: .max).count == known)
            return (known, try folder.count())
        }
        #expect(try reader.count() == folded)
        #expect(folded > known)
    }

    /// Else another process that closes the file takes itself for the last one, and removes the
    /// WAL that is in use here.
    @Test func aSecondOneInAProcessLeavesTheFilesLocks() throws {
        let written = try WrittenLog(seed: 6)
        try written.write(20)
        let first = try History(log: written.log, rowsABlock: 16, chunk: 500)
        try first.catchUp()
        let second = try History(log: written.log, rowsABlock: 16, chunk: 500)
        let file = open(written.folder + "/history.db", O_RDWR | O_CLOEXEC)
        #expect(file >= 0)
        var asked = flock()
        (asked.l_type, asked.l_whence) = (Int16(F_WRLCK), Int16(SEEK_SET))
        // A lock of this process is as another's to one that belongs to the open file.
        let askForOpenFile: Int32 = 36  // F_OFD_GETLK, fcntl(2)
        #expect(fcntl(file, askForOpenFile, &asked) == 0)
        #expect(Int32(asked.l_type) == Int32(F_RDLCK))
        close(file)
        _ = (first, second)
    }

    /// What a version before this could leave, so that whoever asks makes it anew.
    @Test func aFileAtOddsWithItselfIsDamaged() throws {
        let written = try WrittenLog(seed: 7)
        try written.write(60)
        let history = try History(log: written.log, rowsABlock: 16, chunk: 500)
        try history.catchUp()
        let first = try #require(try written.log.read(after: 0, limit: 1).first)
        try history.execute(
            "update progress set position = 1, recorded_at = \(first.recordedAt)")
        do {
            try History(log: written.log, rowsABlock: 16, chunk: 500).catchUp()
            Issue.record("rows were made twice")
        } catch let error as JobLogError {
            #expect(History.isDamaged(error, beside: written.log), "\(error)")
            #expect(error.remedy.contains("tracectl log rebuild"))
        }
    }
}
