import Synchronization

/// Where a run is, for those who look from another thread or from a handler of signals.
public final class Progress: Sendable {
    private let seedNow = Atomic<UInt64>(0)
    private let stepNow = Atomic(0)
    private let operationsNow = Atomic(0)

    public init() {}

    public var seed: UInt64 { seedNow.load(ordering: .relaxed) }
    public var step: Int { stepNow.load(ordering: .relaxed) }
    /// Of the disk, in all runs.
    public var operations: Int { operationsNow.load(ordering: .relaxed) }

    func begin(_ seed: UInt64) {
        seedNow.store(seed, ordering: .relaxed)
        stepNow.store(0, ordering: .relaxed)
    }

    func take(step: Int) { stepNow.store(step, ordering: .relaxed) }

    func countOperation() { operationsNow.wrappingAdd(1, ordering: .relaxed) }
}
