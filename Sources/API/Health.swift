import Traceflow

/// What a worker says to those who ask whether it lives and whether it is of use.
struct Health: Hashable, Sendable {
    /// How long one of its threads has not come round, in microseconds.
    var decidingStill: Int64 = 0
    var executingStill: Int64 = 0
    var isStopping = false
    var isDeciding = false
    /// Whether somebody alive holds the decider's lease; nil when the log could not say.
    var isDecided: Bool?
    /// Events that it has not taken in yet; nil when the log could not say.
    var lag: Int64?

    /// A thread that did not come round for so long hangs: the longest waits are a minute.
    static let stillMaxMicroseconds: Int64 = 180_000_000
    /// As many as a decider may have to replay when it begins.
    static let lagMax: Int64 = 100_000

    struct Answer: Hashable, Sendable {
        var isWell: Bool
        var text: String

        static let ok = Answer(isWell: true, text: "ok")
        static func no(_ why: String) -> Answer { Answer(isWell: false, text: why) }
    }

    /// Whether its threads live.
    var liveness: Answer {
        for (name, still) in [("deciding", decidingStill), ("executing", executingStill)]
        where still > Self.stillMaxMicroseconds {
            return .no("the \(name) thread has not come round for \(still / 1_000_000) s")
        }
        return .ok
    }

    /// Whether what is asked of the log gets done.
    var readiness: Answer {
        let liveness = liveness
        guard liveness.isWell else { return liveness }
        if isStopping { return .no("the worker is stopping") }
        guard let lag, let isDecided else { return .no("the log cannot be read") }
        if lag > Self.lagMax { return .no("\(lag) events behind the end of the log") }
        guard isDeciding || isDecided else { return .no("no worker decides") }
        return .ok
    }
}
