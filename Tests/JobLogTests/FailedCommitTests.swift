import JobLog
import SimulatedDisk
import Testing

/// What is known after a commit that failed is what was known before it.
struct FailedCommitTests {
    let disk = SimulatedDisk(seed: 1)
    let process: SimulatedProcess
    let log: JobLog

    init() throws {
        process = disk.startProcess()
        var options = options()
        options.durability = .full
        options.storage = process.storage
        log = try JobLog.open("/log", access: .create, options: options)
        try log.append(beginning("first"))
    }

    private func failing(_ request: AppendRequest) {
        disk.onOperation { $0.kind == .sync ? .ioError() : .proceed }
        #expect(throws: JobLogError.self) { try log.append(request) }
        disk.onOperation(nil)
    }

    private func sharing(_ bytes: [UInt8]) -> AppendRequest {
        var draft = draft(.existing(1))
        draft.payload = []
        draft.symbols = [log.symbol(bytes)]
        return AppendRequest(drafts: [draft])
    }

    @Test func positionsAndVersionsGoOnFromTheLastGoodCommit() throws {
        failing(AppendRequest(drafts: [draft(.existing(1)), draft(.existing(1))]))
        let appended = try log.append(AppendRequest(drafts: [draft(.existing(1))]))
        #expect(Array(appended.positions) == [2])
        #expect(try log.read(stream: 1).map(\.version) == [1, 2])
        #expect(try log.verify().faults == [])
    }

    @Test func streamsAndNamesOfAFailedCommitAreFree() throws {
        failing(beginning("second"))
        #expect(Array(try log.append(beginning("second")).streams) == [2])
    }

    @Test func aSymbolHasNoNumberBeforeItsCommit() throws {
        failing(sharing([0xaa]))
        try log.append(sharing([0xbb]))
        try log.append(sharing([0xaa]))
        // Field 15, one byte long: the number.
        let numbers = try log.read(stream: 1).dropFirst().map { Int64($0.payload.last ?? 0) }
        #expect(numbers == [1, 2])
        let again = try JobLog.open("/log", access: .readOnly, options: log.options(process))
        #expect(try again.symbol(number: 1) == [0xbb])
        #expect(try again.symbol(number: 2) == [0xaa])
    }
}

extension JobLog {
    fileprivate func options(_ process: SimulatedProcess) -> JobLog.Options {
        JobLog.Options(now: { 1 }, storage: process.storage)
    }
}
