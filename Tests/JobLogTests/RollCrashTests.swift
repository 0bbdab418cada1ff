import JobLog
import SimulatedDisk
import Testing

/// A process that appends, rolls and appends, and comes to its end in the middle of it.
private struct Rolled {
    let disk: SimulatedDisk
    private let durability: JobLog.Durability
    private var acknowledged: [Int64] = []
    /// Operations from the beginning of the roll to the end of the run.
    private(set) var operations = 0

    enum End: Hashable {
        case none
        /// The process dies in the n-th operation of the roll or after.
        case death(Int)
        /// The power is cut there.
        case powerCut(Int)
        /// The process dies there, and the power is cut in an operation of who goes on.
        case both(Int, Int)
    }

    init(_ end: End, seed: UInt64, durability: JobLog.Durability = .full) throws {
        disk = SimulatedDisk(seed: seed)
        self.durability = durability
        let process = disk.startProcess()
        let log = try open(process)
        for index in 0..<3 {
            acknowledged += try log.append(asking("before-\(index)")).positions
        }
        acknowledged += try log.append(answer(2)).positions
        let lease = try log.lease()
        let before = process.counts.all
        switch end {
        case .none: break
        case .death(let n), .both(let n, _): process.kill(atOperation: n)
        case .powerCut(let n): disk.cutPower(atOperation: n, seed: seed)
        }
        // It ends with an error wherever the end comes.
        try? finish(log, lease)
        operations = process.counts.all - before
        if end == .none { disk.cutPower(seed: seed) }
        if case .both(_, let n) = end {
            disk.cutPower(atOperation: n, seed: seed)
            try? acknowledge(open(disk.startProcess()), "between")
            disk.cutPower(seed: seed)
        }
    }

    private mutating func finish(_ log: JobLog, _ lease: Lease) throws {
        try log.roll(lease)
        try acknowledge(log, "after")
        try log.recordDigests()
        try acknowledge(log, "later")
    }

    private mutating func acknowledge(_ log: JobLog, _ name: String) throws {
        acknowledged += try log.append(asking(name)).positions
    }

    private func open(_ process: SimulatedProcess) throws -> JobLog {
        try JobLog.open(
            "/log", access: .create,
            options: rollingOptions(durability: durability, storage: process.storage))
    }

    /// What is wrong with what the next process finds; nil when nothing is.
    func fault() -> String? {
        do {
            let log = try open(disk.startProcess())
            if let fault = try log.verify().faults.first { return fault }
            let events = try log.read(after: 0, limit: .max)
            guard events.map(\.position) == Array(1...Int64(events.count)) else {
                return "positions \(events.map(\.position))"
            }
            let asked = events.filter { $0.type == Type.asked || $0.type == Type.answered }
            let found = Set(asked.map(\.position))
            if durability == .full, let lost = acknowledged.first(where: { !found.contains($0) }) {
                return "event \(lost) of \(acknowledged) is lost"
            }
            var fresh = Count()
            try log.scan(after: 0) { fresh.fold($0) }
            guard try Count(of: log) == fresh else { return "the checkpoint is not the fold" }
            let isSealed = events.contains { $0.type == Type.sealed }
            let count = try log.info().segments.count
            guard count == (isSealed ? 2 : 1) else { return "\(count) segments" }
            let lease = try log.lease("next", 10)
            // A grant alone goes with the power; one under which something was committed stays.
            guard durability != .full || !isSealed || lease.epoch == 2 else {
                return "epoch \(lease.epoch)"
            }
            try log.roll(lease)
            let next = try log.append(asking("next")).positions
            guard next.first == Int64(events.count) + 3 else { return "a gap before \(next)" }
            let unfinished = disk.startProcess().storage.files("/log").filter {
                $0.hasSuffix(".new")
            }
            return unfinished.isEmpty ? try log.verify().faults.first : "\(unfinished) are left"
        } catch {
            return "\(error)"
        }
    }
}

struct RollCrashTests {
    private let operations: Int

    init() throws { operations = try Rolled(.none, seed: 0).operations }

    @Test func aWholeRunTakesMoreThanAFewOperations() throws {
        #expect(operations > 100)
        #expect(try Rolled(.none, seed: 0).fault() == nil)
    }

    @Test func aDeathInAnyOperationOfARollLosesAndDoublesNothing() throws {
        for n in 1...operations {
            #expect(try Rolled(.death(n), seed: UInt64(n)).fault() == nil, "operation \(n)")
        }
    }

    @Test(arguments: JobLog.Durability.allCases)
    func aPowerCutInAnyOperationOfARollLeavesALogWithoutAGap(
        durability: JobLog.Durability
    ) throws {
        let step = durability == .full ? 1 : 5
        for n in stride(from: 1, through: operations, by: step) {
            let rolled = try Rolled(.powerCut(n), seed: UInt64(n), durability: durability)
            #expect(rolled.fault() == nil, "operation \(n)")
        }
    }

    @Test func aPowerCutWhileTheNextProcessCompletesTheRollLosesNothing() throws {
        for n in stride(from: 1, through: operations, by: 17) {
            for next in stride(from: 3, through: 120, by: 11) {
                let rolled = try Rolled(.both(n, next), seed: UInt64(n * 1000 + next))
                #expect(rolled.fault() == nil, "operations \(n) and \(next)")
            }
        }
    }
}
