import Glibc

/// The workers at a log. Who is missing is replaced.
struct Crew {
    let arena: Arena
    let size: Int
    /// Further arguments of each worker.
    var options: [String] = []
    /// Whether now and then one is started that changes who shares tags.
    var changesTags = false
    /// Whether a worker may end by itself because the disk is full.
    var mayStarve = false
    private(set) var workers: [Child] = []
    private(set) var starvedCount = 0
    private var startedCount = 0

    init(arena: Arena, size: Int) {
        self.arena = arena
        self.size = size
    }

    mutating func fill(_ chance: inout Chance) throws {
        try look()
        while workers.count < size { try add(options, &chance) }
    }

    /// Faults differ from one worker to the next, so that reports come late, twice, in disorder
    /// or never. Latency keeps attempts in the middle for long enough to be hit there.
    @discardableResult
    mutating func add(_ options: [String], _ chance: inout Chance) throws -> Child {
        startedCount += 1
        let latency = chance.pick([20, 200, 400]) ?? 0
        let (seed, inFlight) = (chance.number(0...9999), chance.pick([4, 64, 1024]) ?? 64)
        var arguments = ["worker", "--id", "w\(startedCount)", "--seed", "\(seed)"]
        arguments += ["--faults", "latency=\(latency),loss=2,double=5,reorder=10,crash=1"]
        arguments += ["--in-flight", "\(inFlight)"]
        // Small segments, so that kills fall into rolls too.
        arguments += ["--segment-size", chance.pick(["64KiB", "64KiB", "256KiB"]) ?? "64KiB"]
        if changesTags, chance.happens(15) {
            arguments += ["--tags", chance.happens(50) ? "antrea" : "perNode"]
        }
        let worker = try arena.start(arguments + options)
        workers.append(worker)
        return worker
    }

    /// A worker ends when it is killed or told to, and never otherwise.
    mutating func look() throws {
        for worker in workers where worker.poll() != nil {
            if worker.isDoomed, worker.end == .killed(SIGKILL) {
                worker.forget()
            } else if mayStarve, worker.end == .exited(3) {
                try Starvation.check(worker)
                starvedCount += 1
            } else {
                throw Arena.wrong(worker)
            }
            drop(worker)
        }
    }

    /// Kills the worker; returns whether there was one to kill.
    mutating func kill(_ worker: Child) throws -> Bool {
        defer { drop(worker) }
        guard try worker.kill() else {
            if mayStarve, worker.end == .exited(3) { return false }
            throw Arena.wrong(worker)
        }
        worker.forget()
        return true
    }

    private mutating func drop(_ worker: Child) {
        workers.removeAll { $0 === worker }
        arena.release(worker)
    }

    /// Tells all to hand over, which they must do in time and with a good end.
    mutating func dismiss(_ some: [Child]? = nil) throws {
        try look()
        let leaving = some ?? workers
        // Before it says so it has not yet asked to be told of signals.
        try Wait.until("workers have begun", seconds: 120) {
            leaving.allSatisfy { $0.poll() != nil || $0.errors.contains("working on") }
        }
        for worker in leaving { worker.signal(SIGTERM) }
        try Wait.until("workers hand over", seconds: 120) {
            leaving.allSatisfy { $0.poll() != nil }
        }
        for worker in leaving {
            guard worker.end == .exited(0) else { throw Arena.wrong(worker) }
            drop(worker)
        }
    }
}

/// What a full disk may do to a command: one clear line, and the status of a failed system.
enum Starvation {
    static func check(_ child: Child) throws {
        let errors = child.errors.split(separator: "\n").filter { $0.hasPrefix("error: ") }
        guard errors.count == 1, errors[0].contains("disk is full") else {
            throw Arena.wrong(child)
        }
    }
}
