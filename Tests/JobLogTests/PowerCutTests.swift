import Dispatch
import Glibc
import JobLog
import SimulatedDisk
import Synchronization
import Testing

/// A log on a disk that loses power while a process appends, from its very making on.
private struct PowerCut {
    /// What a caller knows of an event once it was told that it is recorded.
    private struct Fact: Equatable {
        var position: Int64
        var stream: Int64
        var payload: [UInt8]

        /// `==` of arrays calls a function a byte in debug builds.
        static func == (one: Fact, other: Fact) -> Bool {
            one.position == other.position && one.stream == other.stream
                && one.payload.count == other.payload.count
                && memcmp(one.payload, other.payload, one.payload.count) == 0
        }
    }

    let disk: SimulatedDisk
    private let durability: JobLog.Durability
    /// Set once the log was open.
    private var logID: String?
    private var acknowledged: [Fact] = []

    /// Appends until the power goes in the n-th operation, or after all is done.
    init(
        _ durability: JobLog.Durability, operation n: Int, seed: UInt64,
        on disk: SimulatedDisk? = nil
    ) {
        self.disk = disk ?? SimulatedDisk(seed: seed)
        self.durability = durability
        self.disk.cutPower(atOperation: n, seed: seed)
        // It ends with an error wherever the power goes.
        try? append()
        if self.disk.powerCuts == 0 { self.disk.cutPower(seed: seed) }
    }

    private func open() throws -> JobLog {
        var options = options()
        options.durability = durability
        options.storage = disk.startProcess().storage
        return try JobLog.open("/log", access: .create, options: options)
    }

    private mutating func append() throws {
        let log = try open()
        logID = log.logID
        for index in 0..<5 { acknowledged += try Self.append(beginning("one-\(index)"), log) }
        acknowledged += try Self.append(beginning("batch", 50), log)
        appendTogether(log)
        // More than a WAL may grow to, so that it is copied to the database and begun anew.
        for index: UInt8 in 0..<8 {
            let bytes = [UInt8](repeating: index, count: 800_000)
            let large = Draft(stream: .new(0), type: 1, schema: 1, payload: bytes)
            let request = AppendRequest(newStreams: [NewStream(family: family)], drafts: [large])
            acknowledged += try Self.append(request, log)
        }
        for index in 5..<10 { acknowledged += try Self.append(beginning("one-\(index)"), log) }
    }

    /// Several threads, whose requests share transactions.
    private mutating func appendTogether(_ log: JobLog) {
        let facts = Mutex<[Fact]>([])
        DispatchQueue.concurrentPerform(iterations: 8) { index in
            // What is refused for want of power is not acknowledged, and may be lost.
            let appended = try? Self.append(beginning("group-\(index)", 3), log)
            facts.withLock { $0 += appended ?? [] }
        }
        acknowledged += facts.withLock { $0 }
    }

    private static func append(_ request: AppendRequest, _ log: JobLog) throws -> [Fact] {
        let appended = try log.append(request)
        return zip(request.drafts, appended.positions).map { draft, position in
            Fact(position: position, stream: appended.streams[0], payload: draft.payload)
        }
    }

    /// What is wrong with what the next process finds; nil when nothing is.
    func loss() -> String? {
        do {
            let log = try open()
            if let logID, log.logID != logID { return "the log is another one" }
            if let fault = try log.verify().faults.first { return fault }
            let found = try log.read(after: 0, limit: .max).map { event in
                Fact(position: event.position, stream: event.stream, payload: event.payload)
            }
            for fact in acknowledged
            where !found.indices.contains(Int(fact.position) - 1)
                || found[Int(fact.position) - 1] != fact
            {
                return "event \(fact.position) of \(acknowledged.count) is lost"
            }
            let next = try log.append(beginning("after")).positions
            return next.first == Int64(found.count) + 1 ? nil : "a gap before \(next)"
        } catch {
            return "\(error)"
        }
    }
}

struct PowerCutTests {
    /// The same cuts in all tests, spread over the operations of a run that is not cut.
    private func cuts(_ durability: JobLog.Durability) -> some Sequence<PowerCut> {
        let operations = PowerCut(durability, operation: 0, seed: 0).disk.operations
        return (1...100 as ClosedRange<UInt64>).lazy.map { seed in
            PowerCut(durability, operation: Int(seed &* 7919 % UInt64(operations)) + 1, seed: seed)
        }
    }

    @Test func aPowerCutTakesNoAcknowledgedEvent() {
        for (index, cut) in cuts(.full).enumerated() {
            #expect(cut.loss() == nil, "cut \(index + 1)")
        }
    }

    @Test(arguments: [JobLog.Durability.normal, .off])
    func aPowerCutTakesEventsThatWereNotSynced(_ durability: JobLog.Durability) {
        #expect(cuts(durability).contains { $0.loss() != nil }, "or the test above proves nothing")
    }

    @Test func aRunCopiesItsWALToTheDatabase() throws {
        // Else the cuts above would never meet a checkpoint.
        let disk = SimulatedDisk()
        let checkpoints = Mutex(0)
        disk.onOperation { operation in
            guard operation.kind == .sync, operation.file == .database else { return .proceed }
            checkpoints.withLock { $0 += 1 }
            return .proceed
        }
        _ = PowerCut(.full, operation: 0, seed: 0, on: disk)
        #expect(checkpoints.withLock { $0 } >= 2)
    }

    @Test func theRoleOfAKilledProcessIsFreeAtOnce() throws {
        let disk = SimulatedDisk()
        func take(_ holder: String, _ process: SimulatedProcess) throws -> Lease? {
            var options = options()
            options.storage = process.storage
            let log = try JobLog.open("/log", access: .create, options: options)
            return try log.acquireLease(role: "decider", holder: holder, durationMicroseconds: 10)
        }
        let (first, second) = (disk.startProcess(), disk.startProcess())
        #expect(try take("a", first)?.epoch == 1)
        #expect(try take("b", second) == nil)
        first.kill()
        #expect(try take("b", second)?.epoch == 2)
    }

    @Test func anEpochUnderWhichSomethingWasCommittedNeverComesAgain() throws {
        let disk = SimulatedDisk()
        func open(_ process: SimulatedProcess) throws -> JobLog {
            var options = options()
            options.durability = .full
            options.storage = process.storage
            return try JobLog.open("/log", access: .create, options: options)
        }
        func take(_ log: JobLog) throws -> Lease {
            try #require(
                try log.acquireLease(role: "decider", holder: "a", durationMicroseconds: 10))
        }
        for epoch in Int64(1)...3 {
            let process = disk.startProcess()
            let log = try open(process)
            let syncs = process.counts[.sync]
            let lease = try take(log)
            #expect(process.counts[.sync] == syncs, "a grant is not synced")
            #expect(lease.epoch == epoch)
            try log.decide(holding: lease, after: 0) { _, _ in beginning("\(epoch)") }
            disk.cutPower(seed: UInt64(epoch))
        }
    }
}
