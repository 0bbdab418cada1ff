import SimulatedDisk

/// Knows which process is making the next segment of the log, and can end it in the middle.
///
///     idle ──touches an unfinished segment──▶ rolling ──its name is durable, step over──▶ idle
///
/// One that rolls keeps others from it, and is never overtaken: there is one at a time.
struct RollWatch {
    private(set) var roller: Int?
    /// Operations of a roll until who rolls dies in one; 0: in none.
    var deathIn = 0

    /// Returns whether the process is to die in the operation.
    mutating func isFatal(_ operation: SimulatedDisk.Operation) -> Bool {
        if roller == nil, operation.kind == .access, operation.path.hasSuffix(".new") {
            roller = operation.process
        }
        guard roller == operation.process else { return false }
        if deathIn > 0 {
            deathIn -= 1
            if deathIn == 0 { return true }
        }
        // With that the new segment is there for good.
        if operation.kind == .syncFolder { roller = nil }
        return false
    }

    /// After a step nobody is in the middle of anything; returns who was when it ended.
    mutating func settle() -> Int? { roller.take() }
}
