import Scheduler
import SimulatedDisk

/// What is wrong with the disk for a while.
struct Weather {
    private(set) var bad: Set<Fault> = []
    private var dice: Dice
    private let spans: [Fault: Int64]
    /// Operations until the power is cut in one.
    var cutIn = 0
    /// Operations of processes until each dies in one.
    var deathsIn: [Int: Int] = [:]
    /// Whether something failed on purpose since this was last set to false.
    var hasStruck = false

    init(_ plan: Plan) {
        dice = Dice(plan.seed, .disk)
        spans = plan.spans
    }

    mutating func begin(_ fault: Fault) { bad.insert(fault) }
    mutating func end(_ fault: Fault) { bad.remove(fault) }

    mutating func clear(_ disk: SimulatedDisk) {
        bad = []
        cutIn = 0
        deathsIn = [:]
        disk.setCapacity(nil)
    }

    /// What the disk does with the operation, and what that counts as.
    mutating func answer(
        to operation: SimulatedDisk.Operation
    ) -> (SimulatedDisk.Answer, Fault?) {
        if cutIn > 0 {
            cutIn -= 1
            if cutIn == 0 { return (.cutPower(seed: dice.number()), .powerCut) }
        }
        if let left = deathsIn[operation.process] {
            deathsIn[operation.process] = left > 1 ? left - 1 : nil
            if left == 1 { return (.die, .diedInOperation) }
        }
        guard !bad.isEmpty else { return (.proceed, nil) }
        switch operation.kind {
        case .write where bad.contains(.writeError) && dice.happens(100):
            return (.ioError(written: dice.below(operation.length + 1)), .writeError)
        case .sync where bad.contains(.syncError) && dice.happens(200):
            return (.ioError(), .syncError)
        case .lock, .lockIndex:
            if bad.contains(.lockBusy), dice.happens(50) { return (.busy, .lockBusy) }
            return (.proceed, nil)
        case .open, .read, .write, .truncate, .sync, .mapIndex, .delete, .size, .access, .rename,
            .syncFolder, .list, .sleep:
            return (.proceed, nil)
        }
    }

    /// How long the operation takes, in microseconds.
    mutating func span(of operation: SimulatedDisk.Operation) -> Int64 {
        switch operation.kind {
        case .sync: 100 + Int64(dice.below(2000))
        case .sleep: Int64(operation.length)
        case .open, .read, .write, .truncate, .lock, .mapIndex, .lockIndex, .delete, .size,
            .access, .rename, .syncFolder, .list:
            3
        }
    }
}

extension Simulation {
    func listenToDisk() {
        if plan.sabotage == .lyingDisk { disk.setLyingSyncs([.wal, .database]) }
        disk.onOperation { [unowned self] operation in
            guard operation.process != lookingProcess else { return .proceed }
            guard countOperation() else { return .die }
            time.pass(weather.span(of: operation))
            disk.setTime(milliseconds: time.timeOfDay / 1000)
            if rolls.isFatal(operation) {
                narrator.say("process \(operation.process) dies while it makes a segment")
                return fate.happens(700) ? .die : .cutPower(seed: fate.number())
            }
            let (answer, fault) = weather.answer(to: operation)
            if let fault {
                weather.hasStruck = true
                if fault != .powerCut { tally.count(fault) }
                narrator.say("process \(operation.process): \(fault) in \(operation.kind)")
                return answer
            }
            if overtakeIn > 0, mayOvertake {
                overtakeIn -= 1
                if overtakeIn == 0 { overtake(operation.process) }
            }
            return answer
        }
    }

    /// False when the step that is being taken does more than any step should.
    private func countOperation() -> Bool {
        progress.countOperation()
        operationsInStep += 1
        guard operationsInStep > Self.operationsMax else { return true }
        violation =
            violation ?? Violation("the step does not end in \(Self.operationsMax) operations")
        return false
    }

    /// Operations of one step; those of most are less than a thousand.
    private static let operationsMax = 1_000_000

    /// Stops the process where it is and lets the others go on for a while.
    ///
    /// Not one that holds a lock which others would have to wait for: they run on its thread.
    private func overtake(_ process: Int) {
        guard depth == 0, violation == nil else { return }
        guard !disk.isHolding(process) else {
            // Soon again.
            overtakeIn = 1 + fate.below(20)
            return
        }
        tally.count(.overtaken)
        let isLong = fate.happens(250)
        let span =
            isLong
            ? fate.within(plan.leaseMicroseconds...3 * plan.leaseMicroseconds)
            : fate.within(100...100_000)
        narrator.say("process \(process) is stopped for \(span)")
        depth += 1
        defer { depth -= 1 }
        // What struck it before it was stopped still explains how it fails.
        let (stopped, hasStruck) = (actor, weather.hasStruck)
        let until = time.now + span
        do {
            try witness.catchUp(by: stopped)
            while time.now < until, phase != .ended { try step() }
        } catch let fault as Violation {
            violation = violation ?? fault
        } catch {
            violation = violation ?? Violation("unexpected: \(error)")
        }
        (actor, weather.hasStruck) = (stopped, hasStruck)
        narrator.say("process \(process) goes on")
    }
}
