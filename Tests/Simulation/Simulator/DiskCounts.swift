import SimulatedDisk

/// What a disk has counted of its faults.
struct DiskCounts {
    var powerCuts = 0
    var lost = 0
    var torn = 0
    var refused = 0

    init() {}

    init(_ disk: SimulatedDisk) {
        powerCuts = disk.powerCuts
        lost = disk.lostChanges
        torn = disk.tornWrites
        refused = disk.refusedWrites
    }
}

extension Simulation {
    /// Counts what really went wrong with the disk in the step, not what was meant to.
    func countDiskFaults() {
        let now = DiskCounts(disk)
        if now.powerCuts != seen.powerCuts { narrator.say("the power was cut") }
        tally.count(.powerCut, now.powerCuts - seen.powerCuts)
        if now.lost != seen.lost { tally.count(.powerCutLost) }
        if now.torn != seen.torn { tally.count(.powerCutTore) }
        tally.count(.diskFull, now.refused - seen.refused)
        seen = now
        if let roller = rolls.settle(), !disk.isAlive(roller) { tally.count(.diedInRoll) }
    }
}
