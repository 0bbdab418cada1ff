import JobLog

/// Parts of scenarios that need a process of their own.
enum Part {
    static func run(_ arguments: [String]) throws {
        switch arguments.first {
        case "complete": try complete(arguments)
        case "waiting": try waiting(arguments)
        default: throw BenchError("there is no such part")
        }
    }

    /// `complete FOLDER COUNT`: a new log, a worker, and so many traces to their verdict.
    private static func complete(_ arguments: [String]) throws {
        guard arguments.count == 3, let count = Int(arguments[2]) else {
            throw BenchError("usage: complete FOLDER COUNT")
        }
        let log = try Subject.newLog(arguments[1])
        let stage = try Stage(log)
        let worker = Subject.worker(log, id: "bench")
        let thread = Crew { Stage.work(worker, log) }
        _ = try stage.complete(count)
        worker.stop()
        thread.join()
    }

    /// `waiting ORDER SIZE SECONDS`.
    private static func waiting(_ arguments: [String]) throws {
        guard arguments.count == 4, let order = WaitingTraces.Order(rawValue: arguments[1]),
            let size = Int(arguments[2]), let seconds = Double(arguments[3])
        else { throw BenchError("usage: waiting ORDER SIZE SECONDS") }
        try WaitingTraces.measure(size, order, seconds: seconds)
    }
}
