import Glibc
import JobLog
import Synchronization

/// Small events, one caller: one by one and in batches.
enum Append: Scenario {
    static let name = "append"
    static let summary = "events/s of one caller, one by one and in batches"

    static func run(_ setting: Setting) throws {
        for batch in setting.batches {
            let folder = try setting.newFolder("append")
            let log = try Subject.newLog(folder)
            var workload = Workload()
            let rate = try Stopwatch.rate(seconds: setting.seconds) {
                try workload.append(batch, to: log)
            }
            Output.figure(name, batch == 1 ? "one by one" : "batch \(batch)", rate, "events/s")
            setting.remove(folder)
        }
    }
}

/// Many callers, each with one event at a time and awaiting its own acknowledgement.
enum GroupCommitting: Scenario {
    static let name = "group-commit"
    static let summary = "events/s of 256 callers, each awaiting its own durable acknowledgement"
    static let callers = 256

    static func run(_ setting: Setting) throws {
        try measure("\(callers) threads", setting, threads)
        try measure("\(callers) tasks", setting, tasks)
    }

    private static func measure(
        _ name: String, _ setting: Setting, _ callers: (JobLog, Double) throws -> Double
    ) throws {
        let folder = try setting.newFolder("group-commit")
        let log = try Subject.newLog(folder)
        Output.figure(Self.name, name, try callers(log, setting.seconds), "events/s")
        setting.remove(folder)
    }

    /// A stream's next event; which stream, and how many it has.
    private struct Caller {
        var stream: Int64 = 0
        var version = Workload.eventsAStream

        var isNew: Bool { version == Workload.eventsAStream }

        func request(_ number: Int) -> AppendRequest {
            AppendRequest(
                newStreams: isNew ? [Subject.stream] : [],
                drafts: [Workload.draft(isNew ? .new(0) : .existing(stream), number)])
        }

        mutating func took(_ appended: Appended) {
            if isNew { version = 0 }
            stream = appended.streams.first ?? stream
            version += 1
        }
    }

    private static func threads(_ log: JobLog, _ seconds: Double) throws -> Double {
        let watch = Stopwatch()
        let total = Mutex(0)
        let fault = Mutex<String?>(nil)
        let crew = (0..<callers).map { _ in
            Crew {
                do {
                    var caller = Caller()
                    var count = 0
                    while watch.seconds < seconds {
                        caller.took(try log.append(caller.request(count)))
                        count += 1
                    }
                    total.withLock { $0 += count }
                } catch {
                    fault.withLock { $0 = "\(error)" }
                }
            }
        }
        for member in crew { member.join() }
        if let fault = fault.withLock({ $0 }) { throw BenchError(fault) }
        return Double(total.withLock { $0 }) / watch.seconds
    }

    private static func tasks(_ log: JobLog, _ seconds: Double) throws -> Double {
        let watch = Stopwatch()
        let outcome = Mutex<Result<Int, any Error>?>(nil)
        let isOver = Signal()
        Task.detached {
            let result: Result<Int, any Error>
            do {
                result = .success(
                    try await withThrowingTaskGroup(of: Int.self) { group in
                        for _ in 0..<callers {
                            group.addTask {
                                var caller = Caller()
                                var count = 0
                                while watch.seconds < seconds {
                                    caller.took(try await log.appended(caller.request(count)))
                                    count += 1
                                }
                                return count
                            }
                        }
                        return try await group.reduce(0, +)
                    })
            } catch {
                result = .failure(error)
            }
            outcome.withLock { $0 = result }
            isOver.tell()
        }
        isOver.wait()
        let elapsed = watch.seconds
        return Double(try outcome.withLock { try $0?.get() ?? 0 }) / elapsed
    }
}
