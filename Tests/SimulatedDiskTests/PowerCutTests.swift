import SimulatedDisk
import Testing

/// What a run with one power cut came to.
private struct Outcome {
    /// The last entry whose commit returned.
    var acknowledged = 0
    /// The last entry that a later process finds; nil when what it finds is broken.
    var found: Int?

    var isLoss: Bool { (found ?? -1) < acknowledged }
}

struct PowerCutTests {
    private static let entries = 20

    /// Enters until the power is cut in the n-th operation, or after the last.
    private static func run(
        cutAt n: Int, seed: UInt64, synchronous: String, lying: Bool = false
    ) -> Outcome {
        let disk = SimulatedDisk(seed: seed)
        if lying { disk.setLyingSyncs(Set(SimulatedDisk.FileKind.allCases)) }
        disk.cutPower(atOperation: n, seed: seed)
        var outcome = Outcome()
        if let ledger = try? Ledger(disk.startProcess(), synchronous: synchronous) {
            for number in 1...entries {
                guard (try? ledger.enter(number)) != nil else { break }
                outcome.acknowledged = number
            }
        }
        if disk.powerCuts == 0 { disk.cutPower(seed: seed) }
        outcome.found = Ledger.last(disk.startProcess())
        return outcome
    }

    /// The same 500 cuts for every way of syncing.
    private static func outcomes(synchronous: String, lying: Bool = false) throws -> [Outcome] {
        let disk = SimulatedDisk()
        let process = disk.startProcess()
        let ledger = try Ledger(process)
        for number in 1...entries { try ledger.enter(number) }
        let operations = UInt64(disk.operations)
        return (1...500 as ClosedRange<UInt64>).map { seed in
            let n = Int(seed &* 7919 % operations) + 1
            return run(cutAt: n, seed: seed, synchronous: synchronous, lying: lying)
        }
    }

    @Test func fullSyncKeepsEveryAcknowledgedTransactionWhole() throws {
        let outcomes = try Self.outcomes(synchronous: "full")
        for (index, outcome) in outcomes.enumerated() {
            let found = try #require(outcome.found, "seed \(index + 1) left a broken file")
            #expect(found >= outcome.acknowledged, "seed \(index + 1) lost a commit")
            #expect(found <= outcome.acknowledged + 1, "seed \(index + 1) made one up")
        }
        #expect(outcomes.contains { $0.found == $0.acknowledged + 1 }, "a cut within a commit")
    }

    @Test func normalSyncLosesCommitsAndStaysConsistent() throws {
        let outcomes = try Self.outcomes(synchronous: "normal")
        #expect(outcomes.allSatisfy { $0.found != nil })
        #expect(outcomes.contains { $0.isLoss })
    }

    @Test func noSyncLosesCommits() throws {
        #expect(try Self.outcomes(synchronous: "off").contains { $0.isLoss })
    }

    @Test func aDiskThatLiesAboutSyncsLosesCommits() throws {
        #expect(try Self.outcomes(synchronous: "full", lying: true).contains { $0.isLoss })
    }

    @Test func theSameSeedLeavesTheSameDisk() throws {
        func digests(_ seed: UInt64) throws -> [UInt64] {
            let disk = SimulatedDisk(seed: seed)
            let process = disk.startProcess()
            let ledger = try Ledger(process, synchronous: "off")
            for number in 1...10 { try ledger.enter(number) }
            let before = disk.digest
            disk.cutPower(seed: seed)
            return [before, disk.digest]
        }
        let first = try digests(3)
        #expect(try digests(3) == first)
        let others = try (4...10).map { try digests($0) }
        #expect(others.allSatisfy { $0[0] == first[0] })
        #expect(Set(others.map { $0[1] }).count > 1, "seeds lose different things")
    }
}
