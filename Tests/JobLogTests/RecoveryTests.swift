import JobLog
import SimulatedDisk
import Testing

/// What a log shows that was left behind by a process that died while it wrote.
struct RecoveryTests {
    private static func options(_ process: SimulatedProcess) -> JobLog.Options {
        var options = JobLogTests.options()
        options.durability = .full
        options.storage = process.storage
        return options
    }

    /// Operations in which somebody died before the log showed more than was acknowledged.
    private func recoveries(_ access: JobLog.Access) throws -> Int {
        var recoveries = 0
        for n in 1...60 {
            let disk = SimulatedDisk(seed: UInt64(n))
            let writing = disk.startProcess()
            let log = try JobLog.open("/log", access: .create, options: Self.options(writing))
            try log.append(beginning("first"))
            writing.kill(atOperation: n)
            _ = try? log.append(beginning("second"))
            writing.kill()
            let looking = disk.startProcess()
            let found = try JobLog.open("/log", access: access, options: Self.options(looking))
            let seen = try found.lastPosition()
            disk.cutPower(seed: UInt64(n))
            let later = try JobLog.open(
                "/log", access: .readOnly, options: Self.options(disk.startProcess()))
            #expect(try later.lastPosition() == seen, "died in operation \(n)")
            if seen == 2 { recoveries += 1 }
        }
        return recoveries
    }

    @Test func whatAnOpenedLogShowsSurvivesAPowerCut() throws {
        #expect(try recoveries(.readWrite) > 0)
    }

    @Test func whatALogShowsToReadersSurvivesAPowerCut() throws {
        #expect(try recoveries(.readOnly) > 0)
    }
}
